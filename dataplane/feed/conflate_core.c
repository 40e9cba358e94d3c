/* A turn is the number of queue entries that came before: a BBO state is next when all of these
 * have left. Within a round the states are a list in the order of their turns. */
#include "dataplane/feed/conflate_core.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define NONE UINT32_MAX

struct place {
    uint64_t turn;
    uint32_t before, after; /* in the list: locates, or NONE */
};

/* The BBO states of one round: at most one per locate; type 0 where there is none. */
struct round {
    struct rw_entry *state; /* [locates] */
    struct place *place;    /* [locates] */
    uint32_t first, last, count;
    uint64_t since_ns; /* no state in it waits for longer than since then */
};

struct rw_conflate {
    struct rw_conflate_cfg cfg;
    struct rw_conflate_counters *counters;
    struct rw_conflate_gauges *gauges;
    bool lost;
    uint32_t growing; /* which of the two rounds grows; the other is being sent */
    struct round round[2];
    struct rw_entry *queue;
    uint64_t mask, head, tail; /* of the queue; head and tail run freely */
    uint64_t queued_max;
};

uint64_t rw_conflate_queue_slots(const struct rw_conflate_cfg *cfg) {
    RW_ASSERT(cfg->queue_bytes >= RW_CONFLATE_QUEUE_BYTES_MIN);
    uint64_t slots = cfg->queue_bytes / RW_SLOT_BYTES;
    return UINT64_C(1) << (63 - __builtin_clzll(slots));
}

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

size_t rw_conflate_footprint(const struct rw_conflate_cfg *cfg) {
    RW_ASSERT(cfg->locates >= 1);
    size_t states = cfg->locates * sizeof(struct rw_entry);
    size_t places = rounded(cfg->locates * sizeof(struct place));
    return rounded(sizeof(struct rw_conflate)) + 2 * (states + places) +
           rw_conflate_queue_slots(cfg) * sizeof(struct rw_entry);
}

struct rw_conflate *rw_conflate_new(void *memory, const struct rw_conflate_cfg *cfg,
                                    struct rw_conflate_counters *counters,
                                    struct rw_conflate_gauges *gauges) {
    RW_ASSERT(((uintptr_t)memory & 63) == 0 && counters && gauges);
    struct rw_conflate *conflate = memory;
    uint8_t *at = (uint8_t *)memory + rounded(sizeof *conflate);
    *conflate = (struct rw_conflate){.cfg = *cfg,
                                     .counters = counters,
                                     .gauges = gauges,
                                     .mask = rw_conflate_queue_slots(cfg) - 1};
    for (uint32_t i = 0; i < 2; i++) {
        struct round *round = &conflate->round[i];
        round->first = round->last = NONE;
        round->state = (void *)at;
        memset(round->state, 0, cfg->locates * sizeof *round->state);
        at += cfg->locates * sizeof *round->state;
        round->place = (void *)at;
        at += rounded(cfg->locates * sizeof *round->place);
    }
    conflate->queue = (void *)at;
    return conflate;
}

static void leave_round(struct round *round, uint32_t locate) {
    const struct place *place = &round->place[locate];
    if (place->before == NONE)
        round->first = place->after;
    else
        round->place[place->before].after = place->after;
    if (place->after == NONE)
        round->last = place->before;
    else
        round->place[place->after].before = place->before;
    round->state[locate].type = 0;
    round->count--;
}

static void join_round(struct round *round, uint32_t locate, uint64_t turn) {
    round->place[locate] = (struct place){.turn = turn, .before = round->last, .after = NONE};
    if (round->last == NONE)
        round->first = locate;
    else
        round->place[round->last].after = locate;
    round->last = locate;
    round->count++;
}

/* replace takes the growing state of the tick's instrument away, if there is one, and says so in
 * the tick, which is newer. */
static void replace(struct rw_conflate *conflate, struct rw_entry *tick) {
    struct round *growing = &conflate->round[conflate->growing];
    struct rw_tick_body body, old;
    if (growing->state[tick->instrument].type == 0) return;
    memcpy(&old, growing->state[tick->instrument].body, sizeof old);
    memcpy(&body, tick->body, sizeof body);
    uint32_t replaced = body.replaced + old.replaced + 1u;
    body.replaced = replaced > UINT8_MAX ? UINT8_MAX : (uint8_t)replaced;
    body.quality |= RW_QUALITY_CONFLATED;
    memcpy(tick->body, &body, sizeof body);
    leave_round(growing, tick->instrument);
    rw_stat_add(&conflate->counters->conflated, 1);
}

