/* Overload, in virtual time: a simulated market sends ten times more than the cores behind the
 * sequencer can take, or these stand still for half a second, or their leader dies meanwhile. No
 * frame is lost, the books are exact, every trade arrives once and in order, and no quote that risk
 * sees is older than a round of the instruments. Nobody helps.
 *
 *   market ─► packets ─► lines A and B of both sites          leader's log ─► follower
 *      └────► truth: the same packets through a feed_core that always has room */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/moldudp64.h"
#include "dataplane/nic/udp.h"
#include "refdata/compile.h"
#include "tests/sim/overload_site.h"
#include "tools/riskwire/book_csv.h"
#include "tools/riskwire/gen_market.h"
#include "tools/riskwire/gen_refs.h"

#define SYMBOLS         2000u
#define COST_NS         5000u /* of a log entry behind the sequencer: 200,000 a second */
#define STEP_NS         10000u
#define MS              UINT64_C(1000000)
#define PACKET_MESSAGES 25u
#define LOG_MAX         2000000u
/* What a quote waits at most: a round of all instruments, of which the queue has every fourth
 * slot, and what is in the links. */
#define ROUND_NS (SYMBOLS * COST_NS * 4 / 3)
#define LINKS_NS (2 * OVERLOAD_LINK_DEPTH * COST_NS)

static const char SESSION[RW_MOLD_SESSION_BYTES] = "OVERLOAD01";

/* What the venue said, as one feed with endless room tells it. */
struct truth {
    void *memory;
    struct rw_feed_core *core;
    struct rw_feed_counters feed;
    struct rw_book_counters book;
    struct rw_channel_counters channel;
    struct rw_line_counters line;
    struct rw_entry *entry; /* all of them */
    uint32_t count;
    uint32_t *state_of;      /* [count]: the entry that last changed the BBO of its locate */
    uint64_t *superseded_ns; /* [count]: when a state stopped to be the newest; UINT64_MAX = is */
    uint32_t newest[RW_FEED_LOCATES];
    uint32_t *entry_at; /* by venue sequence: its first entry */
};

struct world {
    char dir[32];
    struct rw_image *image;
    struct rw_gen_market *market;
    struct truth truth;
    struct overload_log log;
    struct overload_site *site[2];
    uint32_t leader;
    uint32_t messages;
    uint64_t now_ns, sequence;
    int64_t owed; /* entries due, × 10^9 */
    bool ended;
    /* what risk of the leader has seen */
    uint32_t seen;      /* log entries */
    uint64_t oldest_ns; /* for how long a state had been superseded when risk saw it */
};

/* ---- setting up */

static void make_truth(struct truth *truth, uint32_t messages) {
    struct rw_feed_cfg cfg = {.channel = OVERLOAD_CHANNEL,
                              .line = {.venue = rw_venue_named("itch50"),
                                       .lines = 1,
                                       .first_sequence = 1,
                                       .reorder_packets = 1,
                                       .packet_bytes = RW_FRAME_PAYLOAD_BYTES},
                              .books.book = {.orders_max = 1u << 20, .levels_max = 1u << 19}};
    struct rw_feed_stats stats = {.feed = &truth->feed,
                                  .books.book = &truth->book,
                                  .line = {.channel = &truth->channel, .line = {&truth->line}}};
    truth->memory = aligned_alloc(64, rw_feed_footprint(&cfg));
    truth->core = rw_feed_new(truth->memory, &cfg, &stats);
    truth->entry = calloc(2 * (size_t)messages, sizeof *truth->entry);
    truth->state_of = calloc(2 * (size_t)messages, sizeof *truth->state_of);
    truth->superseded_ns = calloc(2 * (size_t)messages, sizeof *truth->superseded_ns);
    truth->entry_at = calloc(messages + 2, sizeof *truth->entry_at);
    truth->count = 1; /* 0 stands for none */
}

static void make_image(struct world *world) {
    struct rw_gen_instrument *instruments = calloc(SYMBOLS, sizeof *instruments);
    struct rw_gen_refs_cfg cfg = {.seed = 1, .dir = world->dir, .portfolios = 20, .holders = 2};
    struct rw_gen_refs *refs;
    struct rw_gen_refs_count count;
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        struct rw_gen_symbol_info info = rw_gen_market_symbol(world->market, i);
        memcpy(instruments[i].name, info.name, sizeof info.name);
        instruments[i].locate = info.locate;
        instruments[i].start_price = info.start_price;
    }
    assert_int_equal(rw_gen_refs_open(&cfg, instruments, SYMBOLS, &refs), 0);
    assert_int_equal(rw_gen_refs_close(refs, &count), 0);
    assert_int_equal(rw_refdata_compile(world->dir, &world->image), 0);
    free(instruments);
}

