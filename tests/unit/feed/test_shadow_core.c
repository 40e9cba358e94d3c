/* The shadow as a whole: two sites read one venue stream through feeds that conflate differently,
 * the leader dies at random moments and comes back empty. Whatever the schedule, the log must have
 * each trade exactly once and end with the venue's BBO, and no comparison may fail. Then the single
 * rules one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/feed/conflate_core.h"
#include "dataplane/feed/shadow_core.h"

#define VENUE_MAX   6000
#define INSTRUMENTS 12
#define LOG_MAX     (8 * VENUE_MAX)

struct site {
    void *memory;
    struct rw_shadow *shadow;
    struct rw_shadow_counters counters;
    struct rw_conflate *feed; /* the venue's ticks as this start of the site sees them */
    void *feed_memory;
    struct rw_conflate_counters output;
    struct rw_conflate_gauges waiting;
    uint32_t venue_at; /* how many the venue has sent */
    uint32_t log_at;   /* log entries received as follower */
    bool ended;
};

struct world {
    struct rw_rng rng;
    struct rw_shadow_cfg cfg;
    struct rw_conflate_cfg feed_cfg;
    uint32_t backlog; /* so many ticks come at most while a site takes one of its feed's */
    struct rw_entry venue[VENUE_MAX];
    uint32_t venue_count;
    struct rw_entry log[LOG_MAX];
    uint32_t log_count;
    struct site site[2];
    uint32_t leader;
    uint64_t mismatch, compared, logged;
};