static void put_state(struct rw_conflate *conflate, const struct rw_entry *entry, uint64_t now_ns) {
    struct round *growing = &conflate->round[conflate->growing];
    struct rw_entry tick = *entry;
    if (growing->count == 0) growing->since_ns = now_ns;
    replace(conflate, &tick);
    join_round(growing, tick.instrument, conflate->head);
    growing->state[tick.instrument] = tick;
}

/* queue_limit returns how many slots an entry may find taken and still be queued. */
static uint64_t queue_limit(const struct rw_conflate *conflate, uint8_t type, uint8_t kind) {
    uint64_t slots = conflate->mask + 1;
    if (type == RW_ENTRY_END) return slots;
    bool trade = type == RW_ENTRY_TICK && (kind == RW_TICK_TRADE || kind == RW_TICK_BREAK);
    return trade ? slots - slots / 8 : slots - 1;
}

static void put_event(struct rw_conflate *conflate, const struct rw_entry *entry, uint8_t kind) {
    uint64_t waiting = conflate->head - conflate->tail;
    if (waiting >= queue_limit(conflate, entry->type, kind)) {
        RW_ASSERT(entry->type != RW_ENTRY_END); /* a channel ends once */
        rw_stat_add(&conflate->counters->queue_full, 1);
        conflate->lost = true;
        return;
    }
    struct rw_entry *slot = &conflate->queue[conflate->head & conflate->mask];
    *slot = *entry;
    if (entry->type == RW_ENTRY_TICK && kind != RW_TICK_CHANNEL) replace(conflate, slot);
    conflate->head++;
    if (waiting + 1 > conflate->queued_max) conflate->queued_max = waiting + 1;
}

void rw_conflate_put(struct rw_conflate *conflate, const struct rw_entry *entries, uint32_t count,
                     uint64_t now_ns) {
    for (uint32_t i = 0; i < count; i++) {
        const struct rw_entry *entry = &entries[i];
        uint8_t kind = entry->body[offsetof(struct rw_tick_body, kind)];
        RW_ASSERT(entry->type != 0 && entry->instrument < conflate->cfg.locates);
        if (entry->type == RW_ENTRY_TICK && kind == RW_TICK_BBO)
            put_state(conflate, entry, now_ns);
        else
            put_event(conflate, entry, kind);
    }
}

bool rw_conflate_is_empty(const struct rw_conflate *conflate) {
    return conflate->head == conflate->tail && conflate->round[0].count == 0 &&
           conflate->round[1].count == 0;
}

/* state_is_next: the round's first state is older than everything in the queue. */
static bool state_is_next(const struct rw_conflate *conflate, const struct round *round) {
    return round->count > 0 && round->place[round->first].turn <= conflate->tail;
}

bool rw_conflate_next(struct rw_conflate *conflate, struct rw_entry *out) {
    struct round *round = &conflate->round[!conflate->growing];
    struct round *growing = &conflate->round[conflate->growing];
    if (round->count == 0 && state_is_next(conflate, growing)) {
        conflate->growing = !conflate->growing;
        round = growing;
    }
    if (state_is_next(conflate, round)) {
        uint32_t locate = round->first;
        *out = round->state[locate];
        leave_round(round, locate);
        return true;
    }
    if (conflate->head == conflate->tail) return false;
    *out = conflate->queue[conflate->tail++ & conflate->mask];
    return true;
}

bool rw_conflate_lost(struct rw_conflate *conflate) {
    bool lost = conflate->lost;
    conflate->lost = false;
    return lost;
}

/* since returns when the oldest change began to wait; UINT64_MAX when none does. An entry of the
 * queue carries its arrival stamp, an END none. */
static uint64_t since(const struct rw_conflate *conflate) {
    uint64_t oldest = UINT64_MAX;
    for (uint32_t i = 0; i < 2; i++)
        if (conflate->round[i].count > 0 && conflate->round[i].since_ns < oldest)
            oldest = conflate->round[i].since_ns;
    if (conflate->head == conflate->tail) return oldest;
    uint64_t arrival_ns = conflate->queue[conflate->tail & conflate->mask].sequence;
    return arrival_ns != 0 && arrival_ns < oldest ? arrival_ns : oldest;
}

void rw_conflate_refresh(struct rw_conflate *conflate, uint64_t now_ns) {
    struct rw_conflate_gauges *gauges = conflate->gauges;
    uint64_t queued = conflate->head - conflate->tail, oldest = since(conflate);
    uint64_t age = oldest < now_ns ? now_ns - oldest : 0;
    rw_stat_set(&gauges->queued, queued);
    rw_stat_set(&gauges->queued_max, conflate->queued_max);
    rw_stat_set(&gauges->waiting, queued + conflate->round[0].count + conflate->round[1].count);
    rw_stat_set(&gauges->oldest_ns, age);
    if (age > rw_stat_get(&gauges->oldest_max_ns)) rw_stat_set(&gauges->oldest_max_ns, age);
}
