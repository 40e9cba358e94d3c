/* The setting of bars: what is refused, and what the rest comes to. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "risk/bar_setting.h"

#define SECOND UINT64_C(1000000000)

static void lengths_that_are_no_ascending_seconds_are_refused(void **state) {
    static const char *const texts[] = {",",  "1,",        "1,,60", "60,1",  "1,1", "x",  "1x",
                                        "-1", "1,2,3,4,5", "01",    "86401", " 1",  "0,1"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct rw_bar_cfg cfg = {.ahead_ns = SECOND};
        assert_int_equal(rw_bar_setting(&cfg, texts[i], 0, 0), -EINVAL);
        assert_non_null(strstr(rw_err_text(), texts[i]));
    }
}

static void more_windows_than_are_kept_are_refused_by_number(void **state) {
    struct rw_bar_cfg cfg = {.ahead_ns = SECOND};
    assert_int_equal(rw_bar_setting(&cfg, "1", 0, 60000), 0);
    assert_int_equal(rw_bar_setting(&cfg, "1", 1000, 60000), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "128 windows"));
    assert_int_equal(rw_bar_setting(&cfg, "2", 1000, 60000), 0);
    assert_int_equal(rw_bar_setting(&cfg, "60", RW_BAR_MS_MAX + 1, 0), -EINVAL);
    assert_int_equal(rw_bar_setting(&cfg, "60", 0, UINT64_MAX), -EINVAL);
}

static void a_setting_is_in_nanoseconds(void **state) {
    struct rw_bar_cfg cfg = {.ahead_ns = SECOND, .instruments = 3};
    assert_int_equal(rw_bar_setting(&cfg, "1,60,3600,86400", 100, 10000), 0);
    assert_int_equal(cfg.lengths, 4);
    assert_true(cfg.length_ns[0] == SECOND && cfg.length_ns[3] == 86400 * SECOND);
    assert_true(cfg.bound_ns == SECOND / 10 && cfg.lateness_ns == 10 * SECOND);
    assert_int_equal(cfg.instruments, 3);
}

static void no_lengths_or_0_mean_no_bars(void **state) {
    struct rw_bar_cfg cfg = {.lengths = 2};
    assert_int_equal(rw_bar_setting(&cfg, "", 1, 1), 0);
    assert_int_equal(cfg.lengths, 0);
    assert_int_equal(rw_bar_setting(&cfg, "0", 1, 1), 0);
    assert_int_equal(cfg.lengths, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_that_are_no_ascending_seconds_are_refused),
        cmocka_unit_test(more_windows_than_are_kept_are_refused_by_number),
        cmocka_unit_test(a_setting_is_in_nanoseconds),
        cmocka_unit_test(no_lengths_or_0_mean_no_bars),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