static uint64_t seed_of_run(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static struct rw_tick_body body_of(const struct rw_entry *tick) {
    struct rw_tick_body body;
    memcpy(&body, tick->body, sizeof body);
    return body;
}

static struct rw_entry tick_of(uint32_t instrument, struct rw_tick_body body) {
    struct rw_entry tick = {.type = RW_ENTRY_TICK,
                            .slots = 1,
                            .version = RW_ENTRY_VERSION,
                            .instrument = instrument,
                            .event_time_ns = body.venue_sequence * 1000};
    memcpy(tick.body, &body, sizeof body);
    return tick;
}

static bool is_trade(const struct rw_entry *tick) {
    uint8_t kind = body_of(tick).kind;
    return kind == RW_TICK_TRADE || kind == RW_TICK_STATUS || kind == RW_TICK_BREAK;
}

static void make_venue(struct world *world, uint32_t count) {
    struct rw_tick_body book[INSTRUMENTS] = {0};
    uint64_t sequence = 0;
    world->venue_count = 0;
    while (world->venue_count + 2 <= count) {
        uint32_t instrument = 1 + (uint32_t)rw_rng_below(&world->rng, INSTRUMENTS - 1);
        struct rw_tick_body *body = &book[instrument];
        sequence += 1 + rw_rng_below(&world->rng, 3);
        body->venue_sequence = sequence;
        body->index = 0;
        uint64_t dice = rw_rng_below(&world->rng, 100);
        if (dice < 90) {
            body->kind = RW_TICK_BBO;
            body->bid_price = 1000 + (int32_t)rw_rng_below(&world->rng, 50);
            body->ask_price = body->bid_price + 1;
            body->bid_quantity = (uint32_t)sequence; /* every state is unlike all others */
            world->venue[world->venue_count++] = tick_of(instrument, *body);
            body->index = 1;
        }
        if (dice >= 80) {
            body->kind = dice >= 98 ? RW_TICK_STATUS : RW_TICK_TRADE;
            world->venue[world->venue_count++] = tick_of(instrument, *body);
        }
    }
}

static void site_start(struct world *world, struct site *site) {
    world->mismatch += rw_stat_get(&site->counters.input_mismatch);
    memset(&site->counters, 0, sizeof site->counters);
    site->shadow = rw_shadow_new(site->memory, &world->cfg, &site->counters);
    site->feed =
        rw_conflate_new(site->feed_memory, &world->feed_cfg, &site->output, &site->waiting);
    site->log_at = site->venue_at = 0;
    site->ended = false;
}

static void world_log(struct world *world, const struct rw_entry *tick) {
    assert_true(world->log_count < LOG_MAX);
    world->log[world->log_count++] = *tick;
}

static void drain(struct world *world, struct site *leader, uint32_t limit) {
    struct rw_entry tick;
    for (uint32_t i = 0; i < limit && rw_shadow_next(leader->shadow, UINT64_MAX, &tick); i++)
        world_log(world, &tick);
}

/* come lets the venue send some ticks; without a backlog one, when none waits. */
static void come(struct world *world, struct site *site) {
    uint64_t count = rw_conflate_is_empty(site->feed);
    if (world->backlog > 0) count += rw_rng_below(&world->rng, world->backlog);
    for (; count > 0 && site->venue_at < world->venue_count; count--)
        rw_conflate_put(site->feed, &world->venue[site->venue_at++], 1, 0);
}

/* take_feed lets a site take one tick of its feed, or its end. */
static void take_feed(struct world *world, struct site *site, bool leads) {
    bool live = rw_shadow_is_live(site->shadow);
    struct rw_entry tick;
    if (live) rw_conflate_live(site->feed);
    come(world, site);
    if (rw_conflate_is_empty(site->feed)) {
        if (!site->ended) rw_shadow_own_end(site->shadow);
        site->ended = true;
    } else if (live) {
        rw_conflate_next(site->feed, &tick);
        world_log(world, &tick);
    } else if (rw_shadow_room(site->shadow)) {
        rw_conflate_next(site->feed, &tick);
        rw_shadow_own(site->shadow, &tick);
    }
    if (leads && !live) drain(world, site, (uint32_t)rw_rng_below(&world->rng, 6));
}

static void take_log(struct world *world, struct site *follower) {
    if (follower->log_at == world->log_count) return;
    rw_shadow_logged(follower->shadow, &world->log[follower->log_at++]);
}

/* kill_leader: the follower leads with what it has received; the old one comes back empty. */
static void kill_leader(struct world *world) {
    struct site *dead = &world->site[world->leader], *next = &world->site[1 - world->leader];
    world->log_count = next->log_at;
    world->leader = 1 - world->leader;
    rw_shadow_lead(next->shadow);
    site_start(world, dead);
}

static void run(struct world *world, uint32_t kills) {
    uint32_t burst = 0, who = 0;
    for (uint64_t step = 0;; step++) {
        struct site *leader = &world->site[world->leader];
        struct site *follower = &world->site[1 - world->leader];
        if (burst == 0) {
            burst = 1 + (uint32_t)rw_rng_below(&world->rng, 200);
            who = (uint32_t)rw_rng_below(&world->rng, 3);
        }
        burst--;
        if (who == 0) take_feed(world, leader, true);
        if (who == 1) take_feed(world, follower, false);
        if (who == 2) take_log(world, follower);
        if (kills > 0 && rw_rng_chance(&world->rng, 1, 4000)) {
            kill_leader(world);
            kills--;
        }
        bool done = kills == 0 && leader->ended && follower->ended &&
                    rw_shadow_is_live(leader->shadow) && follower->log_at == world->log_count;
        if (done) return;
        assert_true(step < 4000000);
    }
}

static void check_trades_exactly_once(const struct world *world) {
    uint32_t at = 0;
    for (uint32_t i = 0; i < world->venue_count; i++) {
        if (!is_trade(&world->venue[i])) continue;
        struct rw_tick_body wanted = body_of(&world->venue[i]);
        while (at < world->log_count && !is_trade(&world->log[at])) at++;
        assert_true(at < world->log_count);
        struct rw_tick_body found = body_of(&world->log[at++]);
        assert_int_equal(found.venue_sequence, wanted.venue_sequence);
        assert_int_equal(found.index, wanted.index);
        assert_int_equal(found.kind, wanted.kind);
    }
    for (; at < world->log_count; at++) assert_false(is_trade(&world->log[at]));
}

static void check_final_bbo(const struct world *world) {
    struct rw_tick_body venue[INSTRUMENTS] = {0}, log[INSTRUMENTS] = {0};
    for (uint32_t i = 0; i < world->venue_count; i++)
        venue[world->venue[i].instrument] = body_of(&world->venue[i]);
    for (uint32_t i = 0; i < world->log_count; i++)
        log[world->log[i].instrument] = body_of(&world->log[i]);
    for (uint32_t i = 1; i < INSTRUMENTS; i++) {
        assert_int_equal(log[i].bid_price, venue[i].bid_price);
        assert_int_equal(log[i].ask_price, venue[i].ask_price);
        assert_int_equal(log[i].bid_quantity, venue[i].bid_quantity);
        assert_int_equal(log[i].quality & RW_QUALITY_TAKEOVER, 0);
    }
    assert_int_equal(log[RW_INSTRUMENT_NONE].quality, 0); /* the last word on the channel */
}

static struct world *world_new(uint64_t seed, uint32_t count, uint32_t backlog) {
    struct world *world = calloc(1, sizeof *world);
    rw_rng_seed(&world->rng, seed);
    world->cfg = (struct rw_shadow_cfg){.instruments = INSTRUMENTS,
                                        .own_depth = 2u << rw_rng_below(&world->rng, 9),
                                        .log_depth = 2u << rw_rng_below(&world->rng, 9),
                                        .channel = 3,
                                        .can_wait = true};
    if (backlog > 0 && rw_rng_chance(&world->rng, 1, 2)) { /* a live port with room for all */
        world->cfg.can_wait = false;
        world->cfg.own_depth = 8192;
    }
    world->backlog = backlog;
    world->feed_cfg =
        (struct rw_conflate_cfg){.locates = INSTRUMENTS, .queue_bytes = VENUE_MAX * RW_SLOT_BYTES};
    make_venue(world, count);
    for (int i = 0; i < 2; i++) {
        world->site[i].memory = aligned_alloc(64, rw_shadow_footprint(&world->cfg));
        world->site[i].feed_memory = aligned_alloc(64, rw_conflate_footprint(&world->feed_cfg));
        site_start(world, &world->site[i]);
    }
    rw_shadow_lead(world->site[0].shadow);
    return world;
}

static void world_free(struct world *world) {
    for (int i = 0; i < 2; i++) {
        free(world->site[i].memory);
        free(world->site[i].feed_memory);
    }
    free(world);
}

static void trades_are_exactly_once_and_final_bbo_is_the_venues_under_kills(void **state) {
    uint64_t seed = seed_of_run(), overtaken = 0, skipped = 0;
    for (uint64_t round = 0; round < 150; round++) {
        struct world *world = world_new(seed * 1000 + round, 3000, (uint32_t)(round % 3) * 3);
        run(world, 1 + (uint32_t)(round % 5));
        check_trades_exactly_once(world);
        check_final_bbo(world);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(rw_stat_get(&world->site[i].counters.input_mismatch), 0);
            skipped += rw_stat_get(&world->site[i].counters.skipped_conflated);
            overtaken += rw_stat_get(&world->site[i].output.overtaken);
        }
        assert_int_equal(world->mismatch, 0);
        world_free(world);
    }
    assert_true(overtaken > 1000 && skipped > 1000);
}

