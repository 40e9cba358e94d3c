/* Captures through the feed of a venue, offline: the same cores as in the appliance, in capture
 * time. Cold path; allocates. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "dataplane/feed/feed_core.h"

struct rw_feed_file; /* opaque */

/* Takes each entry that the feed gives, in order; NULL where only the books matter. */
struct rw_feed_file_sink {
    void (*take)(void *context, const struct rw_feed_file *file, const struct rw_entry *entry);
    void *context;
};

/* rw_feed_file_run takes all frames of one or two captures as lines A and B of a feed with room for
 * `orders`, merged by capture time. What carries no UDP is left out; the first session or unit
 * decides. Returns 0, or -errno with an error set; *file is then NULL. rw_feed_file_close frees
 * it. */
int rw_feed_file_run(const char *const *paths, uint32_t lines, const struct rw_venue *venue,
                     uint32_t orders, struct rw_feed_file_sink sink, struct rw_feed_file **file);
void rw_feed_file_close(struct rw_feed_file *file);

/* rw_feed_file_books shows the books at the end, as the venue made them. */
const void *rw_feed_file_books(const struct rw_feed_file *file);
/* rw_feed_file_losses writes a line "  name count: sentence" for each counter that tells of a loss
 * and is not 0. rw_feed_file_overflow returns how much did not fit into the books. */
void rw_feed_file_losses(const struct rw_feed_file *file, FILE *out);
uint64_t rw_feed_file_overflow(const struct rw_feed_file *file);
