/* The acceptance of recovery, in virtual time: after loss on both lines with reordering and copies,
 * after a join in the middle, after restarts, after servers that were down, slow or lying, every
 * book is the venue's, every message was applied once, and the accounts add up. */
#include "tests/unit/feed/feed_world.h"

#define LOSS_5_PERCENT 50000u

/* Random manners of the request server, changed now and then. */
static void misbehave(struct world *world) {
    if (rw_rng_chance(&world->rng, 1, 400))
        rw_venue_requests_behave(world->requests,
                                 (enum rw_venue_manner)rw_rng_below(&world->rng, RW_VENUE_MANNERS));
}

static uint64_t published(const struct world *world) {
    return rw_venue_messages(world->venue, rw_venue_life(world->venue))->count;
}

static void five_percent_lost_on_both_lines_are_requested(void **state) {
    uint64_t seed = venue_seed(), recovered = 0;
    for (uint32_t round = 0; round < 6; round++) {
        struct rw_feed_cfg cfg = feed_cfg();
        struct world *world = world_new(seed * 100 + round, &cfg, LOSS_5_PERCENT);
        world->no_peer = round % 2;
        run_to_end(world);
        for (uint32_t i = 0; i < SITES; i++) {
            struct site *site = &world->site[i];
            the_picture_is_the_venues(site);
            assert_true(site->ended);
            assert_int_equal(count_of(&site->channel.delivered), published(world));
            assert_int_equal(count_of(&site->channel.gaps), 0);
            assert_int_equal(count_of(&site->recovery.snapshots), 0);
            recovered += count_of(&site->channel.recovered);
        }
        /* what one site has lost the other usually has */
        if (!world->no_peer)
            assert_true(count_of(&world->site[0].answers[0].delivered) >
                        count_of(&world->site[0].answers[1].delivered));
        assert_int_equal(world->site[0].trades, world->site[1].trades);
        world_free(world);
    }
    assert_true(recovered > 500);
}

static void a_join_in_the_middle_takes_a_snapshot(void **state) {
    uint64_t seed = venue_seed();
    for (uint32_t round = 0; round < 6; round++) {
        struct rw_feed_cfg cfg = feed_cfg();
        cfg.recovery.request_max = 500;
        struct world *world = world_new(seed * 100 + round, &cfg, LOSS_5_PERCENT);
        struct site *late = &world->site[1];
        late->listens = false;
        run_until(world, SECOND_NS + rw_rng_below(&world->rng, SECOND_NS));
        late->listens = true;
        run_to_end(world);
        the_picture_is_the_venues(&world->site[0]);
        the_picture_is_the_venues(late);
        assert_int_equal(count_of(&late->recovery.snapshot_joins), 1);
        assert_int_equal(count_of(&late->channel.gaps), 0);
        assert_int_equal(count_of(&late->channel.delivered) +
                             count_of(&late->channel.snapshot_messages),
                         published(world));
        world_free(world);
    }
}

static void a_restart_of_the_venue_is_followed(void **state) {
    uint64_t seed = venue_seed();
    for (uint32_t round = 0; round < 8; round++) {
        struct rw_feed_cfg cfg = feed_cfg();
        struct world *world = world_new(seed * 100 + round, &cfg, LOSS_5_PERCENT);
        run_until(world, 2 * SECOND_NS + rw_rng_below(&world->rng, SECOND_NS));
        assert_true(rw_venue_restart(world->venue, world->now_ns,
                                     round % 2 ? RW_VENUE_SAME_SESSION : RW_VENUE_NEW_SESSION));
        run_to_end(world);
        for (uint32_t i = 0; i < SITES; i++) {
            struct site *site = &world->site[i];
            the_picture_is_the_venues(site);
            assert_int_equal(
                count_of(&site->channel.restarts) + count_of(&site->channel.session_switches), 1);
            assert_true(site->ended);
        }
        world_free(world);
    }
}

static void what_the_request_server_missed_is_made_up_for(void **state) {
    uint64_t seed = venue_seed(), joins = 0;
    for (uint32_t round = 0; round < 10; round++) {
        struct rw_feed_cfg cfg = feed_cfg();
        cfg.line.reorder_packets = round % 2 ? 128 : 2048;
        cfg.recovery.attempts = round % 3 ? 3 : 100;
        struct world *world = world_new(seed * 100 + round, &cfg, LOSS_5_PERCENT);
        world->no_peer = true;
        run_until(world, SECOND_NS / 2);
        rw_venue_requests_behave(world->requests, RW_VENUE_DOWN);
        run_until(world, SECOND_NS + rw_rng_below(&world->rng, SECOND_NS));
        rw_venue_requests_behave(world->requests, RW_VENUE_FINE);
        run_to_end(world);
        for (uint32_t i = 0; i < SITES; i++) {
            the_picture_is_the_venues(&world->site[i]);
            joins += count_of(&world->site[i].recovery.snapshot_joins);
        }
        world_free(world);
    }
    assert_true(joins > 5); /* of 20; how many it takes hangs on the seed */
}

static void whatever_happens_the_picture_is_the_venues_in_the_end(void **state) {
    uint64_t seed = venue_seed();
    for (uint32_t round = 0; round < 12; round++) {
        struct rw_feed_cfg cfg = feed_cfg();
        cfg.recovery.attempts = 2 + (uint32_t)(round % 5);
        cfg.recovery.request_max = round % 2 ? 300 : 5000;
        cfg.recovery.snapshot_attempts = 1 + round % 3;
        struct world *world = world_new(seed * 100 + round, &cfg, LOSS_5_PERCENT);
        struct site *late = &world->site[1];
        uint64_t join_ns = rw_rng_below(&world->rng, 2 * SECOND_NS);
        late->listens = false;
        world->no_peer = round % 4 == 0;
        while (world->now_ns < 3 * SECOND_NS + SECOND_NS / 2) {
            step(world);
            misbehave(world);
            if (world->now_ns >= join_ns) late->listens = true;
            if (rw_rng_chance(&world->rng, 1, 500)) world->snapshots_down = !world->snapshots_down;
            /* a shorter life cannot be told from a late copy of the first packets */
            if (published(world) > 6000 && rw_rng_chance(&world->rng, 1, 8000))
                rw_venue_restart(world->venue, world->now_ns,
                                 (enum rw_venue_restart)rw_rng_below(&world->rng, 2));
        }
        world->snapshots_down = false;
        rw_venue_requests_behave(world->requests, RW_VENUE_FINE);
        run_to_end(world);
        the_picture_is_the_venues(&world->site[0]);
        the_picture_is_the_venues(late);
        world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_percent_lost_on_both_lines_are_requested),
        cmocka_unit_test(a_join_in_the_middle_takes_a_snapshot),
        cmocka_unit_test(a_restart_of_the_venue_is_followed),
        cmocka_unit_test(what_the_request_server_missed_is_made_up_for),
        cmocka_unit_test(whatever_happens_the_picture_is_the_venues_in_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