static void a_loss_free_run_compares_99_percent(void **state) {
    uint64_t seed = seed_of_run(), compared = 0, logged = 0;
    for (uint64_t round = 0; round < 30; round++) {
        struct world *world = world_new(seed * 1000 + round, VENUE_MAX, 0);
        struct rw_shadow_cfg cfg = world->cfg;
        cfg.own_depth = cfg.log_depth = 8192;
        world->cfg = cfg;
        for (int i = 0; i < 2; i++) {
            free(world->site[i].memory);
            world->site[i].memory = aligned_alloc(64, rw_shadow_footprint(&world->cfg));
            site_start(world, &world->site[i]);
        }
        rw_shadow_lead(world->site[0].shadow);
        run(world, 0);
        const struct rw_shadow_counters *counters = &world->site[1].counters;
        assert_int_equal(rw_stat_get(&counters->input_mismatch), 0);
        compared += rw_stat_get(&counters->compared);
        logged += rw_stat_get(&counters->logged_ticks);
        world_free(world);
    }
    print_message("compared %llu of %llu\n", (unsigned long long)compared,
                  (unsigned long long)logged);
    assert_true(logged > 0 && compared * 100 >= logged * 99);
}

static void a_wrong_own_book_is_a_mismatch_whether_feed_or_log_is_ahead(void **state) {
    for (int own_first = 0; own_first < 2; own_first++) {
        struct world *world = world_new(7, 100, 0);
        struct site *site = &world->site[1];
        struct rw_tick_body body = {.kind = RW_TICK_BBO, .venue_sequence = 5, .bid_price = 10};
        struct rw_entry logged = tick_of(1, body);
        body.bid_price = 11;
        struct rw_entry own = tick_of(1, body);
        if (own_first) rw_shadow_own(site->shadow, &own);
        rw_shadow_logged(site->shadow, &logged);
        if (!own_first) rw_shadow_own(site->shadow, &own);
        assert_int_equal(rw_stat_get(&site->counters.input_mismatch), 1);
        assert_int_equal(rw_stat_get(&site->counters.compared), 0);
        world_free(world);
    }
}

