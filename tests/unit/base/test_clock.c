/* The clock goes forward, in step with CLOCK_MONOTONIC. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <time.h>

#include "dataplane/base/clock.h"

static uint64_t monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void the_clock_never_goes_back(void **state) {
    struct rw_clock clock = rw_clock_tsc();
    uint64_t last = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t now = rw_clock_now(&clock);
        assert_true(now >= last);
        last = now;
    }
}

/* Bracketed by two readings of the kernel's clock: no assumption on how long anything takes. */
static void the_clock_follows_the_kernels_within_a_permille(void **state) {
    struct rw_clock clock = rw_clock_tsc();
    uint64_t kernel_before = monotonic_ns();
    uint64_t before = rw_clock_now(&clock), now = before;
    while (now - before < 20000000ull) now = rw_clock_now(&clock);
    uint64_t kernel_passed = monotonic_ns() - kernel_before, passed = now - before;
    assert_true(passed <= kernel_passed + kernel_passed / 1000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_never_goes_back),
        cmocka_unit_test(the_clock_follows_the_kernels_within_a_permille),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
