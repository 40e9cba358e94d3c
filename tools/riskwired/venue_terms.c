#include "tools/riskwired/venue_terms.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/base/err.h"

int rw_venue_terms_session(const struct rw_venue *venue, const char *text, const char *name,
                           char session[RW_SESSION_BYTES]) {
    size_t length = strlen(text);
    memset(session, 0, RW_SESSION_BYTES);
    if (length == 0) return 0;
    if (venue->session_is_text) {
        if (length > RW_SESSION_BYTES)
            return rw_err_set(EINVAL, "%s.venue_session is '%s', wanted at most %u characters",
                              name, text, RW_SESSION_BYTES);
        memset(session, ' ', RW_SESSION_BYTES);
        memcpy(session, text, length);
        return 0;
    }
    char *end;
    errno = 0;
    uint64_t number = strtoull(text, &end, 10);
    if (errno || *end || strspn(text, "0123456789") != length)
        return rw_err_set(EINVAL,
                          "%s.venue_session is '%s', wanted a number: sessions of %s are "
                          "numbers",
                          name, text, venue->name);
    rw_session_of(session, number);
    return 0;
}

int rw_venue_terms_midnight(const char *session, const char *zone, const char *name,
                            uint64_t *midnight_ns) {
    unsigned hours, minutes;
    char sign[2]; /* a scanset ends its text with a NUL */
    int used = 0;
    if (sscanf(zone, "%1[+-]%2u:%2u%n", sign, &hours, &minutes, &used) != 3 || zone[used] ||
        used != 6 || hours > 14 || minutes > 59) {
        int rc = rw_err_set(EINVAL, "%s.zone is '%s', wanted like -05:00", name, zone);
        rw_err_fix("New York is -05:00 in winter and -04:00 in summer, Chicago one hour less");
        return rc;
    }
    struct tm day = {0};
    sscanf(session, "%2d%2d%2d", &day.tm_year, &day.tm_mon, &day.tm_mday);
    struct tm wanted = {
        .tm_year = day.tm_year + 100, .tm_mon = day.tm_mon - 1, .tm_mday = day.tm_mday};
    day = wanted;
    int64_t start = timegm(&day); /* normalises a day that does not exist */
    if (day.tm_mon != wanted.tm_mon || day.tm_mday != wanted.tm_mday)
        return rw_err_set(EINVAL, "session is '%s', which names no day", session);
    int64_t east = (int64_t)(hours * 60 + minutes) * 60 * (*sign == '-' ? -1 : 1);
    *midnight_ns = (uint64_t)(start - east) * 1000000000u;
    return 0;
}
