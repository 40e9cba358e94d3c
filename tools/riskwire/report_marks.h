/* Marks the plain way: every venue's last tick of every instrument in a table, and a loop over it
 * for each question. A second calculation of what risk/venue_marks says, which shares no code with
 * risk/: `journal report` compares the session's marks with it, the tests every result.
 *
 * An instrument that one channel quotes is marked by its last tick; one that several quote by the
 * best prices of those that count. Cold path; allocates. */
#pragma once

#include <stdint.h>

#include "dataplane/record/entry.h"
#include "dataplane/record/image.h"

struct rw_report_mark {
    int32_t price;
    uint16_t quality;
    uint8_t venues;           /* that count, when several have quoted it; else 0 */
    uint64_t across_since_ns; /* 0: not locked or crossed between venues */
};

struct rw_report_marks;

/* rw_report_marks_new begins before the first entry; NULL with an error when memory is short. The
 * image outlives it. */
struct rw_report_marks *rw_report_marks_new(const struct rw_image *image);
void rw_report_marks_free(struct rw_report_marks *marks);
/* rw_report_marks_take takes the next entry of the log. */
void rw_report_marks_take(struct rw_report_marks *marks, const struct rw_entry *entry);
/* rw_report_marks_of returns the mark of an instrument after it. */
const struct rw_report_mark *rw_report_marks_of(const struct rw_report_marks *marks,
                                                uint32_t instrument);