static struct world *world_new(uint64_t seed, uint32_t messages) {
    struct world *world = calloc(1, sizeof *world);
    struct rw_gen_market_cfg market = {.seed = seed,
                                       .messages = messages,
                                       .symbols = SYMBOLS,
                                       .duration_ns = UINT64_C(20000000000)};
    strcpy(world->dir, "/tmp/riskwire-overload-XXXXXX");
    assert_non_null(mkdtemp(world->dir));
    world->market = rw_gen_market_new(&market);
    make_image(world);
    make_truth(&world->truth, messages);
    world->messages = messages;
    world->log = (struct overload_log){calloc(LOG_MAX, sizeof(struct rw_entry)), 0, LOG_MAX};
    world->sequence = 1;
    for (uint8_t i = 0; i < 2; i++) {
        struct overload_cfg cfg = {world->image, messages / 8, COST_NS, i};
        world->site[i] = calloc(1, sizeof *world->site[i]);
        overload_site_new(world->site[i], &cfg);
    }
    overload_site_role(world->site[0], 1, RW_ROLE_LEAD, 1);
    overload_site_role(world->site[1], 1, RW_ROLE_FOLLOW, 0);
    return world;
}

static void world_free(struct world *world) {
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", world->dir);
    assert_int_equal(system(command), 0);
    for (int i = 0; i < 2; i++) {
        overload_site_free(world->site[i]);
        free(world->site[i]);
    }
    struct truth *truth = &world->truth;
    void *blocks[] = {truth->memory,   truth->entry, truth->state_of, truth->superseded_ns,
                      truth->entry_at, world->image, world->log.slot};
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) free(blocks[i]);
    rw_gen_market_free(world->market);
    free(world);
}

/* ---- the venue */

static struct rw_tick_body body_of(const struct rw_entry *entry) {
    struct rw_tick_body body;
    memcpy(&body, entry->body, sizeof body);
    return body;
}

static bool is_state(const struct rw_entry *entry) {
    return entry->type == RW_ENTRY_TICK && body_of(entry).kind == RW_TICK_BBO;
}

/* note_truth takes a packet's entries down; returns how many there are. */
static uint32_t note_truth(struct world *world, const struct rw_frame *frame) {
    struct truth *truth = &world->truth;
    struct rw_entry out[RW_FEED_FAN_OUT];
    uint32_t count, before = truth->count;
    rw_feed_frame(truth->core, frame);
    while (rw_feed_step(truth->core, out, &count)) {
        for (uint32_t i = 0; i < count; i++) {
            uint32_t at = truth->count++, *newest = &truth->newest[out[i].instrument];
            uint64_t sequence = body_of(&out[i]).venue_sequence;
            truth->entry[at] = out[i];
            if (out[i].type != RW_ENTRY_TICK) continue;
            if (truth->entry_at[sequence] == 0) truth->entry_at[sequence] = at;
            truth->superseded_ns[at] = UINT64_MAX;
            if (is_state(&out[i])) {
                truth->superseded_ns[*newest] = world->now_ns;
                *newest = at;
            }
            truth->state_of[at] = *newest;
        }
    }
    return truth->count - before;
}

static void send_frame(struct world *world, struct rw_frame *frame) {
    uint8_t bytes[RW_FRAME_SLOT_BYTES + RW_UDP_HEADERS_BYTES];
    struct rw_udp udp = {.source = 0x0A000001,
                         .destination = OVERLOAD_GROUP,
                         .source_port = 5000,
                         .destination_port = OVERLOAD_PORT,
                         .bytes = frame->bytes,
                         .payload = frame->payload};
    uint32_t count = (uint32_t)rw_udp_build(&udp, bytes);
    for (int i = 0; i < 2; i++)
        for (uint32_t line = 0; line < 2; line++)
            rw_nic_mem_feed(world->site[i]->nic, line, 0, bytes, count, 0);
}

/* send_packet sends the next messages on both lines to both sites; returns how many entries they
 * give. At the end of the market it sends the end of the session. */