static void a_missing_own_state_is_a_mismatch_unless_the_next_one_says_it_replaced_some(void **s) {
    for (uint8_t replaced = 0; replaced < 2; replaced++) {
        struct world *world = world_new(8, 100, 0);
        struct site *site = &world->site[1];
        struct rw_tick_body body = {.kind = RW_TICK_BBO, .venue_sequence = 5, .bid_price = 10};
        struct rw_entry logged = tick_of(1, body);
        body.venue_sequence = 6;
        body.bid_price = 12;
        body.replaced = replaced;
        struct rw_entry own = tick_of(1, body);
        rw_shadow_logged(site->shadow, &logged);
        rw_shadow_own(site->shadow, &own);
        rw_shadow_logged(site->shadow, &own); /* the log passes the own tick that decides */
        assert_int_equal(rw_stat_get(&site->counters.input_mismatch), replaced ? 0 : 1);
        assert_int_equal(rw_stat_get(&site->counters.skipped_conflated), replaced ? 1 : 0);
        world_free(world);
    }
}

static void nothing_is_compared_after_a_gap_at_either_site(void **state) {
    for (int at_leader = 0; at_leader < 2; at_leader++) {
        struct world *world = world_new(9, 100, 0);
        struct site *site = &world->site[1];
        struct rw_tick_body gap = {
            .kind = RW_TICK_CHANNEL, .venue_sequence = 4, .quality = RW_QUALITY_FEED_GAP};
        struct rw_tick_body body = {.kind = RW_TICK_BBO, .venue_sequence = 5, .bid_price = 10};
        struct rw_entry channel = tick_of(0, gap), logged = tick_of(1, body);
        body.bid_price = 11;
        struct rw_entry own = tick_of(1, body);
        if (at_leader) rw_shadow_logged(site->shadow, &channel);
        if (!at_leader) rw_shadow_own(site->shadow, &channel);
        rw_shadow_logged(site->shadow, &logged);
        rw_shadow_own(site->shadow, &own);
        assert_int_equal(rw_stat_get(&site->counters.input_mismatch), 0);
        assert_int_equal(rw_stat_get(&site->counters.skipped_gap), 1);
        world_free(world);
    }
}

