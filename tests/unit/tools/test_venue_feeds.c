/* The venue on the feeds it speaks: whatever the lines do, the listening feed ends with the venue's
 * books. */
#include "tests/unit/tools/venue_world.h"

static void run(const struct world_cfg *cfg) {
    struct world *world = world_new(cfg);
    rw_venue_begin(world->venue, SECOND_NS / 10);
    world_until(world, MESSAGES);
    world_settle(world);
    world_books_are_the_venues(world, 0);
    uint64_t sent = rw_venue_sent(world->venue, 0)->count;
    assert_int_equal(rw_stat_get(&world->channel.delivered), sent);
    assert_int_equal(rw_stat_get(&world->count.messages), sent);
    assert_int_equal(rw_stat_get(&world->channel.gaps), 0);
    assert_int_equal(rw_stat_get(&world->count.unknown_type), 0);
    assert_int_equal(rw_stat_get(&world->count.malformed), 0);
    assert_int_equal(rw_stat_get(&world->book.unknown_reference), 0);
    assert_true(rw_stat_get(&world->line[0].lost) > 0 && rw_stat_get(&world->line[1].lost) > 0);
    world_free(world);
}

static void itch_gives_the_venues_books(void **state) {
    struct world_cfg cfg = world_gentle(venue_seed());
    run(&cfg);
}

static void pitch_gives_the_venues_books(void **state) {
    struct world_cfg cfg = world_gentle(venue_seed());
    cfg.venue.feed = "pitch";
    cfg.feed = rw_venue_named("pitch");
    run(&cfg);
}

static uint64_t own_of(const struct world *world, const char *name) {
    for (uint32_t i = 0; i < *world->adapter->own_row_count; i++)
        if (!strcmp(world->adapter->own_rows[i].name, name)) return rw_stat_get(&world->own[i]);
    fail_msg("no counter %s", name);
    return 0;
}

/* Nobody can be asked for what both lines have lost; the loop mends every book, ten levels deep. */
static void the_snapshot_loop_of_mdp3_mends_what_was_lost(void **state) {
    struct world_cfg cfg = world_gentle(venue_seed());
    cfg.venue.feed = "mdp3";
    cfg.venue.loop_ns = 2000000;
    cfg.venue.midnight_ns = UINT64_C(1736139600000000000);
    cfg.wires.independent = true;
    cfg.wires.loss_run = 1;
    cfg.feed = rw_venue_named("mdp3");
    struct world *world = world_new(&cfg);
    rw_venue_begin(world->venue, 0);
    world_until(world, MESSAGES);
    world_settle(world);
    world_books_are_the_venues(world, 10);
    assert_true(rw_stat_get(&world->channel.gaps) > 0);
    assert_true(own_of(world, "doubted") > 0 && own_of(world, "joined") > 0);
    assert_int_equal(own_of(world, "other_day"), 0);
    assert_int_equal(own_of(world, "unknown_template"), 0);
    assert_int_equal(rw_stat_get(&world->count.malformed), 0);
    struct rw_venue_count count = rw_venue_counted(world->venue);
    assert_true(count.loops > 1000);
    assert_int_equal(count.heartbeats, 0);
    world_free(world);
}

/* Trades and status are told, a replacement is a deletion and an addition: counted by type. */
/* The venue comes back with an empty market at sequence 1, and nothing but the number tells so. */
static void run_restart(const struct world_cfg *cfg) {
    struct world *world = world_new(cfg);
    rw_venue_begin(world->venue, 0);
    world_until(world, 6000);
    assert_true(rw_venue_restart(world->venue, world->now_ns, RW_VENUE_SAME_SESSION));
    world_until(world, MESSAGES);
    world_settle(world);
    world_books_are_the_venues(world, 0);
    assert_int_equal(rw_stat_get(&world->channel.restarts), 1);
    assert_int_equal(rw_stat_get(&world->book.unknown_reference), 0);
    world_free(world);
}

static void a_restart_is_seen_on_itch_and_on_pitch(void **state) {
    struct world_cfg cfg = world_gentle(venue_seed());
    run_restart(&cfg);
    cfg.venue.feed = "pitch";
    cfg.feed = rw_venue_named("pitch");
    run_restart(&cfg);
}

static void pitch_tells_what_the_market_does(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(venue_seed());
    cfg.feed = "pitch";
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    uint32_t market[256] = {0}, sent[256] = {0}, bytes;
    rw_venue_begin(venue, 0);
    venue_publish(venue, MESSAGES);
    const struct rw_venue_log *messages = rw_venue_messages(venue, 0);
    const struct rw_venue_log *wire = rw_venue_sent(venue, 0);
    for (uint64_t i = 1; i <= messages->count; i++)
        market[rw_venue_log_get(messages, i, &bytes)[0]]++;
    for (uint64_t i = 1; i <= wire->count; i++) sent[rw_venue_log_get(wire, i, &bytes)[0]]++;
    assert_int_equal(sent[0x21] + sent[0x22], market['A'] + market['F'] + market['U']);
    assert_int_equal(sent[0x23], market['E']);
    assert_int_equal(sent[0x24], market['C']);
    assert_int_equal(sent[0x25] + sent[0x26], market['X']);
    assert_int_equal(sent[0x29], market['D'] + market['U']);
    assert_int_equal(sent[0x2A] + sent[0x2B], market['P']);
    assert_int_equal(sent[0x2C], market['B']);
    assert_int_equal(sent[0x2D], 1);
    assert_int_equal(sent[0x31], market['H']);
    assert_int_equal(sent[0x96], market['Q']);
    assert_in_range(sent[0x20], 4, 6); /* seconds */
    rw_venue_free(venue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(itch_gives_the_venues_books),
        cmocka_unit_test(pitch_gives_the_venues_books),
        cmocka_unit_test(a_restart_is_seen_on_itch_and_on_pitch),
        cmocka_unit_test(the_snapshot_loop_of_mdp3_mends_what_was_lost),
        cmocka_unit_test(pitch_tells_what_the_market_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
