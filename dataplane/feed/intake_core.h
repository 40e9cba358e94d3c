/* Intake from a file: inputs.csv becomes FILL and ORDER entries, in event-time order, each with its
 * source identity.
 *
 *   event_time_ns,source,source_sequence,type,portfolio,symbol,side,quantity,price,fee,
 *   exec_id,match_number,reference
 *   34200000001000,1,1,FILL,EQ-ARB-1,AAPL,B,100,187.2500,0.3500,70001,9912,
 *   34200000002000,1,2,CORRECT,EQ-ARB-1,AAPL,B,100,187.2400,0.3500,70002,9912,70001
 *   34200000003000,1,3,BUST,EQ-ARB-1,AAPL,,,,,70003,9912,70001
 *   34200000004000,1,4,ORDER,EQ-ARB-1,AAPL,B,300,187.2000,,,,555
 *   34200000005000,1,5,CANCEL,EQ-ARB-1,AAPL,B,,,,,,555
 *
 * CORRECT: as if the fill with exec_id `reference` had been this. BUST: as if it had never
 * happened. The reference may also be the exec_id of a correction of that fill. ORDER (accepted),
 * REPLACE, CANCEL, REJECT and EXPIRE say what became of the order with the id `reference`; the
 * quantity of a REPLACE is what is open now, a price of 0 that of a market order. The reference of
 * a FILL is its order, or empty. A header without the last column is a file of new fills.
 *
 * Every site reads the file; only the leader logs. Names are resolved to indices of the reference
 * image when the file is loaded, before the seal: an unknown portfolio or symbol is a finding, not
 * a surprise in the middle of the day. The rows of one source carry 1, 2, 3, … in file order. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "dataplane/record/entry.h"
#include "dataplane/record/image.h"

#define RW_INTAKE_SOURCES_MAX 64u

/* One entry as it will stand in the log: a FILL has two slots, an ORDER the first. */
struct rw_intake_fill {
    _Alignas(8) uint8_t entry[2 * RW_SLOT_BYTES];
};

struct rw_intake_file {
    uint64_t count;
    struct rw_intake_fill *fill; /* by event time, then by file order */
    uint64_t
        last_sequence[RW_INTAKE_SOURCES_MAX + 1]; /* by source 1..; 0 = the source has no row */
};

/* rw_intake_load reads and resolves a file. An empty path gives an empty file. Findings (at most
 * 20) go to `report`. Returns 0, or -errno with an error: unreadable, findings, out of memory.
 * Cold path; the rows are heap memory, freed by rw_intake_unload. */
int rw_intake_load(struct rw_intake_file *file, const char *path, const struct rw_image *image,
                   FILE *report);
/* rw_intake_ends returns how many END entries the stage will give: one per source that has rows,
 * one for source 0 when the file is empty. */
uint32_t rw_intake_ends(const struct rw_intake_file *file);
/* rw_intake_unload frees the rows. */
void rw_intake_unload(struct rw_intake_file *file);
