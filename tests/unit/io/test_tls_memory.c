/* OpenSSL's memory on stage threads. */
#include "dataplane/io/tls_memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/log.h"

#define SMALL_COUNT 64
#define LARGE_COUNT 16

static void on_stage_thread(void *(*body)(void *), void *argument) {
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, body, argument), 0);
    pthread_join(thread, NULL);
}

static uintptr_t distance(const void *a, const void *b) {
    return a > b ? (uintptr_t)a - (uintptr_t)b : (uintptr_t)b - (uintptr_t)a;
}

static void *take_all(void *argument) {
    void **block = argument;
    rw_log_forbid();
    for (int i = 0; i < SMALL_COUNT + LARGE_COUNT + 1; i++) {
        block[i] = OPENSSL_zalloc(100);
        memset(block[i], i, 100);
    }
    return NULL;
}

static void blocks_are_distinct_and_what_does_not_fit_comes_from_malloc(void **state) {
    uint8_t *block[SMALL_COUNT + LARGE_COUNT + 1];
    on_stage_thread(take_all, block);
    for (int i = 0; i < SMALL_COUNT + LARGE_COUNT + 1; i++)
        for (int k = 0; k < 100; k++) assert_int_equal(block[i][k], i);
    for (int i = 1; i < SMALL_COUNT; i++) assert_true(distance(block[i], block[0]) <= 63 * 128);
    for (int i = SMALL_COUNT; i < SMALL_COUNT + LARGE_COUNT; i++)
        assert_true(distance(block[i], block[SMALL_COUNT]) <= 15 * 1024);
    assert_true(distance(block[SMALL_COUNT + LARGE_COUNT], block[SMALL_COUNT]) > 16 * 1024);
    /* given back by another thread than the one that took them */
    for (int i = 0; i < SMALL_COUNT + LARGE_COUNT + 1; i++) OPENSSL_free(block[i]);
}

static void *take_twice(void *argument) {
    void **block = argument;
    rw_log_forbid();
    block[0] = OPENSSL_malloc(40);
    OPENSSL_free(block[0]);
    block[1] = OPENSSL_malloc(128);
    OPENSSL_free(block[1]);
    return NULL;
}

static void a_block_given_back_is_taken_again(void **state) {
    void *block[2];
    on_stage_thread(take_twice, block);
    assert_ptr_equal(block[0], block[1]);
}

static void *grow(void *argument) {
    rw_log_forbid();
    uint8_t *block = OPENSSL_malloc(16);
    memset(block, 7, 16);
    uint8_t *same = OPENSSL_realloc(block, 128);
    *(int *)argument = same == block;
    block = OPENSSL_realloc(same, 1000);  /* the next pool */
    block = OPENSSL_realloc(block, 5000); /* malloc */
    block = OPENSSL_realloc(block, 9000);
    for (int i = 0; i < 16; i++) *(int *)argument &= block[i] == 7;
    OPENSSL_free(block);
    return NULL;
}

static void growing_keeps_the_bytes(void **state) {
    int kept = 0;
    on_stage_thread(grow, &kept);
    assert_true(kept);
}

static void other_threads_use_malloc(void **state) {
    void *stage[2];
    on_stage_thread(take_twice, stage);
    void *mine = OPENSSL_malloc(40);
    assert_true(distance(mine, stage[0]) > 64 * 128);
    OPENSSL_free(mine);
}

/* In a process of its own: OpenSSL never forgets that it has allocated. */
static void setting_up_late_is_refused(void **state) {
    pid_t child = fork();
    if (child == 0) {
        OPENSSL_free(OPENSSL_malloc(1));
        _exit(rw_tls_memory_setup() == -EBUSY ? 0 : 1);
    }
    int status = -1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void setting_up_again_changes_nothing(void **state) {
    assert_int_equal(rw_tls_memory_setup(), 0);
}

int main(void) {
    const struct CMUnitTest before[] = {cmocka_unit_test(setting_up_late_is_refused)};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_are_distinct_and_what_does_not_fit_comes_from_malloc),
        cmocka_unit_test(a_block_given_back_is_taken_again),
        cmocka_unit_test(growing_keeps_the_bytes),
        cmocka_unit_test(other_threads_use_malloc),
        cmocka_unit_test(setting_up_again_changes_nothing),
    };
    int failed = cmocka_run_group_tests(before, NULL, NULL);
    if (rw_tls_memory_setup()) return 1;
    return failed + cmocka_run_group_tests(tests, NULL, NULL);
}
