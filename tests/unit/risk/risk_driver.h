/* Drives shards and merge without stages: entries in, the list of results and the hash out. */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/hash.h"
#include "dataplane/link/watermark.h"
#include "dataplane/record/entry.h"
#include "risk/merge_core.h"
#include "risk/risk_core.h"

struct log_entry {
    struct rw_entry entry;
    uint8_t rest[64];
};

struct driver {
    uint32_t shards;
    struct rw_risk *risk[RW_SHARDS_MAX];
    struct rw_risk_counters counters[RW_SHARDS_MAX];
    struct rw_var_counters var_counters[RW_SHARDS_MAX];
    struct rw_bar_counters bar_counters;
    struct rw_merge *merge;
    struct rw_merge_counters merge_counters;
    struct rw_result *results; /* all, in order */
    uint32_t count, room;
    uint32_t first_of_last; /* results of the last entry start here */
    struct rw_hash hash;
    uint64_t sequence;
};

static inline void *aligned_zeroed(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    RW_ASSERT(memory);
    return memset(memory, 0, bytes);
}

/* driver_new_cfg makes the shards of *of, whose shard, shards and counters are set here. */
static inline void driver_new_cfg(struct driver *driver, uint32_t shards,
                                  const struct rw_risk_cfg *of) {
    *driver = (struct driver){.shards = shards, .room = 1024};
    RW_ASSERT(rw_risk_check_image(of->image) == 0);
    for (uint32_t k = 0; k < shards; k++) {
        struct rw_risk_cfg cfg = *of;
        cfg.shard = k;
        cfg.shards = shards;
        cfg.counters = &driver->counters[k];
        cfg.var_counters = &driver->var_counters[k];
        cfg.bars.counters = &driver->bar_counters;
        driver->risk[k] = rw_risk_new(aligned_zeroed(rw_risk_footprint(&cfg)), &cfg);
    }
    struct rw_merge_cfg cfg = {of->image, &driver->merge_counters};
    driver->merge = rw_merge_new(aligned_zeroed(rw_merge_footprint(&cfg)), &cfg);
    driver->results = malloc(driver->room * sizeof *driver->results);
    RW_ASSERT(driver->results);
}

static inline void driver_new_of(struct driver *driver, const struct rw_image *image,
                                 uint32_t shards, uint32_t positions_max, uint32_t fills_max,
                                 uint32_t channels) {
    const struct rw_risk_cfg cfg = {.image = image,
                                    .positions_max = positions_max,
                                    .fills_max = fills_max,
                                    .channels = channels};
    driver_new_cfg(driver, shards, &cfg);
}

static inline void driver_new(struct driver *driver, const struct rw_image *image, uint32_t shards,
                              uint32_t positions_max, uint32_t fills_max) {
    driver_new_of(driver, image, shards, positions_max, fills_max, 0);
}

static inline void driver_free(struct driver *driver) {
    for (uint32_t k = 0; k < driver->shards; k++) free(driver->risk[k]);
    free(driver->merge);
    free(driver->results);
}

static inline struct rw_result *driver_slot(struct driver *driver) {
    if (driver->count == driver->room) {
        driver->room *= 2;
        driver->results = realloc(driver->results, driver->room * sizeof *driver->results);
        RW_ASSERT(driver->results);
    }
    return &driver->results[driver->count];
}

/* driver_apply numbers the entry and applies it; returns how many results it made. */
static inline uint32_t driver_apply(struct driver *driver, struct log_entry *log) {
    log->entry.sequence = ++driver->sequence;
    driver->first_of_last = driver->count;
    for (uint32_t k = 0; k < driver->shards; k++) {
        struct rw_result message;
        enum rw_risk_step step;
        rw_risk_begin(driver->risk[k], &log->entry);
        while ((step = rw_risk_next(driver->risk[k], &message)) != RW_RISK_DONE)
            if (step == RW_RISK_MESSAGE)
                driver->count += rw_merge_take(driver->merge, &message, driver_slot(driver));
    }
    while (rw_merge_total(driver->merge, driver_slot(driver))) driver->count++;
    struct rw_result_end end;
    rw_merge_end(driver->merge, &end, &driver->hash);
    return driver->count - driver->first_of_last;
}

/* driver_sum adds a counter over all shards: DRIVER_SUM(driver, fill_duplicate). */
#define DRIVER_SUM(driver, field)                               \
    ({                                                          \
        uint64_t sum_ = 0;                                      \
        for (uint32_t k_ = 0; k_ < (driver)->shards; k_++)      \
            sum_ += rw_stat_get(&(driver)->counters[k_].field); \
        sum_;                                                   \
    })