static uint32_t send_packet(struct world *world) {
    _Alignas(64) uint8_t slot[RW_FRAME_SLOT_BYTES];
    struct rw_frame *frame = (void *)slot;
    struct rw_mold_writer writer;
    struct rw_gen_message message;
    rw_mold_begin(&writer, frame->payload, RW_FRAME_PAYLOAD_BYTES, SESSION, world->sequence);
    while (writer.count < PACKET_MESSAGES && rw_gen_market_next(world->market, &message))
        assert_true(rw_mold_add(&writer, message.message, (uint16_t)message.bytes));
    *frame = (struct rw_frame){.arrival_ns = world->now_ns,
                               .now_ns = world->now_ns,
                               .channel = OVERLOAD_CHANNEL,
                               .bytes = (uint16_t)rw_mold_end(&writer)};
    if (writer.count == 0) {
        frame->bytes = (uint16_t)rw_mold_end_of_session(frame->payload, SESSION, world->sequence);
        world->ended = true;
    }
    world->sequence += writer.count;
    send_frame(world, frame);
    return note_truth(world, frame);
}

/* ---- time */

/* look_at_log looks at the quotes that the leader's risk has applied since the last look. */
static void look_at_log(struct world *world) {
    const struct truth *truth = &world->truth;
    uint64_t applied = overload_site_applied(world->site[world->leader]);
    if (applied > world->log.count) applied = world->log.count; /* repl has not looked yet */
    for (; world->seen < applied; world->seen++) {
        const struct rw_entry *entry = &world->log.slot[world->seen];
        if (!is_state(entry)) continue;
        uint32_t at = truth->entry_at[body_of(entry).venue_sequence];
        while (!is_state(&truth->entry[at])) at++;
        if (truth->superseded_ns[at] >= world->now_ns) continue;
        uint64_t age = world->now_ns - truth->superseded_ns[at];
        if (age > world->oldest_ns) world->oldest_ns = age;
    }
}

/* pass lets time pass while the venue makes `per_second` entries a second. */
static void pass(struct world *world, uint64_t ns, uint64_t per_second) {
    for (uint64_t end = world->now_ns + ns; world->now_ns < end; world->now_ns += STEP_NS) {
        world->owed += (int64_t)(per_second * STEP_NS);
        while (world->owed >= 1000000000 && !world->ended)
            world->owed -= (int64_t)send_packet(world) * 1000000000;
        for (uint32_t i = 0; i < 2; i++)
            overload_site_step(world->site[i ^ world->leader], &world->log, world->now_ns, STEP_NS);
        look_at_log(world);
    }
}

#define CAPACITY (UINT64_C(1000000000) / COST_NS)

static uint64_t stat(const struct world *world, uint32_t site, const char *block,
                     const char *name) {
    return overload_site_stat(world->site[site], block, name);
}

static uint64_t output(const struct world *world, uint32_t site, const char *name) {
    rw_feed_stage_type.housekeep(world->site[site]->feed, world->now_ns);
    return stat(world, site, "feed output", name);
}

/* finish sends the rest of the market at an easy pace and waits until all is applied. */
static void finish(struct world *world) {
    while (!world->ended) pass(world, 10 * MS, CAPACITY * 6 / 10);
    for (uint32_t i = 0; i < 1000 && world->log.slot[world->log.count - 1].type != RW_ENTRY_SESSION;
         i++)
        pass(world, MS, 0);
    pass(world, 20 * MS, 0);
}

/* ---- checks */

static void check_line(struct world *world, uint32_t i) {
    struct overload_site *site = world->site[i];
    for (uint32_t port = 0; port < 2; port++) {
        char block[32];
        snprintf(block, sizeof block, "rx port%u", port);
        assert_int_equal(stat(world, i, block, "no_room"), 0);
        assert_int_equal(stat(world, i, block, "received"), stat(world, i, block, "delivered"));
        assert_int_equal(rw_nic_mem_waiting(site->nic, port), 0);
    }
    assert_true(site->nic_waiting_max <= 64); /* what one visit takes */
    assert_int_equal(stat(world, i, "feed channel 7", "delivered"), world->messages);
    assert_int_equal(stat(world, i, "feed channel 7", "gaps"), 0);
    assert_int_equal(stat(world, i, "feed channel 7", "held_max"), 0);
    assert_int_equal(stat(world, i, "feed", "channel_changes"), 0);
}

