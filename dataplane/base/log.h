/* Log lines of the cold path, one line each to stderr: `2025-01-31T09:30:00.123Z riskwired
 * warning: …`.
 *
 * Stage cores never log (they count): a stage thread calls rw_log_forbid once, and a log line
 * from it is a bug and asserts. */
#pragma once

#include <stdbool.h>

enum rw_log_level { RW_LOG_DEBUG = 0, RW_LOG_INFO = 1, RW_LOG_WARNING = 2, RW_LOG_ERROR = 3 };

/* rw_log_setup names the program (kept by pointer) and the lowest level that is written. Without
 * it: "riskwire", RW_LOG_INFO. Before threads start. */
void rw_log_setup(const char *program, enum rw_log_level lowest);
/* rw_log writes one line with one write(2), so lines of different threads do not mix. Longer text
 * than about 1,000 bytes is cut. Any thread but a stage's. */
void rw_log(enum rw_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* rw_log_forbid makes rw_log assert on the calling thread from now on. */
void rw_log_forbid(void);
bool rw_log_forbidden(void);

#define rw_info(...)    rw_log(RW_LOG_INFO, __VA_ARGS__)
#define rw_warning(...) rw_log(RW_LOG_WARNING, __VA_ARGS__)
