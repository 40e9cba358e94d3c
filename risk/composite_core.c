/* Eight venues are the eight lanes of one register: who counts is a mask over the lanes, the best
 * price a maximum over them, and who is at it a comparison with that maximum. */
#include "risk/composite_core.h"

#include <immintrin.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "risk/numerics.h"

static_assert(RW_VENUES_MAX * sizeof(int32_t) == sizeof(__m256i), "a venue is a lane");

/* All ones in the lanes of the mask's bits. */
static inline __m256i lanes_of(uint32_t mask) {
    const __m256i bit = _mm256_setr_epi32(1, 2, 4, 8, 16, 32, 64, 128);
    return _mm256_cmpeq_epi32(_mm256_and_si256(_mm256_set1_epi32((int)mask), bit), bit);
}

static inline uint32_t mask_of(__m256i lanes) {
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(lanes));
}

static inline __m256i both(__m256i a, __m256i b) { return _mm256_and_si256(a, b); }

/* One register for each question: best bid and ask of the raw view, of the round view. */
struct four {
    __m256i raw_bid, raw_ask, round_bid, round_ask;
};

/* Folds the lanes of four registers into one number each: two steps of pairing and one across the
 * halves, for all four at once. */
#define FOLD(name, pair, halves)                                                                  \
    static inline __m128i name(struct four x) {                                                   \
        __m256i raw = pair(_mm256_unpacklo_epi32(x.raw_bid, x.raw_ask),                           \
                           _mm256_unpackhi_epi32(x.raw_bid, x.raw_ask));                          \
        __m256i round = pair(_mm256_unpacklo_epi32(x.round_bid, x.round_ask),                     \
                             _mm256_unpackhi_epi32(x.round_bid, x.round_ask));                    \
        __m256i all = pair(_mm256_unpacklo_epi64(raw, round), _mm256_unpackhi_epi64(raw, round)); \
        return halves(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));             \
    }
FOLD(highest, _mm256_max_epi32, _mm_max_epi32)
FOLD(sums, _mm256_add_epi32, _mm_add_epi32)

/* The quotes of a row, in registers. */
struct quotes {
    __m256i bid, ask, bid_quantity, ask_quantity;
};

static inline __m256i load(const void *lanes) { return _mm256_load_si256(lanes); }

static inline struct quotes quotes_of(const struct rw_composite *row) {
    return (struct quotes){load(row->bid), load(row->ask), load(row->bid_quantity),
                           load(row->ask_quantity)};
}

/* Writes a view field by field: a struct put together on the stack from bytes would be read back
 * before they are there. */
static inline void put_view(struct rw_composite_view *view, const int32_t price[2],
                            const uint32_t quantity[2], uint32_t bid_venues, uint32_t ask_venues) {
    view->bid_price = price[0];
    view->ask_price = price[1];
    view->bid_quantity = quantity[0];
    view->ask_quantity = quantity[1];
    view->bid_venues = (uint8_t)bid_venues;
    view->ask_venues = (uint8_t)ask_venues;
}

/* The price of an ask's score. A missing ask has the score of any missing side, 0, and no
 * venue. */
static inline int32_t ask_of(int32_t score, uint32_t venues) {
    return (INT32_MAX - score) & -(venues != 0);
}

/* Without branches: what changes from quote to quote cannot be guessed. A low ask is a high score,
 * INT32_MAX − price. */
