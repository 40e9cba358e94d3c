/* Assertions that stay on in release: a bug stops the process at once, with its place, before it
 * can publish anything. For operator errors use err.h, for bad data a counter. */
#pragma once

/* rw_assert_failed prints the failed condition and aborts. Any thread. Does not return. */
_Noreturn void rw_assert_failed(const char *condition, const char *file, int line);

#define RW_ASSERT(condition)                                                                     \
    do {                                                                                         \
        if (__builtin_expect(!(condition), 0)) rw_assert_failed(#condition, __FILE__, __LINE__); \
    } while (0)
