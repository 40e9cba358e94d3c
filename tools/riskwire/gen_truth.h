/* The folder of a session: its books at a time as truth, and its messages as a file. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "tools/riskwire/gen_market.h"

/* rw_gen_truth_prepare makes dir/truth where it is missing. rw_gen_truth_write writes the market's
 * books as dir/truth/book_HHMMSS.nnnnnnnnn.csv, named by a time since midnight. Both return 0 or
 * -errno with an error set. */
int rw_gen_truth_prepare(const char *dir);
int rw_gen_truth_write(const char *dir, const struct rw_gen_market *market, uint64_t time_ns);

/* rw_gen_itch_open creates a file of length-prefixed messages; rw_gen_itch_put appends one;
 * rw_gen_itch_close closes it. All return 0 or -errno with an error set. */
int rw_gen_itch_open(const char *dir, const char *name, FILE **file);
int rw_gen_itch_put(FILE *file, const uint8_t *message, uint32_t bytes);
int rw_gen_itch_close(FILE *file);
