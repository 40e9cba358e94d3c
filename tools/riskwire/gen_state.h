/* The state of a simulated market, shared by the files that make its messages; for them only.
 *
 *   gen_market.c  which message is next ─┬─ gen_schedule.c  prologue, system events, crosses, halts
 *                                        └─ gen_flow.c      orders, executions, the waits between
 *   below them    gen_messages.c writes what both need · gen_prices.c says where prices are
 *
 * One message is planned at a time; making it may queue a few more of the same time. */
#pragma once

#include "dataplane/feed/itch50_write.h"
#include "tools/riskwire/gen_chance.h"
#include "tools/riskwire/gen_market.h"

#define RW_GEN_QUEUE_MAX  64u
#define RW_GEN_TICK       100 /* one cent */
#define RW_GEN_WALK_STEPS 2000u
#define RW_GEN_OWN_POINTS 100u /* of a listed symbol's own walk; straight in between */
#define RW_GEN_PARTITIONS 4u   /* of order references: their low two bits */

enum rw_gen_phase { RW_GEN_BEFORE, RW_GEN_OPEN, RW_GEN_AFTER };
enum rw_gen_plan { RW_GEN_PROLOGUE, RW_GEN_SCHEDULE, RW_GEN_FLOW, RW_GEN_DONE };

/* A scheduled message; detail is an event code, trading state or cross type. */
struct rw_gen_scheduled {
    uint64_t time_ns;
    uint32_t order;
    uint16_t symbol;
    char letter, detail;
};

struct rw_gen_symbol {
    int32_t start_price, fair;
    int64_t own_ppm;
    uint32_t step;
    char state;
};

struct rw_gen_market {
    struct rw_gen_market_cfg cfg;
    struct rw_gen_chance chance;
    struct rw_gen_books books;
    char (*names)[8];
    struct rw_gen_symbol *symbols;
    int32_t market_ppm[RW_GEN_WALK_STEPS + 1];
    int32_t (*own_walk)[RW_GEN_OWN_POINTS + 1]; /* of each symbol, when listed */

    uint64_t start_ns, open_ns, close_ns, flow_end_ns, end_ns;
    struct rw_gen_scheduled *schedule;
    uint32_t scheduled, schedule_at, schedule_room;
    uint64_t prologue, prologue_at;

    enum rw_gen_plan plan;
    enum rw_gen_phase phase;
    uint64_t time_ns; /* of the planned message */
    uint64_t flow_ns; /* of the next message of the flow */
    uint64_t made;    /* messages handed out or queued */
    uint32_t burst_left, burst_symbol;

    uint64_t reference[RW_GEN_PARTITIONS];
    uint64_t match_number, last_match;
    uint32_t last_match_symbol;
    uint64_t target_live;

    struct rw_gen_message queue[RW_GEN_QUEUE_MAX];
    uint32_t queue_first, queue_count;
};

/* gen_messages.c: each queues messages of the planned time. */

/* rw_gen_begin queues a message and returns it with its bytes to be filled; rw_gen_begin_symbol one
 * of a symbol. */
struct rw_gen_message *rw_gen_begin(struct rw_gen_market *market, char letter, uint32_t locate);
struct rw_gen_message *rw_gen_begin_symbol(struct rw_gen_market *market, char letter,
                                           uint32_t symbol);
/* rw_gen_flow_left returns how many messages the flow may still make. */
uint64_t rw_gen_flow_left(const struct rw_gen_market *market);
/* rw_gen_next_reference and rw_gen_next_match number an order and a trade. */
uint64_t rw_gen_next_reference(struct rw_gen_market *market, uint32_t symbol);
uint64_t rw_gen_next_match(struct rw_gen_market *market, uint32_t symbol);
/* rw_gen_draw_mpid chooses a market maker. */
const char *rw_gen_draw_mpid(struct rw_gen_market *market);
/* rw_gen_put_… writes a message and does to the books what it says. An execution is 'E' at the
 * order's own price, or 'C' at another, printable or (in a cross) not. */
void rw_gen_put_system(struct rw_gen_market *market, char code);
void rw_gen_put_add(struct rw_gen_market *market, const struct rw_gen_order *order);
void rw_gen_put_delete(struct rw_gen_market *market, uint32_t index);
void rw_gen_put_execution(struct rw_gen_market *market, uint32_t index, uint32_t shares,
                          char letter, int32_t price, char printable);
void rw_gen_put_position(struct rw_gen_market *market, uint32_t symbol);

/* gen_prices.c */

/* rw_gen_list_symbols decides what no venue decides: which symbols there are and where their prices
 * go. */
void rw_gen_list_symbols(struct rw_gen_market *market);
/* rw_gen_fair_price returns the price that a symbol is worth at the planned time. */
int32_t rw_gen_fair_price(struct rw_gen_market *market, uint32_t index);
/* rw_gen_draw_shares chooses the size of an order. */
uint32_t rw_gen_draw_shares(struct rw_gen_chance *chance);

/* gen_flow.c */

/* rw_gen_make_flow makes the next message of the flow, and what comes with it. */
void rw_gen_make_flow(struct rw_gen_market *market);
/* rw_gen_plan_flow_time draws the wait for the one after it. */
void rw_gen_plan_flow_time(struct rw_gen_market *market);

/* gen_schedule.c */

/* rw_gen_prologue_count returns how many messages the prologue has. */
uint64_t rw_gen_prologue_count(uint32_t symbols);
/* rw_gen_make_prologue makes its next one; rw_gen_make_scheduled the next one of the schedule. */
void rw_gen_make_prologue(struct rw_gen_market *market);
void rw_gen_make_scheduled(struct rw_gen_market *market);
/* rw_gen_schedule_session plans the day. */
void rw_gen_schedule_session(struct rw_gen_market *market);
