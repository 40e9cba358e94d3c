#include "dataplane/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/base/assert.h"

static const char *program_name = "riskwire";
static enum rw_log_level lowest_level = RW_LOG_INFO;
static _Thread_local bool forbidden;

void rw_log_setup(const char *program, enum rw_log_level lowest) {
    program_name = program;
    lowest_level = lowest;
}

void rw_log(enum rw_log_level level, const char *format, ...) {
    static const char *const names[] = {"debug", "info", "warning", "error"};
    RW_ASSERT(!forbidden);
    if (level < lowest_level) return;

    char line[1200];
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    size_t length = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    length +=
        (size_t)snprintf(line + length, sizeof line - length,
                         ".%03ldZ %.40s %s: ", now.tv_nsec / 1000000, program_name, names[level]);
    va_list list;
    va_start(list, format);
    int more = vsnprintf(line + length, sizeof line - length - 1, format, list);
    va_end(list);
    if (more > 0) length += (size_t)more;
    if (length > sizeof line - 2) length = sizeof line - 2;
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0) return; /* nowhere to say that saying failed */
}

void rw_log_forbid(void) { forbidden = true; }
bool rw_log_forbidden(void) { return forbidden; }
