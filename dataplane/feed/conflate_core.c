/* A turn is the number of queue entries that came before: a state whose turn has left the queue is
 * older than all that is in it. Within a round the states are a list in the order they came. */
#include "dataplane/feed/conflate_core.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/directory.h"

#define NONE        UINT32_MAX
#define QUEUE_SHARE 4u /* one slot in so many is the queue's while states overtake it */

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

/* The state of a locate that left last while the queue was not empty. */
struct said {
    uint64_t turn;
    int32_t bid_price, ask_price;
    uint32_t bid_quantity, ask_quantity;
    uint16_t quality;
    uint8_t reserved[6];
};

struct rw_conflate {
    struct rw_conflate_cfg cfg;
    struct rw_conflate_counters *counters;
    struct rw_conflate_gauges *gauges;
    bool lost, live;
    uint32_t growing;  /* which of the two rounds grows; the other is being sent */
    uint32_t in_a_row; /* states that have overtaken the front of the queue */
    struct round round[2];
    struct said *said; /* [locates] */
    struct rw_entry *queue;
    uint64_t mask, head, tail; /* of the queue; head and tail run freely */
    uint64_t directory;        /* turn behind the last DIRECTORY message */
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
    size_t said = rounded(cfg->locates * sizeof(struct said));
    return rounded(sizeof(struct rw_conflate)) + 2 * (states + places) + said +
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
    conflate->said = (void *)at;
    memset(conflate->said, 0, cfg->locates * sizeof *conflate->said);
    at += rounded(cfg->locates * sizeof *conflate->said);
    conflate->queue = (void *)at;
    return conflate;
}

void rw_conflate_live(struct rw_conflate *conflate) { conflate->live = true; }

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

static struct rw_tick_body body_of(const struct rw_entry *tick) {
    struct rw_tick_body body;
    memcpy(&body, tick->body, sizeof body);
    return body;
}

static void put_state(struct rw_conflate *conflate, const struct rw_entry *tick, uint64_t now_ns) {
    struct round *growing = &conflate->round[conflate->growing];
    struct rw_entry *state = &growing->state[tick->instrument];
    struct rw_tick_body body = body_of(tick);
    if (growing->count == 0) growing->since_ns = now_ns;
    if (state->type != 0) {
        uint32_t replaced = body.replaced + body_of(state).replaced + 1u;
        body.replaced = replaced > UINT8_MAX ? UINT8_MAX : (uint8_t)replaced;
        body.quality |= RW_QUALITY_CONFLATED;
        leave_round(growing, tick->instrument);
        rw_stat_add(&conflate->counters->conflated, 1);
    }
    join_round(growing, tick->instrument, conflate->head);
    *state = *tick;
    memcpy(state->body, &body, sizeof body);
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
    conflate->queue[conflate->head++ & conflate->mask] = *entry;
    if (entry->type == RW_FEED_DIRECTORY) conflate->directory = conflate->head;
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

/* state_is_next: the first state of the round leaves before the front of the queue, because it is
 * older, or because it may overtake. */
static bool state_is_next(const struct rw_conflate *conflate, const struct round *round) {
    if (round->count == 0) return false;
    if (round->place[round->first].turn <= conflate->tail) return true;
    bool may = conflate->live && conflate->directory <= conflate->tail;
    return may && conflate->in_a_row + 1 < QUEUE_SHARE;
}

static void take_state(struct rw_conflate *conflate, struct round *round, struct rw_entry *out) {
    uint32_t locate = round->first;
    uint64_t turn = round->place[locate].turn;
    *out = round->state[locate];
    leave_round(round, locate);
    if (turn <= conflate->tail) return;
    struct rw_tick_body body = body_of(out);
    conflate->said[locate] = (struct said){
        turn, body.bid_price, body.ask_price, body.bid_quantity, body.ask_quantity, body.quality,
        {0}};
    conflate->in_a_row++;
}

/* take_queued takes the front of the queue, with the BBO that was said last of its instrument. */
static void take_queued(struct rw_conflate *conflate, struct rw_entry *out) {
    uint64_t index = conflate->tail++;
    *out = conflate->queue[index & conflate->mask];
    conflate->in_a_row = 0;
    if (out->type != RW_ENTRY_TICK) return;
    struct rw_tick_body body = body_of(out);
    const struct said *said = &conflate->said[out->instrument];
    if (body.kind == RW_TICK_CHANNEL || said->turn <= index) return;
    body.bid_price = said->bid_price;
    body.ask_price = said->ask_price;
    body.bid_quantity = said->bid_quantity;
    body.ask_quantity = said->ask_quantity;
    body.quality = (uint16_t)((said->quality & ~RW_QUALITY_HALTED) |
                              (body.quality & RW_QUALITY_HALTED) | RW_QUALITY_CONFLATED);
    memcpy(out->body, &body, sizeof body);
    rw_stat_add(&conflate->counters->overtaken, 1);
}

bool rw_conflate_next(struct rw_conflate *conflate, struct rw_entry *out) {
    struct round *round = &conflate->round[!conflate->growing];
    struct round *growing = &conflate->round[conflate->growing];
    if (round->count == 0 && state_is_next(conflate, growing)) {
        conflate->growing = !conflate->growing;
        round = growing;
    }
    if (state_is_next(conflate, round))
        take_state(conflate, round, out);
    else if (conflate->head != conflate->tail)
        take_queued(conflate, out);
    else
        return false;
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
