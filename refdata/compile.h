/* Reference data: four CSV files become one image (dataplane/record/image.h).
 *
 *   instruments.csv ─┐
 *   portfolios.csv  ─┼─► read, check ─► order, index ─► image: same rows, same bytes, same hash
 *   positions.csv   ─┤      │
 *   limits.csv      ─┘      └─► file:line:column: what is there, what is wanted; all of them
 *
 * The image is what both sites agree on before a session opens: its hash stands in the log's first
 * entry. An instrument's index is its row's place in instruments.csv, from 1; portfolios are
 * ordered by (desk, account, name), so their index does not depend on the order of rows. The
 * columns are in README.md. */
#pragma once

#include <stdio.h>

#include "dataplane/record/image.h"

#define RW_REFDATA_INSTRUMENTS_MAX 1000000u
#define RW_REFDATA_PORTFOLIOS_MAX  100000u
#define RW_REFDATA_POSITIONS_MAX   10000000u
#define RW_REFDATA_LIMITS_MAX      1000000u

/* rw_refdata_compile reads the four files of a folder. Findings go to stderr, at most 20 per file,
 * each with file, line, column, the value found and the value wanted; a reference into a file that
 * has findings itself is not reported again. Returns 0 with *image, which the caller frees with
 * free(); or an error set: -ENOENT and the like (a file cannot be read), -EINVAL (a header is
 * wrong, or there were findings), -E2BIG (more rows than the limits above), -ENOMEM. Cold path:
 * allocates; 100,000 instruments take about 0.35 s. */
int rw_refdata_compile(const char *folder, struct rw_image **image);

/* rw_refdata_compile_report does the same with the findings written to `report`. */
int rw_refdata_compile_report(const char *folder, FILE *report, struct rw_image **image);