static void check_books(struct world *world, uint32_t i) {
    char *text[2] = {NULL, NULL};
    size_t bytes[2];
    FILE *file[2];
    for (int k = 0; k < 2; k++) file[k] = open_memstream(&text[k], &bytes[k]);
    rw_gen_market_truth(world->market, file[0]);
    rw_book_csv(file[1], rw_feed_books(rw_feed_stage_core(world->site[i]->feed)), NULL, 0);
    for (int k = 0; k < 2; k++) fclose(file[k]);
    assert_true(bytes[0] > 100000);
    assert_int_equal(bytes[0], bytes[1]);
    assert_memory_equal(text[0], text[1], bytes[0]);
    for (int k = 0; k < 2; k++) free(text[k]);
}

static void check_output(struct world *world, uint32_t i) {
    uint64_t taken = output(world, i, "taken");
    assert_int_equal(taken, world->truth.count - 1);
    assert_int_equal(output(world, i, "waiting"), 0);
    assert_int_equal(output(world, i, "queue_full"), 0);
    assert_int_equal(taken, output(world, i, "sent") + output(world, i, "conflated"));
}

/* check_log: every event of the venue is in the log, once and in order, and the last word on each
 * instrument is the venue's. Without a take-over the quotes are in order, too. */
static void check_log(const struct world *world, bool took_over) {
    const struct truth *truth = &world->truth;
    static uint64_t told[RW_FEED_LOCATES];
    uint32_t at = 1;
    uint64_t position = 0;
    memset(told, 0, sizeof told);
    for (uint32_t i = 0; i < world->log.count; i++) {
        const struct rw_entry *entry = &world->log.slot[i];
        assert_int_equal(entry->sequence, i + 1);
        if (entry->type != RW_ENTRY_TICK) continue;
        struct rw_tick_body body = body_of(entry);
        if (body.kind == RW_TICK_CHANNEL) continue;
        told[entry->instrument] = (uint64_t)(uint32_t)body.bid_price << 32 | body.bid_quantity;
        if (body.kind == RW_TICK_BBO) {
            assert_true(took_over || body.venue_sequence > position);
            position = body.venue_sequence;
            continue;
        }
        while (truth->entry[at].type != RW_ENTRY_TICK || is_state(&truth->entry[at])) at++;
        assert_true(at < truth->count);
        struct rw_tick_body wanted = body_of(&truth->entry[at++]);
        assert_int_equal(body.venue_sequence, wanted.venue_sequence);
        assert_int_equal(body.index, wanted.index);
        assert_int_equal(body.last_price, wanted.last_price);
    }
    for (; at < truth->count; at++)
        assert_true(truth->entry[at].type != RW_ENTRY_TICK || is_state(&truth->entry[at]));
    uint32_t quoted = 0;
    for (uint32_t locate = 1; locate <= SYMBOLS; locate++) {
        if (truth->newest[locate] == 0) continue;
        struct rw_tick_body body = body_of(&truth->entry[truth->newest[locate]]);
        /* an instrument's index is its row, which gen writes in the order of locates */
        assert_int_equal(told[locate],
                         (uint64_t)(uint32_t)body.bid_price << 32 | body.bid_quantity);
        quoted++;
    }
    assert_true(quoted > SYMBOLS / 2);
}

static void check_both_sites(struct world *world) {
    uint64_t n = world->log.count, hash[2][2];
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(overload_site_applied(world->site[i]), n);
        assert_true(
            rw_seq_ring_get(&world->site[i]->watermarks->hash, n, &hash[i][0], &hash[i][1]));
    }
    assert_memory_equal(hash[0], hash[1], sizeof hash[0]);
    assert_int_equal(stat(world, 1, "shadow channel 7", "input_mismatch"), 0);
    assert_true(stat(world, 1, "shadow channel 7", "compared") > 10000);
}

static void check_all(struct world *world) {
    for (uint32_t i = 0; i < 2; i++) {
        check_line(world, i);
        check_books(world, i);
        check_output(world, i);
    }
    check_log(world, false);
    check_both_sites(world);
}

/* recover lets time pass at an easy pace until nothing waits any more. */
static void recover(struct world *world) {
    uint64_t began = world->now_ns;
    for (int i = 0; i < 1000 && output(world, world->leader, "waiting") > 0; i++)
        pass(world, MS, CAPACITY * 6 / 10);
    print_message("recovered within %.0f ms, %llu were queued; oldest quote %.1f ms\n",
                  (double)(world->now_ns - began) / 1e6,
                  (unsigned long long)output(world, world->leader, "queued_max"),
                  (double)world->oldest_ns / 1e6);
    assert_int_equal(output(world, world->leader, "waiting"), 0);
    pass(world, 4 * LINKS_NS, CAPACITY * 6 / 10);
}

