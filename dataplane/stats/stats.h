/* Statistics in a shared-memory file that describes itself, so any reader (the CLI, a post mortem)
 * needs no schema: blocks of rows (name, unit, sentence) and their 64-bit cells; histograms are
 * rows too.
 *
 *   ┌ header ┬ block "feed" ┬ rows: name unit help ┬ cells … ┬ block "link rx→feed" ┬ … ┐
 *
 * A module lists its rows once as an X-macro; struct, table, CLI text and manual come from it:
 *
 *   #define RW_FEED_COUNTERS(X)                                                   \
 *       X(frames_received, "frames", "frames taken from rx")                      \
 *       X(malformed, "messages", "length does not fit the message type")
 *   RW_STATS_STRUCT(rw_feed_counters, RW_FEED_COUNTERS);
 *   static const struct rw_stat_row rows[] = RW_STATS_ROWS(RW_FEED_COUNTERS);
 *
 * A counter of a loss says so in its sentence (dropped, lost, rejected, ignored, refused, skipped):
 * `riskwire stat` shows it under "loss by reason".
 *
 * A pure core takes a pointer to such a struct: in the appliance it points into the file, in a
 * test at any zeroed struct. One writer per cell. */
#pragma once

#include <stdatomic.h>
#include <stdint.h>

#include "dataplane/base/hist.h"

typedef _Atomic uint64_t rw_stat;

enum rw_stat_kind { RW_STAT_COUNTER = 0, RW_STAT_GAUGE = 1, RW_STAT_HIST = 2 };

struct rw_stat_row {
    const char *name, *unit, *help;
};

#define RW_STATS_FIELD(name, unit, help) rw_stat name;
#define RW_STATS_ROW(name, unit, help)   {#name, unit, help},
#define RW_STATS_STRUCT(type, LIST) \
    struct type {                   \
        LIST(RW_STATS_FIELD)        \
    }
#define RW_STATS_ROWS(LIST) \
    { LIST(RW_STATS_ROW) }

/* rw_stat_add, rw_stat_set, rw_stat_get: relaxed, for the single writer and any reader. */
static inline void rw_stat_add(rw_stat *cell, uint64_t by) {
    atomic_store_explicit(cell, atomic_load_explicit(cell, memory_order_relaxed) + by,
                          memory_order_relaxed);
}
static inline void rw_stat_set(rw_stat *cell, uint64_t value) {
    atomic_store_explicit(cell, value, memory_order_relaxed);
}
static inline uint64_t rw_stat_get(const rw_stat *cell) {
    return atomic_load_explicit(cell, memory_order_relaxed);
}

struct rw_stats; /* the mapped file */

/* rw_stats_create makes the file (replacing an old one) for the writer process; NULL with an error
 * and errno set. path NULL: private memory, for tests. Cold path. */
struct rw_stats *rw_stats_create(const char *path, const char *site, uint64_t pid);
/* rw_stats_open maps an existing file read-only, also of a dead site; NULL with an error set when
 * it is missing, cut or of another version. */
struct rw_stats *rw_stats_open(const char *path);
void rw_stats_close(struct rw_stats *stats);

/* rw_stats_block adds a block of counters (or gauges, by kind) and returns its cells in row
 * order, zeroed: cast to the RW_STATS_STRUCT. Block and row names are shorter than 40 bytes,
 * units than 16, help texts than 136. Before the seal; asserts on overflow of the file (4 MiB) or
 * of a text, and on a (block, row) used twice. One block name may hold counters, gauges and
 * histograms. */
void *rw_stats_block(struct rw_stats *stats, const char *block, enum rw_stat_kind kind,
                     const struct rw_stat_row *rows, uint32_t count);
/* rw_stats_hist adds one histogram row in a block of its own. Same rules. */
struct rw_hist *rw_stats_hist(struct rw_stats *stats, const char *block, const char *name,
                              const char *help);

/* Reading: walk all rows in file order. */
struct rw_stats_item {
    const char *block, *name, *unit, *help;
    enum rw_stat_kind kind;
    uint64_t value;             /* counter, gauge */
    const struct rw_hist *hist; /* histogram */
};
/* rw_stats_next fills *item with the row after position *at (start with 0); false at the end. */
_Bool rw_stats_next(const struct rw_stats *stats, uint64_t *at, struct rw_stats_item *item);
const char *rw_stats_site(const struct rw_stats *stats);
uint64_t rw_stats_pid(const struct rw_stats *stats);
/* rw_stats_alive tells whether the process that wrote the file still runs (its pid with the start
 * time it had, so a reused pid is not taken for it). */
_Bool rw_stats_alive(const struct rw_stats *stats);
