/* What `riskwire journal dump` prints: one line per log entry or result.
 *
 * CSV has one set of columns for all types of entry; what an entry does not have is empty.
 * NDJSON has only the fields it has, with the same names. Integers are exact: prices and money
 * 1e-4, times in ns. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "dataplane/journal/format.h"
#include "dataplane/record/entry.h"

struct rw_dump {
    FILE *out;
    bool json;
    enum rw_journal_kind kind;
    uint64_t
        malformed; /* items that are not what the journal should hold; printed as far as known */
};

/* rw_dump_header prints the CSV header; nothing for NDJSON. */
void rw_dump_header(struct rw_dump *dump);
/* rw_dump_record prints the items of one record; a rw_journal_visit. Returns 0, or -EIO when
 * `out` failed. */
int rw_dump_record(void *context, const struct rw_journal_record *record);