/* recover_quotes: after two rounds the quotes are fresh again, while trades still catch up. */
static void recover_quotes(struct world *world) {
    pass(world, 2 * ROUND_NS + LINKS_NS, CAPACITY * 6 / 10);
    world->oldest_ns = 0;
    recover(world);
    assert_true(world->oldest_ns <= LINKS_NS + 2 * MS);
}

/* ---- the facts */

static void ten_times_the_capacity_for_100_ms_is_survived(void **state) {
    struct world *world = world_new(1, 1300000);
    const struct overload_site *leader = world->site[0];
    world->site[1]->sequencer_budget = 4; /* the follower's feed has little room, too */
    pass(world, 150 * MS, CAPACITY * 6 / 10);
    assert_int_equal(output(world, 0, "conflated"), 0);
    assert_int_equal(leader->conflated_records, 0);
    pass(world, 100 * MS, 10 * CAPACITY);
    print_message("oldest quote %.1f ms, %llu of %u ticks conflated; a round is at most %.1f ms, "
                  "the links %.1f ms\n",
                  (double)world->oldest_ns / 1e6, (unsigned long long)output(world, 0, "conflated"),
                  world->truth.count - 1, ROUND_NS / 1e6, LINKS_NS / 1e6);
    assert_true(output(world, 0, "conflated") > CAPACITY / 2);
    assert_true(world->oldest_ns <= ROUND_NS + LINKS_NS + 2 * STEP_NS);
    recover_quotes(world);
    uint64_t conflated = output(world, 0, "conflated"), records = leader->conflated_records;
    assert_true(records > 1000);
    finish(world);
    assert_int_equal(output(world, 0, "conflated"), conflated); /* it has recovered for good */
    assert_int_equal(leader->conflated_records, records);
    check_all(world);
    assert_true(stat(world, 1, "shadow channel 7", "skipped_conflated") > 100);
    world_free(world);
}

/* The sequencer cannot go on for half a second, for instance because the journal is behind. */
static void a_stall_of_500_ms_behind_the_sequencer_is_survived(void **state) {
    struct world *world = world_new(2, 600000);
    pass(world, 150 * MS, CAPACITY * 6 / 10);
    world->site[0]->repl_stalled = true;
    pass(world, 500 * MS, CAPACITY * 6 / 10);
    uint32_t logged = world->log.count;
    assert_true(output(world, 0, "conflated") > 0);
    assert_true(output(world, 0, "waiting") < CAPACITY * 6 / 10 / 2);
    world->site[0]->repl_stalled = false;
    pass(world, 10 * MS, CAPACITY * 6 / 10);
    assert_true(world->log.count > logged);
    recover_quotes(world);
    uint64_t conflated = output(world, 0, "conflated");
    finish(world);
    assert_int_equal(output(world, 0, "conflated"), conflated);
    check_all(world);
    world_free(world);
}

/* The leader dies in the middle of it; what the follower holds is the log, and it leads on. */
static void a_take_over_under_overload_logs_every_trade_once(void **state) {
    for (uint64_t seed = 3; seed < 6; seed++) {
        struct world *world = world_new(seed, 800000);
        world->site[1]->sequencer_budget = seed == 4 ? 4 : 0;
        pass(world, 100 * MS, CAPACITY * 6 / 10);
        pass(world, 15 * MS * (seed - 2), 10 * CAPACITY);
        struct overload_site *heir = world->site[1];
        assert_true(heir->copied > 0 && heir->copied <= world->log.count);
        world->log.count = heir->copied;
        world->site[0]->dead = true;
        world->leader = 1;
        overload_site_role(heir, 2, RW_ROLE_LEAD, heir->copied + 1);
        heir->sequencer_budget = 0;
        world->seen = heir->copied;
        pass(world, 30 * MS, 10 * CAPACITY);
        assert_true(output(world, 1, "conflated") > 0);
        recover(world);
        finish(world);
        check_line(world, 1);
        check_books(world, 1);
        check_output(world, 1);
        check_log(world, true);
        assert_int_equal(stat(world, 1, "enrich", "takeovers"), 1);
        assert_int_equal(stat(world, 1, "shadow channel 7", "input_mismatch"), 0);
        assert_int_equal(stat(world, 1, "shadow channel 7", "trades_dropped"), 0);
        world_free(world);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_times_the_capacity_for_100_ms_is_survived),
        cmocka_unit_test(a_stall_of_500_ms_behind_the_sequencer_is_survived),
        cmocka_unit_test(a_take_over_under_overload_logs_every_trade_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
