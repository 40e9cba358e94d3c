#include "tools/riskwire/arguments.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "tools/riskwire/verbs.h"

#define DIGITS_MAX 18u

uint64_t rw_argument_number(struct argp_state *state, const char *name, const char *text,
                            uint64_t low, uint64_t high) {
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end || end == text || *text == '-' || value < low || value > high)
        argp_failure(state, RW_EXIT_USAGE, 0, "--%s '%s' is not a number in %llu..%llu", name, text,
                     (unsigned long long)low, (unsigned long long)high);
    return value;
}

/* Reads digits with up to `decimals` of them behind a point as a whole number of 10^-decimals. */
static bool read_scaled(const char *text, uint32_t decimals, uint64_t *scaled) {
    uint64_t value = 0;
    uint32_t digits = 0, behind = 0;
    bool point = false;
    for (; *text; text++) {
        if (*text == '.' && !point) {
            point = true;
            continue;
        }
        if (*text < '0' || *text > '9' || (point && behind == decimals)) return false;
        if (++digits > DIGITS_MAX) return false;
        value = value * 10 + (uint64_t)(*text - '0');
        behind += point;
    }
    for (; behind < decimals; behind++) {
        if (++digits > DIGITS_MAX) return false;
        value *= 10;
    }
    *scaled = value;
    return digits > decimals;
}

uint64_t rw_argument_decimal(struct argp_state *state, const char *name, const char *text,
                             uint32_t decimals, uint64_t low, uint64_t high) {
    uint64_t value = 0, unit = 1;
    for (uint32_t i = 0; i < decimals; i++) unit *= 10;
    if (!read_scaled(text, decimals, &value) || value < low || value > high)
        argp_failure(state, RW_EXIT_USAGE, 0, "--%s '%s' is not a number in %g..%g", name, text,
                     (double)low / (double)unit, (double)high / (double)unit);
    return value;
}

uint32_t rw_argument_percent(struct argp_state *state, const char *name, const char *text) {
    uint64_t ppm = 0;
    if (!read_scaled(text, 4, &ppm) || ppm > 500000)
        argp_failure(state, RW_EXIT_USAGE, 0, "--%s '%s' is not a percentage in 0..50", name, text);
    return (uint32_t)ppm;
}

const struct rw_venue *rw_argument_feed(struct argp_state *state, const char *text) {
    const struct rw_venue *venue = rw_venue_named(text);
    if (!venue)
        argp_failure(state, RW_EXIT_USAGE, 0, "--feed '%s' is none of %s", text, RW_VENUE_NAMES);
    return venue;
}