static inline uint64_t seed_of_run(uint64_t otherwise) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : otherwise;
    printf("seed %llu (RW_SEED)\n", (unsigned long long)seed);
    return seed;
}

/* Entries. Times are event time in ns. */
static inline struct log_entry make_tick(uint64_t time, uint32_t instrument, uint8_t kind,
                                         int32_t bid, int32_t ask, int32_t last) {
    struct log_entry log = {.entry = {.event_time_ns = time,
                                      .type = RW_ENTRY_TICK,
                                      .slots = 1,
                                      .version = RW_ENTRY_VERSION,
                                      .instrument = instrument}};
    struct rw_tick_body body = {.kind = kind,
                                .bid_price = bid,
                                .ask_price = ask,
                                .last_price = last,
                                .bid_quantity = bid ? 100 : 0,
                                .ask_quantity = ask ? 100 : 0};
    memcpy(log.entry.body, &body, sizeof body);
    return log;
}

static inline void tick_set(struct log_entry *log, uint16_t channel, uint16_t quality,
                            uint8_t replaced) {
    struct rw_tick_body body;
    memcpy(&body, log->entry.body, sizeof body);
    body.channel = channel;
    body.quality = quality;
    body.replaced = replaced;
    memcpy(log->entry.body, &body, sizeof body);
}

static inline struct log_entry make_fill(uint64_t time, uint64_t exec_id, uint32_t portfolio,
                                         uint32_t instrument, int64_t quantity, int64_t price,
                                         int64_t fee) {
    struct log_entry log = {.entry = {.event_time_ns = time,
                                      .type = RW_ENTRY_FILL,
                                      .slots = 2,
                                      .version = RW_ENTRY_VERSION,
                                      .instrument = instrument}};
    struct rw_fill_body body = {.source_sequence = exec_id,
                                .exec_id = exec_id,
                                .portfolio = portfolio,
                                .side = quantity > 0 ? RW_SIDE_BUY : RW_SIDE_SELL,
                                .kind = RW_FILL_NEW,
                                .quantity = quantity > 0 ? quantity : -quantity,
                                .price = price,
                                .fee = fee};
    memcpy((uint8_t *)&log + offsetof(struct rw_entry, body), &body, sizeof body);
    return log;
}

/* fill_as turns a fill into a correction of another one, or into a bust. */
static inline void fill_as(struct log_entry *log, uint8_t kind, uint64_t reference) {
    struct rw_fill_body body;
    uint8_t *at = (uint8_t *)log + offsetof(struct rw_entry, body);
    memcpy(&body, at, sizeof body);
    body.kind = kind;
    body.reference = reference;
    if (kind == RW_FILL_BUST) body.side = 0, body.quantity = body.price = body.fee = 0;
    memcpy(at, &body, sizeof body);
}

static inline struct log_entry make_order(uint64_t time, uint8_t kind, uint64_t id,
                                          uint32_t portfolio, uint32_t instrument, int64_t quantity,
                                          int64_t price) {
    struct log_entry log = {.entry = {.event_time_ns = time,
                                      .type = RW_ENTRY_ORDER,
                                      .slots = 1,
                                      .version = RW_ENTRY_VERSION,
                                      .instrument = instrument}};
    const struct rw_order_body body = {.order_id = id,
                                       .portfolio = portfolio,
                                       .side = quantity > 0 ? RW_SIDE_BUY : RW_SIDE_SELL,
                                       .kind = kind,
                                       .quantity = quantity > 0 ? quantity : -quantity,
                                       .price = price};
    memcpy(log.entry.body, &body, sizeof body);
    return log;
}

static inline struct log_entry make_plain(uint64_t time, uint8_t type) {
    return (struct log_entry){
        .entry = {.event_time_ns = time, .type = type, .slots = 1, .version = RW_ENTRY_VERSION}};
}

static inline struct log_entry make_end(uint64_t time, uint16_t channel) {
    struct log_entry log = make_plain(time, RW_ENTRY_END);
    const struct rw_end_body body = {.source_kind = RW_END_CHANNEL, .source = channel};
    memcpy(log.entry.body, &body, sizeof body);
    return log;
}

static inline struct log_entry make_session(uint64_t time, uint8_t event) {
    struct log_entry log = make_plain(time, RW_ENTRY_SESSION);
    log.entry.body[0] = event;
    return log;
}
