/* Errors of the operator or the environment, on the cold path: an errno and sentences.
 *
 * The function that fails calls rw_err_set and returns its value (-errno). A caller that knows
 * more puts its own sentence in front with rw_err_add. main prints rw_err_print: what, then `why:`
 * and `fix:`. The text is kept per thread and never allocates. Not for sealed stage cores. */
#pragma once

/* rw_err_set starts a new error text. errno_value > 0. Returns -errno_value. */
int rw_err_set(int errno_value, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* rw_err_add puts a sentence of the caller in front of the text. Returns rc unchanged. */
int rw_err_add(int rc, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* rw_err_why and rw_err_fix set the lines that name the cause and the cure. They return nothing to
 * keep the error path linear: rw_err_fix("…"); return rw_err_set(…) is wrong, set first. */
void rw_err_why(const char *format, ...) __attribute__((format(printf, 1, 2)));
void rw_err_fix(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* rw_err_text returns the text without why and fix; "" when no error is set. Valid until the next
 * set. */
const char *rw_err_text(void);
/* rw_err_print writes `PROGRAM: text [Ecode]`, `why:` and `fix:` lines to stderr and clears the
 * error. */
void rw_err_print(const char *program);
