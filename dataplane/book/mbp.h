/* Price-level books as a venue publishes them: it says which level of which side changes, and the
 * book does as it is told. Venue-neutral; feed/mdp3_levels.h puts CME's messages in.
 *
 *   security ─hash─► instrument ─► 4 sides ─► [ level 1 = best | 2 | 3 | … | depth ]
 *
 * Every entry of an instrument has a number (the venue's report sequence). After a missing number,
 * or an update that does not fit the levels held, the instrument is stale: its levels are gone, and
 * entries only move the number on until a snapshot that is not older. Everything lives in one
 * planned block; what does not fit is refused and counted. Pure; one owner thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/stats/stats.h"

#define RW_MBP_DEPTH_MAX       64u
#define RW_MBP_INSTRUMENTS_MAX (1u << 20)
#define RW_MBP_NONE            UINT32_MAX

#define RW_MBP_COUNTERS(X)                                                                   \
    X(updates, "updates", "updates applied to a level")                                      \
    X(duplicates, "entries", "entries ignored: their number was seen before")                \
    X(gaps, "gaps", "numbers of an instrument found missing; it is stale from there")        \
    X(misfits, "updates", "updates rejected: they do not fit the levels held, now stale")    \
    X(while_stale, "entries", "entries ignored while their instrument waits for a snapshot") \
    X(snapshots, "snapshots", "snapshots taken")                                             \
    X(old_snapshots, "snapshots", "snapshots ignored: nothing newer than what is held")      \
    X(resets, "resets", "books emptied by the venue")                                        \
    X(instruments_full, "entries", "entries refused: the planned number of instruments is known")
RW_STATS_STRUCT(rw_mbp_counters, RW_MBP_COUNTERS);

enum rw_mbp_side {
    RW_MBP_BID = 0,
    RW_MBP_OFFER = 1,
    RW_MBP_IMPLIED_BID = 2,
    RW_MBP_IMPLIED_OFFER = 3,
    RW_MBP_SIDES = 4,
};

/* What is done to the level named; the numbers are those of FIX tag 279. */
enum rw_mbp_action {
    RW_MBP_NEW = 0,         /* insert; worse levels move down, what leaves the depth is dropped */
    RW_MBP_CHANGE = 1,      /* replace price, quantity and orders of a level that is there */
    RW_MBP_DELETE = 2,      /* remove; worse levels move up */
    RW_MBP_DELETE_THRU = 3, /* remove this level and all better ones */
    RW_MBP_DELETE_FROM = 4, /* remove this level and all worse ones */
    RW_MBP_OVERLAY = 5,     /* replace a level, or add one below the worst */
};

struct rw_mbp_level {
    int64_t price; /* in the venue's unit */
    int32_t quantity;
    int32_t orders; /* -1: the venue does not say */
};

struct rw_mbp_update {
    uint32_t side;   /* enum rw_mbp_side; any other is a misfit */
    uint32_t action; /* enum rw_mbp_action; any other is a misfit */
    uint32_t level;  /* 1 = best; 0 and more than depth are misfits */
    struct rw_mbp_level value;
};

struct rw_mbp_cfg {
    uint32_t instruments_max; /* 1..RW_MBP_INSTRUMENTS_MAX */
    uint32_t depth;           /* levels of a side, 1..RW_MBP_DEPTH_MAX */
    uint32_t implied_depth;   /* of the implied sides, at most depth; 0: depth */
};

struct rw_mbp; /* opaque */

/* rw_mbp_footprint returns the bytes that the books need. rw_mbp_new makes them, without
 * instruments, in that many bytes of 64-byte aligned memory, which the caller owns; counters
 * outlive them. A cfg out of range is a bug. */
size_t rw_mbp_footprint(const struct rw_mbp_cfg *cfg);
struct rw_mbp *rw_mbp_new(void *memory, const struct rw_mbp_cfg *cfg,
                          struct rw_mbp_counters *counters);

/* rw_mbp_instrument returns the index of a security, which becomes known if it was not;
 * RW_MBP_NONE, counted, when there is no room. Any id. */
uint32_t rw_mbp_instrument(struct rw_mbp *mbp, int32_t security_id);

/* rw_mbp_set_depth sets how many levels the venue tells of an instrument: what an insertion moves
 * beyond them is gone. More than the configured depth, or 0, is the configured one. An instrument
 * whose depth changes is emptied and stale, unless it has no levels. */
void rw_mbp_set_depth(struct rw_mbp *mbp, uint32_t instrument, uint32_t depth,
                      uint32_t implied_depth);

/* rw_mbp_advance tells the number of the next entry of an instrument, whatever the entry is about.
 * True when the entry is to be applied: it is the next one and the instrument is not stale. An
 * instrument begins as stale unless its first number is 1. */
bool rw_mbp_advance(struct rw_mbp *mbp, uint32_t instrument, uint32_t number);

/* rw_mbp_apply applies one update to an instrument that is not stale (else it is counted and
 * ignored). False when it does not fit; the instrument is stale then. */
bool rw_mbp_apply(struct rw_mbp *mbp, uint32_t instrument, const struct rw_mbp_update *update);

/* rw_mbp_snapshot empties an instrument so that the levels of a snapshot can be applied as NEW, and
 * continues behind `number`. False when the snapshot is older than what was seen, or when the
 * instrument is sound and at that number: then nothing changes. */
bool rw_mbp_snapshot(struct rw_mbp *mbp, uint32_t instrument, uint32_t number);

/* rw_mbp_doubt makes an instrument stale because entries may be missing. rw_mbp_rewind does so too
 * and forgets how far its numbering was, so that a snapshot older than that is taken: the
 * caller then applies what came behind the snapshot. */
void rw_mbp_doubt(struct rw_mbp *mbp, uint32_t instrument);
void rw_mbp_rewind(struct rw_mbp *mbp, uint32_t instrument);

/* rw_mbp_reset empties a book on the venue's word; it is not stale by that. rw_mbp_reset_all
 * empties all and starts every numbering again, as a channel reset does. */
void rw_mbp_reset(struct rw_mbp *mbp, uint32_t instrument);
void rw_mbp_reset_all(struct rw_mbp *mbp);

/* rw_mbp_levels points *levels to the levels of a side, best first, and returns how many there are;
 * none when the instrument is stale. Valid until the next update. */
uint32_t rw_mbp_levels(const struct rw_mbp *mbp, uint32_t instrument, enum rw_mbp_side side,
                       const struct rw_mbp_level **levels);
bool rw_mbp_is_stale(const struct rw_mbp *mbp, uint32_t instrument);
/* rw_mbp_number returns the number of the last entry seen, 0 before the first; rw_mbp_security the
 * security of an instrument; rw_mbp_known how many instruments there are. */
uint32_t rw_mbp_number(const struct rw_mbp *mbp, uint32_t instrument);
int32_t rw_mbp_security(const struct rw_mbp *mbp, uint32_t instrument);
uint32_t rw_mbp_known(const struct rw_mbp *mbp);
