/* Reading the oracle tables: CSV with `#` lines; decimals become integers of a given scale. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"

struct oracle_row {
    char line[1024];
    char *field[16]; /* "" beyond the last */
};

/* oracle_open opens a table of the shared data, or says why not and returns NULL. */
static inline FILE *oracle_open(const char *name) {
    const char *shared = getenv("RW_SHARED");
    char path[512];
    snprintf(path, sizeof path, "%s/data/oracles/%s", shared ? shared : RW_SOURCE_ROOT "/../shared",
             name);
    FILE *file = fopen(path, "r");
    if (!file)
        printf("skipped: %s is not there (RW_SHARED names the folder of shared data)\n", path);
    return file;
}

static inline bool oracle_next(FILE *file, struct oracle_row *row) {
    do {
        if (!fgets(row->line, sizeof row->line, file)) return false;
    } while (row->line[0] == '#' || row->line[0] == '\n');
    row->line[strcspn(row->line, "\r\n")] = 0;
    char *at = row->line;
    for (uint32_t i = 0; i < 16; i++) {
        row->field[i] = at;
        char *comma = strchr(at, ',');
        at = comma ? comma + 1 : at + strlen(at);
        if (comma) *comma = 0;
    }
    return true;
}

/* oracle_scaled reads a decimal (also 2e-05) as an integer of 10^-digits, rounded half away. */
static inline int64_t oracle_scaled(const char *text, int digits) {
    const char *e = strpbrk(text, "eE");
    int shift = digits + (e ? atoi(e + 1) : 0), after = 0;
    bool negative = *text == '-', point = false;
    __int128 value = 0;
    for (const char *at = text + (*text == '-' || *text == '+'); *at && at != e; at++) {
        if (*at == '.') {
            point = true;
            continue;
        }
        RW_ASSERT(*at >= '0' && *at <= '9');
        value = value * 10 + (*at - '0');
        after += point;
    }
    for (shift -= after; shift > 0; shift--) value *= 10;
    for (; shift < -1; shift++) value /= 10;
    if (shift == -1) value = (value + 5) / 10;
    return (int64_t)(negative ? -value : value);
}