static void a_full_shadow_of_a_file_port_says_no_and_loses_nothing(void **state) {
    struct world *world = world_new(10, 2000, 0);
    struct site *site = &world->site[1];
    uint32_t taken = 0;
    while (rw_shadow_room(site->shadow)) rw_shadow_own(site->shadow, &world->venue[taken++]);
    assert_int_equal(taken, world->cfg.own_depth);
    rw_shadow_lead(site->shadow);
    struct rw_entry tick;
    for (uint32_t i = 0; i < taken; i++) {
        assert_true(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
        assert_memory_equal(&tick, &world->venue[i], sizeof tick);
    }
    assert_false(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
    assert_true(rw_shadow_is_live(site->shadow));
    world_free(world);
}

static void a_port_that_cannot_wait_loses_the_oldest_and_counts_lost_trades(void **state) {
    struct world *world = world_new(11, 100, 0);
    world->cfg = (struct rw_shadow_cfg){.instruments = INSTRUMENTS, .own_depth = 4, .log_depth = 4};
    struct site *site = &world->site[1];
    site->shadow = rw_shadow_new(site->memory, &world->cfg, &site->counters);
    for (uint32_t i = 1; i <= 6; i++) {
        assert_true(rw_shadow_room(site->shadow));
        struct rw_tick_body body = {.kind = RW_TICK_TRADE, .venue_sequence = i, .last_price = 1};
        struct rw_entry own = tick_of(1, body);
        rw_shadow_own(site->shadow, &own);
    }
    assert_int_equal(rw_stat_get(&site->counters.trades_dropped), 2);
    rw_shadow_lead(site->shadow);
    struct rw_entry tick;
    for (uint64_t wanted = 3; wanted <= 6; wanted++) {
        do assert_true(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
        while (!is_trade(&tick));
        assert_int_equal(body_of(&tick).venue_sequence, wanted);
    }
    world_free(world);
}

static void a_live_port_tells_of_each_instrument_only_its_newest_quote(void **state) {
    struct world *world = world_new(13, 100, 0);
    world->cfg.can_wait = false;
    world->cfg.own_depth = 8;
    struct site *site = &world->site[1];
    free(site->memory);
    site->memory = aligned_alloc(64, rw_shadow_footprint(&world->cfg));
    site->shadow = rw_shadow_new(site->memory, &world->cfg, &site->counters);
    for (uint32_t i = 1; i <= 6; i++) {
        struct rw_tick_body body = {.kind = i == 4 ? RW_TICK_TRADE : RW_TICK_BBO,
                                    .venue_sequence = i,
                                    .bid_price = i == 4 ? 2 : (int32_t)i};
        struct rw_entry own = tick_of(1 + i % 2, body);
        rw_shadow_own(site->shadow, &own);
    }
    rw_shadow_lead(site->shadow);
    struct rw_entry tick;
    assert_true(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
    assert_int_equal(body_of(&tick).kind, RW_TICK_TRADE);
    const int32_t newest[] = {6, 5};
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
        assert_int_equal(tick.instrument, i + 1);
        assert_int_equal(body_of(&tick).bid_price, newest[i]);
        assert_int_equal(body_of(&tick).replaced, i == 0 ? 1 : 2);
    }
    assert_false(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
    assert_true(rw_shadow_is_live(site->shadow));
    world_free(world);
}

static void before_newest_a_trade_keeps_the_logged_bbo_and_is_flagged(void **state) {
    struct world *world = world_new(12, 100, 0);
    struct site *site = &world->site[1];
    struct rw_tick_body body = {.kind = RW_TICK_BBO, .venue_sequence = 9, .bid_price = 90};
    struct rw_entry logged = tick_of(1, body), tick;
    rw_shadow_logged(site->shadow, &logged);
    rw_shadow_lead(site->shadow);
    assert_true(rw_shadow_is_behind(site->shadow));
    assert_true(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
    assert_int_equal(body_of(&tick).kind, RW_TICK_CHANNEL);
    assert_int_equal(body_of(&tick).quality, RW_QUALITY_TAKEOVER);
    body = (struct rw_tick_body){.kind = RW_TICK_TRADE, .venue_sequence = 5, .bid_price = 50};
    struct rw_entry own = tick_of(1, body);
    rw_shadow_own(site->shadow, &own);
    assert_true(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
    assert_int_equal(body_of(&tick).kind, RW_TICK_TRADE);
    assert_int_equal(body_of(&tick).bid_price, 90);
    assert_true(body_of(&tick).quality & RW_QUALITY_TAKEOVER);
    assert_false(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
    assert_false(rw_shadow_is_live(site->shadow));
    rw_shadow_own(site->shadow, &logged); /* the own feed reaches newest: back to normal */
    assert_true(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
    assert_int_equal(body_of(&tick).kind, RW_TICK_CHANNEL);
    assert_int_equal(body_of(&tick).quality, 0);
    assert_true(rw_shadow_next(site->shadow, UINT64_MAX,
                               &tick)); /* the flag goes, though the BBO is the same */
    assert_int_equal(body_of(&tick).kind, RW_TICK_BBO);
    assert_int_equal(body_of(&tick).bid_price, 90);
    assert_int_equal(body_of(&tick).quality, 0);
    assert_false(rw_shadow_next(site->shadow, UINT64_MAX, &tick));
    assert_true(rw_shadow_is_live(site->shadow));
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrong_own_book_is_a_mismatch_whether_feed_or_log_is_ahead),
        cmocka_unit_test(
            a_missing_own_state_is_a_mismatch_unless_the_next_one_says_it_replaced_some),
        cmocka_unit_test(nothing_is_compared_after_a_gap_at_either_site),
        cmocka_unit_test(a_full_shadow_of_a_file_port_says_no_and_loses_nothing),
        cmocka_unit_test(a_port_that_cannot_wait_loses_the_oldest_and_counts_lost_trades),
        cmocka_unit_test(a_live_port_tells_of_each_instrument_only_its_newest_quote),
        cmocka_unit_test(before_newest_a_trade_keeps_the_logged_bbo_and_is_flagged),
        cmocka_unit_test(trades_are_exactly_once_and_final_bbo_is_the_venues_under_kills),
        cmocka_unit_test(a_loss_free_run_compares_99_percent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
