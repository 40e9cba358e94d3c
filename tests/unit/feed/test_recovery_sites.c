/* A leader and a follower that lose different packets, join snapshots at different messages, and a
 * take-over at a random moment: the log holds every trade at most once and none that the venue did
 * not make, what the sites say of the same moment never differs, and in the end every BBO in the
 * log is the venue's. */
#include "dataplane/feed/shadow_core.h"
#include "tests/unit/feed/feed_world.h"

#define LOG_MAX 200000u

static struct rw_entry *entries; /* the log */
static uint32_t logged, copied;  /* entries in it, and of these told to the follower */
static struct rw_shadow *shadow; /* of the follower, site 1 */
static struct rw_shadow_counters counters;
static bool leads;          /* site 1 has taken over */
static uint8_t *trades;     /* by sequence: times in the log */
static struct site picture; /* what a reader of the log believes */

static void log_entry(const struct rw_entry *entry) {
    struct rw_tick_body body;
    assert_true(logged < LOG_MAX);
    entries[logged++] = *entry;
    memcpy(&body, entry->body, sizeof body);
    if (body.kind == RW_TICK_CHANNEL) {
        picture.quality = body.quality;
        return;
    }
    struct told *told = &picture.told[entry->instrument];
    told->bbo =
        (struct rw_book_bbo){body.bid_price, body.bid_quantity, body.ask_price, body.ask_quantity};
    told->quality = body.quality;
    if (body.kind == RW_TICK_TRADE) {
        uint64_t sequence = body.venue_sequence;
        assert_true(sequence < 4 * MESSAGES);
        trades[sequence]++;
    }
}

static void of_leader(struct site *site, const struct rw_entry *entry) {
    if (entry->type == RW_ENTRY_TICK && !leads) log_entry(entry);
}

static void of_follower(struct site *site, const struct rw_entry *entry) {
    struct rw_entry tick;
    if (entry->type == RW_ENTRY_END) rw_shadow_own_end(shadow);
    if (entry->type == RW_ENTRY_TICK) {
        if (rw_shadow_is_live(shadow))
            log_entry(entry);
        else
            rw_shadow_own(shadow, entry);
    }
    while (leads && rw_shadow_next(shadow, UINT64_MAX, &tick)) log_entry(&tick);
}

/* copy tells the follower some of what the leader has logged. */
static void copy(struct world *world, bool all) {
    if (leads) return;
    uint64_t most = all ? UINT64_MAX : rw_rng_below(&world->rng, 40);
    for (uint64_t i = 0; i < most && copied < logged; i++)
        rw_shadow_logged(shadow, &entries[copied++]);
}

static void begin(void) {
    struct rw_shadow_cfg cfg = {
        .instruments = SYMBOLS + 1, .own_depth = 65536, .log_depth = 65536, .channel = 3};
    memset(&counters, 0, sizeof counters);
    memset(&picture, 0, sizeof picture);
    entries = malloc(LOG_MAX * sizeof *entries);
    trades = calloc(4 * MESSAGES, 1);
    shadow = rw_shadow_new(aligned_alloc(64, rw_shadow_footprint(&cfg)), &cfg, &counters);
    logged = copied = 0;
    leads = false;
}

static void end(void) {
    free(entries);
    free(trades);
    free(shadow);
}

/* The venue's printable trades by its messages, with the books that they are executions in. */
static void check_trades(struct world *world, bool all) {
    const struct rw_venue_log *log = rw_venue_messages(world->venue, 0);
    struct books books;
    uint64_t missing = 0;
    books_make(&books);
    for (uint64_t i = 1; i <= log->count; i++) {
        struct rw_book_event event;
        uint32_t bytes;
        const uint8_t *message = rw_venue_log_get(log, i, &bytes);
        rw_itch50_apply(books.book, message, bytes, &event);
        bool trade = event.changed & RW_BOOK_TRADE && event.printable;
        assert_true(trades[i] <= (trade ? 1 : 0));
        missing += trade && !trades[i];
    }
    if (all) assert_int_equal(missing, 0);
    free(books.memory);
}