static inline __attribute__((always_inline)) void
look(struct rw_composite *row, struct quotes quotes, uint32_t in, uint64_t event_time_ns) {
    const __m256i none = _mm256_setzero_si256(), lot = _mm256_set1_epi32((int)row->lot - 1);
    const __m256i on = lanes_of(in), bids = quotes.bid_quantity, asks = quotes.ask_quantity;
    const __m256i bid = quotes.bid,
                  ask = _mm256_sub_epi32(_mm256_set1_epi32(INT32_MAX), quotes.ask);
    struct four here = {.raw_bid = both(on, _mm256_cmpgt_epi32(bid, none)),
                        .raw_ask = both(on, _mm256_cmpgt_epi32(quotes.ask, none))};
    here.round_bid = both(here.raw_bid, _mm256_cmpgt_epi32(bids, lot));
    here.round_ask = both(here.raw_ask, _mm256_cmpgt_epi32(asks, lot));
    __m128i best = highest((struct four){both(bid, here.raw_bid), both(ask, here.raw_ask),
                                         both(bid, here.round_bid), both(ask, here.round_ask)});
    __m256i wide = _mm256_broadcastsi128_si256(best);
    struct four at = {
        both(here.raw_bid, _mm256_cmpeq_epi32(bid, _mm256_shuffle_epi32(wide, 0x00))),
        both(here.raw_ask, _mm256_cmpeq_epi32(ask, _mm256_shuffle_epi32(wide, 0x55))),
        both(here.round_bid, _mm256_cmpeq_epi32(bid, _mm256_shuffle_epi32(wide, 0xAA))),
        both(here.round_ask, _mm256_cmpeq_epi32(ask, _mm256_shuffle_epi32(wide, 0xFF)))};
    __m128i sum = sums((struct four){both(bids, at.raw_bid), both(asks, at.raw_ask),
                                     both(bids, at.round_bid), both(asks, at.round_ask)});
    int32_t price[4];
    uint32_t quantity[4];
    memcpy(price, &best, sizeof price);
    memcpy(quantity, &sum, sizeof quantity);
    uint32_t bidders = mask_of(at.raw_bid), askers = mask_of(at.raw_ask);
    uint32_t round_askers = mask_of(at.round_ask);
    price[1] = ask_of(price[1], askers);
    price[3] = ask_of(price[3], round_askers);
    put_view(&row->raw, price, quantity, bidders, askers);
    put_view(&row->round, price + 2, quantity + 2, mask_of(at.round_bid), round_askers);
    row->in = (uint8_t)in;
    bool across =
        (bidders != 0) & (askers != 0) & ((bidders & askers) == 0) & (price[0] >= price[1]);
    uint64_t since = row->across_since_ns ? row->across_since_ns : event_time_ns;
    row->across_since_ns = since & -(uint64_t)across;
}

/* Puts a number into the lanes that are on, in memory as in the register. Whole registers are
 * stored, because a load of eight lanes would wait for a store of one. */
static inline __m256i put(void *lanes, __m256i before, __m256i on, uint32_t number) {
    __m256i after = _mm256_blendv_epi8(before, _mm256_set1_epi32((int)number), on);
    _mm256_store_si256(lanes, after);
    return after;
}

static inline uint32_t capped(uint32_t quantity) {
    return quantity < RW_COMPOSITE_QUANTITY_MAX ? quantity : RW_COMPOSITE_QUANTITY_MAX;
}

void rw_composite_quote(struct rw_composite *row, uint32_t venue, const struct rw_quote *quote,
                        uint32_t in, uint64_t event_time_ns) {
    RW_ASSERT(venue < RW_VENUES_MAX && row->lot >= 1);
    struct quotes quotes = quotes_of(row);
    __m256i on = lanes_of(1u << venue);
    quotes.bid = put(row->bid, quotes.bid, on, (uint32_t)quote->bid_price);
    quotes.ask = put(row->ask, quotes.ask, on, (uint32_t)quote->ask_price);
    quotes.bid_quantity =
        put(row->bid_quantity, quotes.bid_quantity, on, capped(quote->bid_quantity));
    quotes.ask_quantity =
        put(row->ask_quantity, quotes.ask_quantity, on, capped(quote->ask_quantity));
    look(row, quotes, in, event_time_ns);
}

void rw_composite_count(struct rw_composite *row, uint32_t in, uint64_t event_time_ns) {
    struct quotes quotes = quotes_of(row);
    look(row, quotes, in, event_time_ns);
}
