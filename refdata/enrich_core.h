/* enrich_core: the sequencer. It gives each input of the appliance its place in the one log.
 *
 *   feed (ticks by locate) ──► locate → instrument ──┬─ LEAD ───► log ──► risk[k], repl
 *   intake (fills) ──────────► by event time ────────┤
 *   log copy from repl ──────► cursors, shadow ◄─────┴─ FOLLOW, RECOVER (nothing is logged)
 *
 * A source is consumed exactly once across fail-over because the log says how far each source was:
 * per channel the shadow's cursor, per intake source the last logged sequence, per channel and
 * source its END. A new leader first takes the whole log copy, logs SESSION open (empty log) or
 * TAKEOVER, then what the shadow holds, and goes on from there.
 *
 * Channels that read captures are merged in the order of the captures: feed tells how far it is
 * (RW_FEED_CLOCK), and the channel that is least far is the next, or is waited for; what a shadow
 * holds keeps its place. Channels of live ports are taken in turn, as they come.
 *
 * Fills are merged into the ticks by event time: a fill is logged behind the first tick whose
 * event time is not below its own. While more fills are to come the next one must be known before
 * a tick is taken; so the log of a leader that never changed is, for captures, a function of its
 * inputs alone.
 *
 * A round of REFRESH entries, one range of portfolios each, is logged when something else was
 * logged since the last round and event time has gone on by the interval; and once at the end.
 *
 * When every channel and every intake source has its END in the log, SESSION close follows and
 * nothing else. Pure: no clock, allocation or I/O. One thread. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/feed/shadow_core.h"
#include "dataplane/link/watermark.h"
#include "dataplane/record/entry.h"
#include "dataplane/record/image.h"
#include "dataplane/stats/stats.h"

/* Between two CLOCK entries: no entry of the market is further ahead of the last one. */
#define RW_ENRICH_CLOCK_NS     UINT64_C(1000000000)
#define RW_ENRICH_CHANNELS_MAX 8u
#define RW_ENRICH_SOURCES_MAX  64u /* intake sources 0..64; 0 ends an intake without rows */
#define RW_ENRICH_FAN_OUT      2u  /* slots one input may emit: CLOCK + TICK, or a FILL */

#define RW_ENRICH_COUNTERS(X)                                                                  \
    X(logged, "entries", "entries this site has logged as leader")                             \
    X(ticks, "entries", "of these, ticks")                                                     \
    X(fills, "entries", "of these, fills and orders")                                          \
    X(clocks, "entries", "of these, marks of event time")                                      \
    X(refreshes, "entries", "of these, refreshes of what is conflated")                        \
    X(received, "messages", "messages taken from feed, marks of its clock aside")              \
    X(directory, "messages", "of these, symbols of a locate")                                  \
    X(ends, "messages", "of these, ends of a channel")                                         \
    X(shadowed, "messages", "of these, ticks given to the shadow")                             \
    X(unlisted_ticks, "messages", "dropped: the instrument is not in the reference image")     \
    X(unknown_locate, "messages", "dropped: no symbol was told for the locate")                \
    X(unknown_channel, "messages", "dropped: of a channel that is not configured")             \
    X(after_end, "messages", "dropped: the channel or the session has ended in the log")       \
    X(unlisted_symbols, "symbols", "symbols of the venue that are not in the reference image") \
    X(fills_already_logged, "fills", "dropped: the log has this source sequence")              \
    X(bad_source, "messages", "dropped: intake source out of range, or not in sequence")       \
    X(log_copies, "entries", "entries of the log taken as follower")                           \
    X(takeovers, "takeovers", "times this site took the log over from another leader")         \
    X(refused, "visits", "no input taken: the journal is at its low-water mark")               \
    X(throttled_ns, "ns", "no input taken, so that a peer that is behind can catch up")        \
    X(next_sequence, "sequence", "next log sequence as leader, or expected as follower")
RW_STATS_STRUCT(rw_enrich_counters, RW_ENRICH_COUNTERS);