static void check_picture(struct world *world) {
    const struct rw_book *book = rw_feed_books(world->site[leads].core);
    books_equal_the_venues(book, world->venue);
    for (uint16_t i = 1; i <= SYMBOLS; i++) {
        assert_memory_equal(&picture.told[i].bbo, rw_book_bbo(book, i), sizeof(struct rw_book_bbo));
        assert_int_equal(picture.told[i].quality &
                             (RW_QUALITY_STALE | RW_QUALITY_FEED_GAP | RW_QUALITY_TAKEOVER),
                         0);
    }
    assert_int_equal(picture.quality, 0);
    assert_int_equal(rw_stat_get(&counters.input_mismatch), 0);
}

static struct world *world_of(uint64_t seed, const struct rw_feed_cfg *cfg, uint32_t loss_ppm) {
    struct world *world = world_new(seed, cfg, loss_ppm);
    begin();
    world->site[0].on_entry = of_leader;
    world->site[1].on_entry = of_follower;
    return world;
}

static void take_over(struct world *world) {
    struct rw_entry tick;
    copy(world, true);
    leads = true;
    rw_shadow_lead(shadow);
    while (rw_shadow_next(shadow, UINT64_MAX, &tick)) log_entry(&tick);
}

static void what_requests_recover_is_in_the_log_once_and_compares_equal(void **state) {
    uint64_t seed = venue_seed();
    for (uint32_t round = 0; round < 6; round++) {
        struct rw_feed_cfg cfg = feed_cfg();
        struct world *world = world_of(seed * 100 + round, &cfg, 50000);
        uint64_t dies_ns = 2 * SECOND_NS + rw_rng_below(&world->rng, 3 * SECOND_NS);
        while (world->now_ns < dies_ns) {
            step(world);
            copy(world, false);
        }
        take_over(world);
        run_to_end(world);
        check_trades(world, true);
        check_picture(world);
        assert_true(rw_stat_get(&counters.compared) > 1000);
        assert_int_equal(rw_stat_get(&counters.skipped_gap), 0);
        world_free(world);
        end();
    }
}

static void joins_at_different_messages_never_make_a_trade_twice(void **state) {
    uint64_t seed = venue_seed();
    for (uint32_t round = 0; round < 20; round++) {
        struct rw_feed_cfg cfg = feed_cfg();
        cfg.recovery.attempts = 2;
        cfg.recovery.request_max = round % 2 ? 20 : 5000;
        cfg.recovery.snapshot_attempts = 1 + round % 3;
        struct world *world = world_of(seed * 100 + round, &cfg, 50000);
        uint64_t dies_ns = SECOND_NS + rw_rng_below(&world->rng, 3 * SECOND_NS);
        uint64_t starts_ns = rw_rng_below(&world->rng, 2 * SECOND_NS);
        world->no_peer = true;
        world->site[1].listens = round % 3 != 0;
        while (world->now_ns < dies_ns) {
            step(world);
            copy(world, false);
            if (world->now_ns >= starts_ns) world->site[1].listens = true;
            if (rw_rng_chance(&world->rng, 1, 500))
                rw_venue_requests_behave(world->requests, (enum rw_venue_manner)rw_rng_below(
                                                              &world->rng, RW_VENUE_MANNERS));
            if (rw_rng_chance(&world->rng, 1, 500)) world->snapshots_down = !world->snapshots_down;
        }
        take_over(world);
        world->site[1].listens = true;
        while (world->now_ns < 3 * SECOND_NS + SECOND_NS / 2) {
            step(world);
            if (rw_rng_chance(&world->rng, 1, 500)) world->snapshots_down = !world->snapshots_down;
        }
        world->snapshots_down = false;
        rw_venue_requests_behave(world->requests, RW_VENUE_FINE);
        run_to_end(world);
        check_trades(world, false);
        check_picture(world);
        world_free(world);
        end();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_requests_recover_is_in_the_log_once_and_compares_equal),
        cmocka_unit_test(joins_at_different_messages_never_make_a_trade_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
