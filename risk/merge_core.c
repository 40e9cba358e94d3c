/* Numbering, hashing and the totals of desks and the firm; see the header for the order. */
#include "risk/merge_core.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "risk/limit_core.h"
#include "risk/mark_core.h"

/* A total as the exact sum of what portfolios published: 128 bits, since only portfolios are
 * bounded. */
struct total {
    __int128 realised, unrealised, gross, net;
    struct rw_limits limits;
    uint32_t quality_count[RW_RISK_QUALITY_COUNTS];
};

struct rw_merge {
    struct rw_merge_counters *counters;
    struct total *desks; /* by desk index */
    struct total firm;
    uint64_t *touched; /* bit per desk */
    uint32_t desk_count;
    uint32_t walk;        /* the next desk to look at */
    bool firm_due;        /* a desk was touched, the firm's record is still to come */
    uint32_t limits_due;  /* bits of measures of the row in `limits_of` */
    uint32_t limits_desk; /* 0 = the firm */
    uint32_t conflated;   /* of the input */
    uint64_t event_time_ns;
    uint64_t input, results, results_before;
    struct rw_hash hash; /* rh(input − 1) chained with the records of the input */
};

static size_t round_up(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t rw_merge_footprint(const struct rw_merge_cfg *cfg) {
    uint32_t desks = cfg->image->desks.count;
    return round_up(sizeof(struct rw_merge)) + round_up(desks * sizeof(struct total)) +
           round_up((desks / 64 + 1) * sizeof(uint64_t));
}

struct rw_merge *rw_merge_new(void *memory, const struct rw_merge_cfg *cfg) {
    RW_ASSERT(((uintptr_t)memory & 63) == 0 && cfg->counters);
    uint8_t *base = memory;
    struct rw_merge *merge = memory;
    uint32_t desks = cfg->image->desks.count;
    *merge =
        (struct rw_merge){.counters = cfg->counters, .desk_count = desks, .input = 1, .walk = 1};
    merge->desks = (void *)(base + round_up(sizeof *merge));
    merge->touched = (void *)((uint8_t *)merge->desks + round_up(desks * sizeof(struct total)));
    const struct rw_name_row *rows = rw_image_rows(cfg->image, &cfg->image->desks);
    for (uint32_t desk = 1; desk < desks; desk++)
        rw_limits_init(&merge->desks[desk].limits, cfg->image, RW_SCOPE_DESK, desk,
                       rows[desk].limit_first, rows[desk].limit_count);
    rw_limits_init(&merge->firm.limits, cfg->image, RW_SCOPE_FIRM, 0, 0, cfg->image->limits.count);
    return merge;
}

uint64_t rw_merge_input(const struct rw_merge *merge) { return merge->input; }

uint64_t rw_merge_results(const struct rw_merge *merge) { return merge->results; }

static void number(struct rw_merge *merge, struct rw_result *result) {
    result->result_sequence = ++merge->results;
    merge->hash = rw_hash_chain(merge->hash, result, sizeof *result);
    rw_stat_add(&merge->counters->results, 1);
}

static void add(struct total *total, const struct rw_risk_addend *addend) {
    total->realised += addend->realised_pnl;
    total->unrealised += addend->unrealised_pnl;
    total->gross += addend->gross;
    total->net += addend->net;
    for (uint32_t bit = 0; bit < RW_RISK_QUALITY_COUNTS; bit++)
        total->quality_count[bit] += (uint32_t)addend->quality_count[bit];
}

bool rw_merge_take(struct rw_merge *merge, const struct rw_result *message, struct rw_result *to) {
    RW_ASSERT(message->input_sequence == merge->input);
    if (message->kind != RW_RISK_ADDEND) {
        RW_ASSERT(message->kind < RW_RESULT_KIND_COUNT);
        if (to != message) *to = *message;
        number(merge, to);
        return true;
    }
    struct rw_risk_addend addend;
    memcpy(&addend, message, sizeof addend);
    RW_ASSERT(addend.desk > 0 && addend.desk < merge->desk_count);
    add(&merge->desks[addend.desk], &addend);
    add(&merge->firm, &addend);
    merge->touched[addend.desk / 64] |= 1ull << addend.desk % 64;
    merge->firm_due = true;
    merge->conflated = addend.conflated;
    merge->event_time_ns = addend.event_time_ns;
    rw_stat_add(&merge->counters->addends, 1);
    return false;
}

/* One below the end of the range, so that no published value reaches an absent limit. */
static int64_t clamp(struct rw_merge *merge, __int128 value) {
    const int64_t most = INT64_MAX - 1;
    if (value >= -(__int128)most && value <= most) return (int64_t)value;
    rw_stat_add(&merge->counters->clamped, 1);
    return value < 0 ? -most : most;
}

static void write_total(struct rw_merge *merge, struct total *total, uint8_t kind, uint32_t desk,
                        struct rw_result *to) {
    *to = (struct rw_result){.block_length = RW_RESULT_BLOCK_LENGTH,
                             .template_id = RW_RESULT_TEMPLATE,
                             .schema_id = RW_RESULT_SCHEMA,
                             .schema_version = RW_RESULT_SCHEMA_VERSION,
                             .input_sequence = merge->input,
                             .event_time_ns = merge->event_time_ns,
                             .portfolio = desk,
                             .kind = kind,
                             .method = RW_RISK_METHOD,
                             .conflated = merge->conflated};
    to->realised_pnl = clamp(merge, total->realised);
    to->unrealised_pnl = clamp(merge, total->unrealised);
    to->gross = clamp(merge, total->gross);
    to->net = clamp(merge, total->net);
    for (uint32_t bit = 0; bit < RW_QUALITY_BITS; bit++)
        if (total->quality_count[bit] != 0) to->quality |= (uint16_t)(1u << bit);
    rw_stat_add(&merge->counters->totals, 1);
}

/* The record of a desk or the firm; its limit records are due next. */
static void settle_total(struct rw_merge *merge, struct total *total, uint8_t kind, uint32_t desk,
                         struct rw_result *to) {
    write_total(merge, total, kind, desk, to);
    merge->limits_due = rw_limits_update(&total->limits, to->gross, to->net,
                                         clamp(merge, total->realised + total->unrealised));
    merge->limits_desk = desk;
    to->limit_state = total->limits.worst;
    number(merge, to);
}

static void write_limit(struct rw_merge *merge, struct rw_result *to) {
    uint32_t index = (uint32_t)__builtin_ctz(merge->limits_due), desk = merge->limits_desk;
    struct total *total = desk ? &merge->desks[desk] : &merge->firm;
    merge->limits_due &= merge->limits_due - 1;
    write_total(merge, total, desk ? RW_RESULT_DESK_LIMIT : RW_RESULT_FIRM_LIMIT, desk, to);
    to->measure = (uint8_t)(index + 1);
    to->limit_state = total->limits.state[index];
    number(merge, to);
}

/* The next touched desk, its bit cleared; 0 when there is none. */
static uint32_t next_desk(struct rw_merge *merge) {
    while (merge->walk < merge->desk_count) {
        uint64_t word = merge->touched[merge->walk / 64] >> merge->walk % 64;
        if (word == 0) {
            merge->walk = (merge->walk / 64 + 1) * 64;
            continue;
        }
        uint32_t desk = merge->walk + (uint32_t)__builtin_ctzll(word);
        merge->touched[desk / 64] &= ~(1ull << desk % 64);
        merge->walk = desk + 1;
        return desk;
    }
    return 0;
}

bool rw_merge_total(struct rw_merge *merge, struct rw_result *to) {
    if (!merge->firm_due && merge->limits_due == 0) return false;
    if (merge->limits_due != 0) {
        write_limit(merge, to);
        return true;
    }
    uint32_t desk = next_desk(merge);
    if (desk != 0) {
        settle_total(merge, &merge->desks[desk], RW_RESULT_DESK, desk, to);
    } else {
        merge->firm_due = false;
        settle_total(merge, &merge->firm, RW_RESULT_FIRM, 0, to);
    }
    return true;
}

bool rw_merge_end(struct rw_merge *merge, struct rw_result_end *to, struct rw_hash *hash) {
    RW_ASSERT(!merge->firm_due && merge->limits_due == 0);
    uint64_t count = merge->results - merge->results_before, n = merge->input;
    merge->hash = rw_hash_chain_end(merge->hash, n, count);
    *hash = merge->hash;
    merge->results_before = merge->results;
    merge->input++;
    merge->walk = 1;
    rw_stat_add(&merge->counters->inputs, 1);
    if (count == 0 && n % RW_RESULT_END_EVERY != 0) return false;
    rw_stat_add(&merge->counters->ends, 1);
    *to = (struct rw_result_end){.block_length = RW_RESULT_BLOCK_LENGTH,
                                 .template_id = RW_RESULT_TEMPLATE,
                                 .schema_id = RW_RESULT_SCHEMA,
                                 .schema_version = RW_RESULT_SCHEMA_VERSION,
                                 .count = count,
                                 .input_sequence = n,
                                 .last_result = merge->results,
                                 .kind = RW_RESULT_END,
                                 .rh_low = hash->low,
                                 .rh_high = hash->high};
    return true;
}