struct rw_enrich_cfg {
    const struct rw_image *image; /* checked; outlives the core. plan needs it too */
    char session[10];             /* YYMMDD + four base-36 digits */
    uint8_t site;                 /* 0 or 1 */
    bool file_ports;              /* the channels' ports can wait */
    bool accept_late_intake; /* do not hold ticks back until the next fill is known; live intake */
    uint32_t channel_count;  /* 1..RW_ENRICH_CHANNELS_MAX */
    uint16_t channel[RW_ENRICH_CHANNELS_MAX];
    uint32_t intake_ends; /* ENDs the intake will give, one per source; 0: there is no intake */
    uint64_t clock_interval_ns;   /* of event time; 0 stands for RW_ENRICH_CLOCK_NS */
    uint64_t refresh_interval_ns; /* of event time, between rounds of refreshes; 0: none */
    uint32_t refresh_portfolios;  /* that one REFRESH entry names; ≥ 1 with an interval */
    uint32_t shadow_own_depth;    /* ticks; power of two; 0 stands for 32,768 */
    uint32_t shadow_log_depth;    /* ticks; power of two; 0 stands for 16,384 */
};

/* What one input gives: slots of numbered entries, the same for every output. */
struct rw_enrich_out {
    struct rw_entry slot[RW_ENRICH_FAN_OUT];
    uint32_t slots;
    uint64_t arrival_ns; /* of the input; 0 when it had none */
};

struct rw_enrich_stats {
    struct rw_enrich_counters *enrich;
    struct rw_shadow_counters *shadow[RW_ENRICH_CHANNELS_MAX];
};

struct rw_enrich_core;

/* rw_enrich_footprint returns the bytes that rw_enrich_new needs, a multiple of 64. */
size_t rw_enrich_footprint(const struct rw_enrich_cfg *cfg);
/* rw_enrich_new formats memory (64-byte aligned, owned by the caller): role RECOVER, empty log.
 * stats is copied; what it points to outlives the core. Asserts on a configuration out of range. */
struct rw_enrich_core *rw_enrich_new(void *memory, const struct rw_enrich_cfg *cfg,
                                     const struct rw_enrich_stats *stats);

/* rw_enrich_logged takes one entry of the log copy by its first slot, in sequence (asserted). Not
 * after this site has begun to lead. */
void rw_enrich_logged(struct rw_enrich_core *core, const struct rw_entry *head);

/* rw_enrich_role tells the role in force; any number of times. As LEAD the core begins to log at
 * `start` once it has taken the log up to start - 1. A leader that is told another role logs
 * nothing more. */
void rw_enrich_role(struct rw_enrich_core *core, enum rw_role role, uint64_t epoch, uint64_t start);

enum rw_enrich_pick {
    RW_ENRICH_WAIT = 0, /* nothing can be done with what is there */
    RW_ENRICH_OWN,      /* call rw_enrich_own: the core has something to log by itself */
    RW_ENRICH_FEED,     /* take the front of feed: rw_enrich_feed */
    RW_ENRICH_INTAKE,   /* take the front of intake: rw_enrich_intake */
};

/* The first slot at the front of each link; NULL: empty. */
struct rw_enrich_heads {
    const struct rw_entry *feed[RW_ENRICH_CHANNELS_MAX]; /* in the order of cfg.channel */
    const struct rw_entry *intake;
};

/* rw_enrich_pick decides what comes next. *channel is the index of the channel that RW_ENRICH_FEED
 * or RW_ENRICH_OWN is about; RW_ENRICH_CHANNELS_MAX: about none. */
enum rw_enrich_pick rw_enrich_pick(const struct rw_enrich_core *core,
                                   const struct rw_enrich_heads *heads, uint32_t *channel);
/* The three answers to a pick; *out may come back empty. rw_enrich_intake gets both slots of a FILL
 * (second: NULL for one-slot messages). */
void rw_enrich_own(struct rw_enrich_core *core, uint32_t channel, struct rw_enrich_out *out);
void rw_enrich_feed(struct rw_enrich_core *core, uint32_t channel, const struct rw_entry *message,
                    struct rw_enrich_out *out);
void rw_enrich_intake(struct rw_enrich_core *core, const struct rw_entry *first,
                      const struct rw_entry *second, struct rw_enrich_out *out);

/* rw_enrich_hurry is true while an own feed has not reached the newest logged position of its
 * channel. */
bool rw_enrich_hurry(const struct rw_enrich_core *core);
/* rw_enrich_live returns bit k for each channel cfg.channel[k] whose take-over is complete: its
 * ticks go to the log as they come. A bit that is set stays set. */
uint64_t rw_enrich_live(const struct rw_enrich_core *core);
/* rw_enrich_leads is true from the moment this site numbers entries. */
bool rw_enrich_leads(const struct rw_enrich_core *core);
/* rw_enrich_next_sequence returns the number of the next entry, to be logged or to be received. */
uint64_t rw_enrich_next_sequence(const struct rw_enrich_core *core);
