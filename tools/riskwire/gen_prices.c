/* Where prices are: a walk of the whole market and one of each symbol, in integers. */
#include "tools/riskwire/gen_state.h"

#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"

#define MARKET_STEP_PPM 67u /* 0.3 % over the session */
#define OWN_STEP_PPM    89u /* 0.4 % */

/* The largest whole number whose square is ≤ value, bit by bit; value < 2^62. */
static uint64_t square_root(uint64_t value) {
    uint64_t root = 0;
    for (uint64_t bit = 1ull << (32 - (uint32_t)__builtin_clzll(value | 1) / 2); bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= value) root += bit;
    return root;
}

/* A listed symbol's own deviation at a step: the same at every venue. */
static int64_t own_walk_at(const struct rw_gen_market *market, uint32_t index, uint32_t step) {
    const uint32_t each = RW_GEN_WALK_STEPS / RW_GEN_OWN_POINTS;
    const int32_t *point = &market->own_walk[index][step / each];
    if (step == RW_GEN_WALK_STEPS) return point[0];
    return point[0] + (int64_t)(point[1] - point[0]) * (step % each) / each;
}

int32_t rw_gen_fair_price(struct rw_gen_market *market, uint32_t index) {
    struct rw_gen_symbol *symbol = &market->symbols[index];
    uint64_t step_ns = market->cfg.duration_ns / RW_GEN_WALK_STEPS;
    uint64_t step = (market->time_ns - market->start_ns) / step_ns;
    uint32_t now = step < RW_GEN_WALK_STEPS ? (uint32_t)step : RW_GEN_WALK_STEPS;
    if (symbol->fair && now == symbol->step) return symbol->fair;
    uint64_t deviation = square_root((uint64_t)OWN_STEP_PPM * OWN_STEP_PPM * (now - symbol->step));
    if (market->own_walk)
        symbol->own_ppm = own_walk_at(market, index, now);
    else
        symbol->own_ppm += rw_gen_normal(&market->chance, deviation);
    symbol->step = now;
    int64_t ppm = 1000000 + symbol->own_ppm + market->market_ppm[now];
    int64_t ticks = symbol->start_price * ppm / 1000000 / RW_GEN_TICK;
    return symbol->fair = (int32_t)(ticks < 2 ? 2 : ticks) * RW_GEN_TICK;
}

uint32_t rw_gen_draw_shares(struct rw_gen_chance *chance) {
    if (rw_gen_below(chance, 100) < 15) return 1 + rw_gen_below(chance, 99);
    return 100 * (uint32_t)(1 + rw_gen_exponential(chance) * 2 / RW_GEN_EXP_ONE);
}

/* Four letters, ascending with the index, spread over the alphabet. */
static void name_symbols(struct rw_gen_market *market) {
    uint32_t first = 26 * 26 * 26, all = 26 * first - first;
    uint32_t stride = all / market->cfg.symbols;
    for (uint32_t i = 0; i < market->cfg.symbols; i++) {
        uint32_t value = first + i * stride + rw_gen_below(&market->chance, stride);
        memset(market->names[i], ' ', 8);
        for (int k = 3; k >= 0; k--, value /= 26) market->names[i][k] = (char)('A' + value % 26);
        uint64_t dollars = 5 + rw_gen_exponential(&market->chance) * 60 / RW_GEN_EXP_ONE;
        market->symbols[i] = (struct rw_gen_symbol){
            .start_price =
                (int32_t)(dollars * 10000 + rw_gen_below(&market->chance, 100) * RW_GEN_TICK),
            .state = 'T'};
    }
}

static void walk_symbols(struct rw_gen_market *market) {
    uint64_t deviation = square_root((uint64_t)OWN_STEP_PPM * OWN_STEP_PPM *
                                     (RW_GEN_WALK_STEPS / RW_GEN_OWN_POINTS));
    market->own_walk = calloc(market->cfg.symbols, sizeof *market->own_walk);
    RW_ASSERT(market->own_walk);
    for (uint32_t i = 0; i < market->cfg.symbols; i++)
        for (uint32_t k = 1; k <= RW_GEN_OWN_POINTS; k++)
            market->own_walk[i][k] =
                market->own_walk[i][k - 1] + (int32_t)rw_gen_normal(&market->chance, deviation);
}

/* A life has its own orders, and a market that is not listed its own prices too. */
static void begin_life(struct rw_gen_market *market) {
    const struct rw_gen_market_cfg *cfg = &market->cfg;
    if (cfg->life) rw_rng_seed(&market->chance.rng, cfg->seed ^ (uint64_t)cfg->life << 48);
}

/* What no venue decides: which symbols there are and where their prices go. */
void rw_gen_list_symbols(struct rw_gen_market *market) {
    struct rw_rng flow = market->chance.rng;
    if (market->cfg.listed) rw_rng_seed(&market->chance.rng, market->cfg.listing);
    name_symbols(market);
    if (!market->cfg.listed) begin_life(market);
    for (uint32_t i = 1; i <= RW_GEN_WALK_STEPS; i++)
        market->market_ppm[i] =
            market->market_ppm[i - 1] + (int32_t)rw_gen_normal(&market->chance, MARKET_STEP_PPM);
    if (!market->cfg.listed) return;
    walk_symbols(market);
    market->chance.rng = flow;
    begin_life(market);
}
