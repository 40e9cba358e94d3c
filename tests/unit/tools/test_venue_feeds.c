/* The venue on the feeds it speaks: whatever the lines do, the listening feed ends with the venue's
 * books. */
#include "tests/unit/tools/venue_world.h"

static void run(const struct world_cfg *cfg) {
    struct world *world = world_new(cfg);
    rw_venue_begin(world->venue, SECOND_NS / 10);
    world_until(world, MESSAGES);
    world_settle(world);
    world_books_are_the_venues(world);
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

/* Trades and status are told, a replacement is a deletion and an addition: counted by type. */
/* The venue comes back with an empty market at sequence 1, and nothing but the number tells so. */
static void run_restart(const struct world_cfg *cfg) {
    struct world *world = world_new(cfg);
    rw_venue_begin(world->venue, 0);
    world_until(world, 6000);
    assert_true(rw_venue_restart(world->venue, world->now_ns, RW_VENUE_SAME_SESSION));
    world_until(world, MESSAGES);
    world_settle(world);
    world_books_are_the_venues(world);
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
        cmocka_unit_test(pitch_tells_what_the_market_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
