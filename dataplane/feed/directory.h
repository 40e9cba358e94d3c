/* Messages that travel on the link feed → enrich only and never enter the log. They have the shape
 * of an entry.
 *
 * RW_FEED_DIRECTORY, instrument = locate: which symbol a venue's stock locate stands for. Feed
 * sends it the first time it sees the two together, before any tick of the locate that it can come
 * before.
 *
 * RW_FEED_CLOCK, sequence = T: all that comes of frames before T was said; what follows comes of
 * the frame T or of later ones. Sent where several channels read captures, so that the sequencer
 * can take their ticks in the order of the captures. */
#pragma once

#include "dataplane/record/entry.h"

#define RW_FEED_DIRECTORY 200u
#define RW_FEED_CLOCK     201u
#define RW_FEED_LOCATES   65536u /* a locate is 16 bits */

struct rw_directory_body {
    char symbol[8]; /* space padded, as the venue sends it */
    uint16_t channel;
    uint8_t reserved[30];
};
static_assert(sizeof(struct rw_directory_body) == 40, "a directory message fills the body");
