/* The life of a market: of the prologue, the schedule and the flow, the message that is due next.
 * The flow's waits are drawn so that it always ends just before the schedule does. */
#include "tools/riskwire/gen_market.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "tools/riskwire/gen_state.h"

#define PROLOGUE_GAP_NS 5000u
#define LIVE_SHARE      11u /* one message in so many ends as a live order */
#define LIVE_MAX        1200000u
#define LIFE_SHIFT      40u /* match numbers are of the day, not of a life */

static void plan_next(struct rw_gen_market *market) {
    uint64_t later = market->scheduled - market->schedule_at;
    if (market->prologue_at < market->prologue) {
        market->plan = RW_GEN_PROLOGUE;
        market->time_ns += PROLOGUE_GAP_NS;
        return;
    }
    if (rw_gen_flow_left(market) == 0 && later == 0) {
        market->plan = RW_GEN_DONE;
        market->time_ns = UINT64_MAX;
        return;
    }
    if (market->plan != RW_GEN_SCHEDULE) rw_gen_plan_flow_time(market);
    uint64_t due = later ? market->schedule[market->schedule_at].time_ns : UINT64_MAX;
    uint64_t wanted = market->flow_ns;
    market->plan = RW_GEN_FLOW;
    if (rw_gen_flow_left(market) == 0 || due <= wanted) {
        market->plan = RW_GEN_SCHEDULE;
        wanted = due;
    }
    if (wanted > market->time_ns) market->time_ns = wanted;
}

static void set_times(struct rw_gen_market *market) {
    uint64_t duration = market->cfg.duration_ns;
    uint64_t early = duration * 8 / 100;
    market->start_ns = market->cfg.start_ns ? market->cfg.start_ns : RW_GEN_OPEN_NS - early;
    market->open_ns = market->start_ns + early;
    market->end_ns = market->start_ns + duration;
    market->close_ns = market->start_ns + duration * 95 / 100;
    market->flow_end_ns = market->start_ns + duration * 98 / 100;
    market->time_ns = market->start_ns;
}

uint64_t rw_gen_messages_min(uint32_t symbols) {
    return rw_gen_prologue_count(symbols) + 4ull * symbols + 100;
}

struct rw_gen_market *rw_gen_market_new(const struct rw_gen_market_cfg *cfg) {
    RW_ASSERT(cfg->symbols >= 1 && cfg->symbols <= RW_GEN_SYMBOLS_MAX);
    RW_ASSERT(cfg->messages >= rw_gen_messages_min(cfg->symbols));
    RW_ASSERT(cfg->duration_ns >= 1000000000ull && cfg->duration_ns <= 30000000000000ull);
    struct rw_gen_market *market = calloc(1, sizeof *market);
    RW_ASSERT(market);
    market->cfg = *cfg;
    market->names = calloc(cfg->symbols, sizeof *market->names);
    market->symbols = calloc(cfg->symbols, sizeof *market->symbols);
    RW_ASSERT(market->names && market->symbols);
    rw_gen_chance_init(&market->chance, cfg->seed, cfg->symbols);
    rw_gen_books_init(&market->books, cfg->symbols);
    set_times(market);
    rw_gen_list_symbols(market);
    for (uint32_t i = 0; i < RW_GEN_PARTITIONS; i++)
        market->reference[i] = 20000ull + 240000 * i + i;
    market->match_number = (uint64_t)cfg->life << LIFE_SHIFT;
    market->target_live = cfg->messages / LIVE_SHARE;
    if (market->target_live > LIVE_MAX) market->target_live = LIVE_MAX;
    if (cfg->live) market->target_live = cfg->live;
    market->prologue = rw_gen_prologue_count(cfg->symbols);
    rw_gen_schedule_session(market);
    RW_ASSERT(market->prologue + market->scheduled <= cfg->messages);
    plan_next(market);
    return market;
}

void rw_gen_market_free(struct rw_gen_market *market) {
    rw_gen_books_fini(&market->books);
    free(market->schedule);
    free(market->own_walk);
    free(market->symbols);
    free(market->names);
    free(market);
}

bool rw_gen_market_next(struct rw_gen_market *market, struct rw_gen_message *message) {
    if (market->queue_count == 0) {
        switch (market->plan) {
        case RW_GEN_PROLOGUE:
            rw_gen_make_prologue(market);
            break;
        case RW_GEN_SCHEDULE:
            rw_gen_make_scheduled(market);
            break;
        case RW_GEN_FLOW:
            rw_gen_make_flow(market);
            break;
        default:
            return false;
        }
    }
    *message = market->queue[market->queue_first];
    market->queue_first = (market->queue_first + 1) % RW_GEN_QUEUE_MAX;
    if (--market->queue_count == 0) plan_next(market);
    return true;
}

uint64_t rw_gen_market_time(const struct rw_gen_market *market) { return market->time_ns; }

struct rw_gen_symbol_info rw_gen_market_symbol(const struct rw_gen_market *market, uint32_t index) {
    struct rw_gen_symbol_info info = {.locate = (uint16_t)(index + 1),
                                      .start_price = market->symbols[index].start_price};
    RW_ASSERT(index < market->cfg.symbols);
    memcpy(info.name, market->names[index], sizeof info.name);
    return info;
}

bool rw_gen_market_is_whole(const struct rw_gen_market *market) { return market->queue_count == 0; }
const struct rw_gen_books *rw_gen_market_books(const struct rw_gen_market *market) {
    return &market->books;
}

uint32_t rw_gen_market_live(const struct rw_gen_market *market) { return market->books.live_count; }

void rw_gen_market_truth(const struct rw_gen_market *market, FILE *out) {
    rw_gen_books_print(&market->books, (const char(*)[8])market->names, out);
}
