#include "dataplane/base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/assert.h"

#define TEXT_BYTES 1024

static _Thread_local struct {
    int errno_value;
    char text[TEXT_BYTES], why[TEXT_BYTES], fix[TEXT_BYTES];
} error;

int rw_err_set(int errno_value, const char *format, ...) {
    RW_ASSERT(errno_value > 0);
    /* The new text may quote the old one (rw_err_text()), so it is written aside first. */
    char text[TEXT_BYTES];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    memcpy(error.text, text, sizeof text);
    error.errno_value = errno_value;
    error.why[0] = error.fix[0] = 0;
    return -errno_value;
}

int rw_err_add(int rc, const char *format, ...) {
    char text[TEXT_BYTES];
    va_list list;
    va_start(list, format);
    int length = vsnprintf(text, sizeof text, format, list);
    va_end(list);
    /* What does not fit is cut from the end: the caller's sentence matters most. */
    if (length >= 0 && length < TEXT_BYTES - 3 && error.text[0]) {
        memcpy(text + length, ": ", 2);
        size_t room = sizeof text - (size_t)length - 3, rest = strnlen(error.text, room);
        memcpy(text + length + 2, error.text, rest);
        text[(size_t)length + 2 + rest] = 0;
    }
    memcpy(error.text, text, sizeof text);
    if (!error.errno_value && rc < 0) error.errno_value = -rc;
    return rc;
}

void rw_err_why(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error.why, sizeof error.why, format, list);
    va_end(list);
}

void rw_err_fix(const char *format, ...) {
    va_list list;
    va_start(list, format);
    vsnprintf(error.fix, sizeof error.fix, format, list);
    va_end(list);
}

const char *rw_err_text(void) { return error.text; }

void rw_err_print(const char *program) {
    const char *name = error.errno_value ? strerrorname_np(error.errno_value) : NULL;
    fprintf(stderr, "%s: %s", program, error.text[0] ? error.text : "failed without a reason");
    if (name) fprintf(stderr, " [%s]", name);
    fputc('\n', stderr);
    if (error.why[0]) fprintf(stderr, "  why: %s\n", error.why);
    if (error.fix[0]) fprintf(stderr, "  fix: %s\n", error.fix);
    memset(&error, 0, sizeof error);
}
