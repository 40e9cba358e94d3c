/* A channel that loses packets on both lines, servers that answer, lag, die and lie, and a snapshot
 * server, in virtual time: random worlds first, then the rules one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/rng.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/moldudp64.h"
#include "dataplane/feed/recovery_core.h"

#define MS           UINT64_C(1000000)
#define TICK_NS      UINT64_C(50000)
#define PACKET_BYTES 1472
#define EVENTS_MAX   65536u
#define FROM_SERVER  100u /* source of an event: line, or this + server */
#define FOR_EVER     UINT64_MAX

static const char SESSION[RW_MOLD_SESSION_BYTES] = "2311210001", OTHER[] = "2311210002";

enum manner { FINE, SLOW, DEAD, SHORT, SEVERAL, LYING, REFUSING };

struct model {
    enum manner manner;
    uint64_t until_ns; /* of the manner; FINE afterwards */
    uint32_t requests, asked_twice;
};

struct event {
    uint64_t at_ns;
    uint32_t source;
    uint16_t bytes;
    uint8_t packet[PACKET_BYTES];
};

struct world {
    struct rw_rng rng;
    uint64_t now_ns, published, total, next; /* next: of the message handed on next */
    struct rw_line_cfg line_cfg;
    struct rw_recovery_cfg cfg;
    struct rw_channel_counters channel;
    struct rw_line_counters line[2];
    struct rw_answer_counters answers[RW_LINE_SERVERS_MAX];
    struct rw_recovery_counters counters;
    struct rw_request_counters requests[RW_LINE_SERVERS_MAX];
    struct model server[RW_LINE_SERVERS_MAX];
    struct rw_line_core *lines;
    struct rw_recovery *recovery;
    /* the snapshot server: takes so long, and fails so often first */
    uint64_t snapshot, snapshot_due_ns, snapshot_takes_ns, snapshot_lags;
    uint32_t snapshot_failures;
    bool snapshot_silent;
    uint64_t joined, lost, asked_for_held;
    bool ended;
    uint8_t *there; /* by sequence: came from somewhere */
    struct event *event[EVENTS_MAX];
    uint32_t events;
};

static struct world *world_new(uint64_t seed, uint32_t servers, bool snapshot) {
    struct world *world = calloc(1, sizeof *world);
    rw_rng_seed(&world->rng, seed);
    world->now_ns = 1000 * MS;
    world->next = 1;
    world->snapshot_takes_ns = 3 * MS;
    world->line_cfg = (struct rw_line_cfg){.venue = &rw_itch50_venue,
                                           .gap_timer_ns = MS,
                                           .first_sequence = 1,
                                           .reorder_packets = 4096,
                                           .packet_bytes = PACKET_BYTES,
                                           .session_switch_packets = 64,
                                           .jump_packets = 8,
                                           .lines = 2,
                                           .servers = (uint8_t)servers,
                                           .recovers = true};
    world->cfg = (struct rw_recovery_cfg){.servers = servers,
                                          .snapshot = snapshot,
                                          .outstanding = 8,
                                          .request_messages = 200,
                                          .request_max = 50000,
                                          .attempts = 10,
                                          .timeout_ns = 20 * MS,
                                          .snapshot_attempts = 3,
                                          .snapshot_timeout_ns = 100 * MS,
                                          .snapshot_retry_ns = 200 * MS};
    return world;
}

static void world_begin(struct world *world, uint64_t total) {
    struct rw_line_stats lines = {.channel = &world->channel,
                                  .line = {&world->line[0], &world->line[1]}};
    struct rw_recovery_stats stats = {.recovery = &world->counters};
    for (uint32_t i = 0; i < RW_LINE_SERVERS_MAX; i++) {
        lines.server[i] = &world->answers[i];
        stats.server[i] = &world->requests[i];
    }
    world->total = total;
    world->there = calloc(total + 2, 1);
    world->lines = rw_line_new(aligned_alloc(64, rw_line_footprint(&world->line_cfg)),
                               &world->line_cfg, &lines);
    world->recovery =
        rw_recovery_new(aligned_alloc(64, rw_recovery_footprint()), &world->cfg, &stats);
}

static void world_free(struct world *world) {
    for (uint32_t i = 0; i < world->events; i++) free(world->event[i]);
    free(world->lines);
    free(world->recovery);
    free(world->there);
    free(world);
}

static uint64_t count_of(const rw_stat *cell) { return rw_stat_get(cell); }

static void check(const struct world *world) {
    uint64_t recovered = 0;
    for (uint32_t i = 0; i < world->cfg.servers; i++)
        recovered += count_of(&world->answers[i].delivered);
    assert_int_equal(rw_channel_balance(&world->channel), 0);
    assert_int_equal(recovered, count_of(&world->channel.recovered));
}

/* ---- Events: a heap by time ------------------------------------------------------------------ */

static void later(struct world *world, uint64_t at_ns, uint32_t source, const void *packet,
                  size_t bytes) {
    struct event *event = malloc(sizeof *event);
    *event = (struct event){.at_ns = at_ns, .source = source, .bytes = (uint16_t)bytes};
    memcpy(event->packet, packet, bytes);
    assert_true(world->events < EVENTS_MAX);
    uint32_t at = world->events++;
    for (; at > 0 && world->event[(at - 1) / 2]->at_ns > at_ns; at = (at - 1) / 2)
        world->event[at] = world->event[(at - 1) / 2];
    world->event[at] = event;
}

static struct event *earliest(struct world *world) {
    struct event *first = world->event[0], *last = world->event[--world->events];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= world->events) break;
        if (child + 1 < world->events &&
            world->event[child + 1]->at_ns < world->event[child]->at_ns)
            child++;
        if (world->event[child]->at_ns >= last->at_ns) break;
        world->event[at] = world->event[child];
        at = child;
    }
    world->event[at] = last;
    return first;
}

static size_t write_packet(uint8_t *packet, const char *session, uint64_t sequence,
                           uint64_t count) {
    struct rw_mold_writer writer;
    rw_mold_begin(&writer, packet, PACKET_BYTES, session, sequence);
    for (uint64_t i = 0; i < count; i++) {
        uint8_t message[24] = {0};
        rw_store_be64(message, sequence + i);
        if (!rw_mold_add(&writer, message, sizeof message)) break;
    }
    return rw_mold_end(&writer);
}

/* publish lets the venue send `count` messages, each packet lost on a line with loss / 1000. */
static void publish(struct world *world, uint32_t count, uint32_t loss) {
    uint8_t packet[PACKET_BYTES];
    size_t bytes = write_packet(packet, SESSION, world->published + 1, count);
    for (uint32_t line = 0; line < 2; line++) {
        uint64_t at = world->now_ns + rw_rng_below(&world->rng, MS / 2);
        if (rw_rng_chance(&world->rng, loss, 1000)) continue;
        later(world, at, line, packet, bytes);
        if (rw_rng_chance(&world->rng, 2, 100)) later(world, at + MS / 4, line, packet, bytes);
    }
    world->published += count;
}

/* beat tells both lines what the next sequence is; end that there will be none. */
static void beat(struct world *world, bool end) {
    uint8_t packet[PACKET_BYTES];
    size_t bytes = end ? rw_mold_end_of_session(packet, SESSION, world->published + 1)
                       : write_packet(packet, SESSION, world->published + 1, 0);
    for (uint32_t line = 0; line < 2; line++) later(world, world->now_ns + MS, line, packet, bytes);
}

/* ---- The servers ----------------------------------------------------------------------------- */

static void lie(struct world *world, uint32_t server, const struct rw_line_range *range) {
    uint8_t packet[PACKET_BYTES];
    size_t bytes = 0;
    switch (rw_rng_below(&world->rng, 6)) {
    case 0:
        bytes = write_packet(packet, OTHER, range->from, 5);
        break;
    case 1: /* far ahead */
        bytes = write_packet(packet, SESSION, range->from + (UINT64_C(1) << 40), 5);
        break;
    case 2: /* promises more than there is */
        bytes = write_packet(packet, SESSION, range->from, 1);
        rw_store_be16(packet + 18, 65000);
        break;
    case 3: /* what was not asked for */
        bytes = write_packet(packet, SESSION, range->from > 50 ? range->from - 50 : 1, 3);
        break;
    case 4:
        bytes = rw_mold_end_of_session(packet, SESSION, range->from + 3);
        break;
    default:
        bytes = 7;
        memset(packet, 0x5a, bytes);
        break;
    }
    later(world, world->now_ns + MS / 10, FROM_SERVER + server, packet, bytes);
}

/* answer writes `range`, at most `most` messages of it, into as many packets as the manner has. */
static void answer(struct world *world, uint32_t server, struct rw_line_range range, uint64_t most,
                   uint64_t delay_ns) {
    uint8_t packet[PACKET_BYTES];
    enum manner manner = world->server[server].manner;
    if (range.to > world->published + 1) range.to = world->published + 1;
    if (range.to - range.from > most) range.to = range.from + most;
    for (uint32_t i = 0; range.from < range.to && (i == 0 || manner == SEVERAL); i++) {
        uint64_t part = range.to - range.from < 50 ? range.to - range.from : 50;
        size_t bytes = write_packet(packet, SESSION, range.from, part);
        later(world, world->now_ns + delay_ns + i * 20000, FROM_SERVER + server, packet, bytes);
        range.from += part;
    }
}

static void serve(struct world *world, uint32_t server, const struct rw_line_range *range) {
    struct model *model = &world->server[server];
    uint8_t packet[PACKET_BYTES];
    model->requests++;
    if (world->now_ns >= model->until_ns) model->manner = FINE;
    switch (model->manner) {
    case DEAD:
        return;
    case LYING:
        if (rw_rng_chance(&world->rng, 4, 5)) return lie(world, server, range);
        break;
    case REFUSING:
        later(world, world->now_ns + MS / 10, FROM_SERVER + server, packet,
              write_packet(packet, SESSION, range->from, 0));
        return;
    case SLOW:
        return answer(world, server, *range, 50, 30 * MS);
    case SHORT:
        return answer(world, server, *range, 3, MS / 10);
    default:
        break;
    }
    if (rw_rng_chance(&world->rng, 1, 20)) return; /* lost on the way */
    answer(world, server, *range, UINT64_MAX, MS / 10);
}

/* ---- The channel, driven as the feed does ---------------------------------------------------- */

static void take(struct world *world, enum rw_line_event event, const struct rw_line_out *out) {
    uint64_t sequence = out->sequence & RW_LINE_SEQUENCE_MAX;
    assert_false(world->ended);
    if (event == RW_LINE_MESSAGE) {
        assert_int_equal(sequence, world->next);
        assert_int_equal(rw_load_be64(out->bytes), sequence);
        world->next++;
    } else if (event == RW_LINE_GAP) {
        assert_int_equal(sequence, world->next);
        world->next += out->missing;
        world->lost += out->missing;
    } else if (event == RW_LINE_END) {
        world->ended = true;
    }
}

static void act(struct world *world, const struct rw_recovery_act *act) {
    switch (act->kind) {
    case RW_RECOVERY_ASK: {
        bool is_probe = count_of(&world->requests[act->server].silent) > 0;
        for (uint64_t i = act->range.from; i < act->range.to && i <= world->total; i++)
            world->asked_for_held += world->there[i] && !is_probe;
        assert_true(act->range.to - act->range.from <= world->cfg.request_messages);
        serve(world, act->server, &act->range);
        break;
    }
    case RW_RECOVERY_GIVE_UP:
        rw_line_give_up(world->lines);
        break;
    case RW_RECOVERY_SNAPSHOT:
        rw_line_hold(world->lines);
        world->snapshot = act->snapshot;
        world->snapshot_due_ns = world->now_ns + world->snapshot_takes_ns;
        if (world->snapshot_silent) world->snapshot_due_ns = FOR_EVER;
        break;
    case RW_RECOVERY_ABANDON:
        assert_int_equal(act->snapshot, world->snapshot);
        world->snapshot_due_ns = FOR_EVER;
        break;
    case RW_RECOVERY_RELEASE:
        rw_line_release(world->lines);
        break;
    default:
        fail();
    }
}

static void snapshot(struct world *world) {
    if (world->snapshot == 0 || world->now_ns < world->snapshot_due_ns) return;
    world->snapshot_due_ns = FOR_EVER;
    uint64_t next = world->published + 1 - world->snapshot_lags;
    if (world->snapshot_failures > 0) {
        world->snapshot_failures--;
        assert_true(rw_recovery_failed(world->recovery, world->snapshot, false, world->now_ns));
    } else if (next < rw_line_expected(world->lines) ||
               (next == rw_line_expected(world->lines) && rw_line_is_due(world->lines))) {
        assert_true(rw_recovery_failed(world->recovery, world->snapshot, true, world->now_ns));
    } else {
        assert_true(rw_recovery_loading(world->recovery, world->snapshot, world->now_ns));
        assert_true(rw_recovery_joined(world->recovery, world->snapshot));
        world->joined += next - world->next;
        world->next = next;
        rw_line_join(world->lines, next);
    }
}

static void drain(struct world *world) {
    struct rw_line_out out;
    struct rw_recovery_act next;
    enum rw_line_event event;
    for (uint32_t turns = 0;; turns++) {
        assert_true(turns < 1000000);
        while ((event = rw_line_next(world->lines, &out)) != RW_LINE_NONE) take(world, event, &out);
        if (!rw_recovery_next(world->recovery, world->lines, world->now_ns, &next)) break;
        act(world, &next);
    }
    check(world);
}

static void mark_there(struct world *world, const struct event *event) {
    struct rw_packet packet;
    struct rw_block block;
    if (rw_mold_decode(event->packet, event->bytes, &packet) != RW_PACKET_FINE) return;
    if (memcmp(packet.session, SESSION, sizeof packet.session) != 0) return;
    while (rw_blocks_next(&packet.blocks, &block))
        if (block.sequence <= world->published) world->there[block.sequence] = 1;
}

static void deliver(struct world *world, const struct event *event) {
    struct rw_line_range range = {0};
    if (event->source < 2) {
        rw_line_packet(world->lines, event->source, event->packet, event->bytes, world->now_ns,
                       world->now_ns);
    } else {
        uint32_t server = event->source - FROM_SERVER;
        rw_recovery_answer(world->recovery, server,
                           rw_line_answer(world->lines, server, event->packet, event->bytes,
                                          world->now_ns, world->now_ns, &range),
                           &range, world->now_ns);
    }
    mark_there(world, event);
}

static void run_until(struct world *world, uint64_t to_ns) {
    while (world->now_ns < to_ns) {
        world->now_ns += TICK_NS;
        while (world->events > 0 && world->event[0]->at_ns <= world->now_ns) {
            struct event *event = earliest(world);
            deliver(world, event);
            drain(world);
            free(event);
        }
        rw_line_now(world->lines, world->now_ns);
        drain(world);
        snapshot(world);
        drain(world);
    }
}

static void run(struct world *world, uint64_t ns) { run_until(world, world->now_ns + ns); }

/* day plays a session in which packets get lost, to its end. */
static void day(struct world *world, uint32_t loss) {
    while (world->published < world->total) {
        uint64_t left = world->total - world->published, count = 1 + rw_rng_below(&world->rng, 40);
        publish(world, (uint32_t)(count < left ? count : left), loss);
        run(world, rw_rng_below(&world->rng, 3) * 100000);
        if (rw_rng_chance(&world->rng, 1, 100)) beat(world, false);
    }
    for (uint32_t i = 0; i < 2000 && !world->ended; i++) {
        beat(world, true);
        run(world, 10 * MS);
    }
    assert_true(world->ended);
    assert_int_equal(world->next, world->total + 1);
    assert_int_equal(count_of(&world->channel.in_flight), 0);
    assert_int_equal(rw_channel_passed_balance(&world->channel), 0);
    assert_int_equal(count_of(&world->channel.gap_messages), world->lost);
    assert_int_equal(count_of(&world->channel.snapshot_messages), world->joined);
}

static uint64_t seed_of(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    print_message("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void every_message_is_had_once_while_one_server_answers_at_last(void **state) {
    uint64_t seed = seed_of(), recovered = 0;
    for (uint32_t round = 0; round < 60; round++) {
        struct world *world = world_new(seed * 1000 + round, 1 + round % 3, false);
        world->cfg.attempts = 1000; /* nobody gives up */
        for (uint32_t i = 0; i < world->cfg.servers; i++) {
            world->server[i].manner = (enum manner)rw_rng_below(&world->rng, 7);
            world->server[i].until_ns = world->now_ns + rw_rng_below(&world->rng, 400) * MS;
        }
        world_begin(world, 20000);
        day(world, round % 2 ? 50 : 300);
        assert_int_equal(world->lost, 0);
        assert_int_equal(count_of(&world->channel.delivered), world->total);
        assert_int_equal(world->asked_for_held, 0);
        recovered += count_of(&world->channel.recovered);
        world_free(world);
    }
    assert_true(recovered > 10000);
}

static void what_no_server_has_is_joined_by_snapshot_and_adds_up(void **state) {
    uint64_t seed = seed_of();
    for (uint32_t round = 0; round < 60; round++) {
        struct world *world = world_new(seed * 1000 + round, round % 3, true);
        world->cfg.attempts = 4;
        world->snapshot_failures = (uint32_t)rw_rng_below(&world->rng, 6);
        world->snapshot_takes_ns = (1 + rw_rng_below(&world->rng, 20)) * MS;
        world->line_cfg.reorder_packets = round % 2 ? 64 : 4096;
        for (uint32_t i = 0; i < world->cfg.servers; i++) {
            world->server[i].manner = (enum manner)rw_rng_below(&world->rng, 7);
            world->server[i].until_ns = FOR_EVER;
        }
        world_begin(world, 20000);
        day(world, round % 3 ? 50 : 300);
        world_free(world);
    }
}

/* ---- Rules ----------------------------------------------------------------------------------- */

/* lose publishes messages that no line brings, and then some that one does. */
static void lose(struct world *world, uint32_t lost, uint32_t seen) {
    while (lost > 0) {
        uint32_t part = lost < 40 ? lost : 40;
        publish(world, part, 1000);
        lost -= part;
    }
    publish(world, seen, 0);
}

static void a_gap_is_asked_for_only_when_its_timer_has_run_out(void **state) {
    struct world *world = world_new(1, 1, false);
    world_begin(world, 1000);
    lose(world, 10, 10);
    run(world, MS / 2 + TICK_NS); /* the packet is there */
    assert_int_equal(rw_line_state(world->lines), RW_CHANNEL_HOLD);
    assert_int_equal(world->server[0].requests, 0);
    run(world, MS);
    assert_int_equal(world->server[0].requests, 1);
    run(world, MS);
    assert_int_equal(world->next, 21);
    assert_int_equal(rw_line_state(world->lines), RW_CHANNEL_SYNC);
    world_free(world);
}

static void what_comes_meanwhile_is_not_asked_for_again(void **state) {
    struct world *world = world_new(1, 1, false);
    uint8_t packet[PACKET_BYTES];
    world->server[0] = (struct model){.manner = DEAD, .until_ns = world->now_ns + 15 * MS};
    world_begin(world, 1000);
    lose(world, 30, 10);
    run(world, 3 * MS);
    assert_int_equal(world->server[0].requests, 1);
    later(world, world->now_ns, 1, packet, write_packet(packet, SESSION, 11, 10));
    run(world, 30 * MS);
    assert_int_equal(world->next, 41);
    assert_int_equal(world->asked_for_held, 0);
    assert_int_equal(count_of(&world->requests[0].wanted), 30 + 20);
    world_free(world);
}

static void a_request_that_a_line_fills_is_given_back(void **state) {
    struct world *world = world_new(1, 1, false);
    uint8_t packet[PACKET_BYTES];
    world->server[0] = (struct model){.manner = DEAD, .until_ns = FOR_EVER};
    world_begin(world, 1000);
    lose(world, 10, 10);
    run(world, 3 * MS);
    later(world, world->now_ns, 0, packet, write_packet(packet, SESSION, 1, 10));
    run(world, 50 * MS);
    assert_int_equal(world->next, 21);
    assert_int_equal(count_of(&world->counters.came_meanwhile), 1);
    assert_int_equal(count_of(&world->requests[0].timeouts), 0);
    world_free(world);
}

static void a_dead_server_is_passed_over_and_probed_until_it_is_back(void **state) {
    struct world *world = world_new(1, 2, false);
    world->server[0] = (struct model){.manner = DEAD, .until_ns = world->now_ns + 300 * MS};
    world_begin(world, 100000);
    for (uint32_t i = 0; i < 100; i++) {
        lose(world, 10, 10);
        run(world, 10 * MS);
    }
    assert_int_equal(world->lost, 0);
    assert_in_range(count_of(&world->requests[0].timeouts), 2, 12);
    assert_true(count_of(&world->requests[0].probes) > 0);
    assert_int_equal(count_of(&world->requests[0].silent), 0); /* back, and asked first again */
    assert_true(count_of(&world->answers[0].delivered) > 300);
    world_free(world);
}

static void a_server_that_has_nothing_is_not_waited_for(void **state) {
    struct world *world = world_new(1, 2, false);
    world->server[0] = (struct model){.manner = REFUSING, .until_ns = FOR_EVER};
    world_begin(world, 1000);
    lose(world, 10, 10);
    run(world, 4 * MS);
    assert_int_equal(world->next, 21);
    assert_int_equal(count_of(&world->requests[0].refused), 1);
    assert_int_equal(count_of(&world->requests[0].timeouts), 0);
    world_free(world);
}

static void a_server_is_asked_for_as_much_as_it_sends(void **state) {
    struct world *world = world_new(3, 1, false);
    world_begin(world, 100000);
    lose(world, 4000, 10);
    run(world, 60 * MS);
    assert_int_equal(world->next, world->published + 1);
    /* 50 fit into a packet; 80 requests are the least */
    assert_in_range(count_of(&world->requests[0].requests), 80, 140);
    world_free(world);
}

static void several_packets_for_one_request_are_let_finish(void **state) {
    struct world *world = world_new(1, 1, false);
    world->server[0] = (struct model){.manner = SEVERAL, .until_ns = FOR_EVER};
    world_begin(world, 100000);
    lose(world, 2000, 10);
    run(world, 60 * MS);
    assert_int_equal(world->next, world->published + 1);
    assert_in_range(count_of(&world->requests[0].requests), 10, 14); /* one or two get lost */
    world_free(world);
}

static void the_number_of_requests_at_once_is_bounded(void **state) {
    struct world *world = world_new(1, 1, false);
    world->server[0] = (struct model){.manner = DEAD, .until_ns = FOR_EVER};
    world->cfg.outstanding = 3;
    world_begin(world, 100000);
    lose(world, 5000, 10);
    run(world, 10 * MS);
    assert_int_equal(world->server[0].requests, 3);
    world_free(world);
}

static void a_server_that_never_sends_the_first_message_is_given_up(void **state) {
    struct world *world = world_new(1, 1, false);
    uint8_t packet[PACKET_BYTES];
    world->server[0] = (struct model){.manner = DEAD, .until_ns = FOR_EVER};
    world_begin(world, 1000);
    lose(world, 10, 10);
    for (uint32_t i = 0; i < 1000 && world->lost == 0; i++) {
        run(world, 2 * MS);
        later(world, world->now_ns, FROM_SERVER, packet, write_packet(packet, SESSION, 5, 6));
    }
    assert_int_equal(world->lost, 4);
    assert_int_equal(world->next, 21);
    assert_int_equal(world->server[0].requests, world->cfg.attempts);
    assert_int_equal(count_of(&world->counters.attempts_used_up), 1);
    assert_int_equal(rw_line_state(world->lines), RW_CHANNEL_GIVEN_UP);
    world_free(world);
}

static void too_large_a_gap_and_too_late_a_start_are_joined_by_snapshot_at_once(void **state) {
    struct world *world = world_new(1, 1, true);
    world->cfg.request_max = 100;
    world->line_cfg.first_sequence = 0;
    world_begin(world, 100000);
    lose(world, 101, 10); /* the start */
    run(world, 10 * MS);
    assert_int_equal(world->joined, 111);
    assert_int_equal(world->next, 112);
    assert_int_equal(rw_line_state(world->lines), RW_CHANNEL_SYNC);
    lose(world, 100, 10);
    run(world, 10 * MS);
    assert_int_equal(world->next, 222);
    assert_int_equal(count_of(&world->counters.snapshots), 1);
    lose(world, 101, 10);
    run(world, 10 * MS);
    assert_int_equal(world->next, 333);
    assert_int_equal(count_of(&world->counters.snapshot_joins), 2);
    assert_int_equal(world->lost, 0);
    world_free(world);
}

static void a_snapshot_that_cannot_be_had_is_tried_again_after_a_while(void **state) {
    struct world *world = world_new(1, 0, true);
    world->snapshot_failures = 3;
    world_begin(world, 100000);
    lose(world, 10, 10);
    run(world, 120 * MS);
    assert_int_equal(count_of(&world->counters.snapshots_failed), 3);
    assert_int_equal(world->lost, 10);
    assert_int_equal(world->next, 21); /* what came after the gap goes on */
    assert_int_equal(rw_line_state(world->lines), RW_CHANNEL_GIVEN_UP);
    assert_true(rw_recovery_is_broken(world->recovery));
    publish(world, 10, 0);
    run(world, 10 * MS);
    assert_int_equal(world->next, 31);
    run(world, 250 * MS);
    assert_int_equal(count_of(&world->counters.snapshot_joins), 1);
    assert_false(rw_recovery_is_broken(world->recovery));
    assert_int_equal(rw_line_state(world->lines), RW_CHANNEL_SYNC);
    world_free(world);
}

static void a_silent_snapshot_server_is_abandoned(void **state) {
    struct world *world = world_new(1, 0, true);
    world->snapshot_silent = true;
    world_begin(world, 100000);
    lose(world, 10, 10);
    run(world, 90 * MS);
    assert_int_equal(rw_line_state(world->lines), RW_CHANNEL_SNAPSHOT);
    run(world, 400 * MS);
    assert_int_equal(count_of(&world->counters.snapshots_failed), 3);
    assert_int_equal(world->next, 21);
    world_free(world);
}

static void an_old_snapshot_is_asked_for_again(void **state) {
    struct world *world = world_new(1, 0, true);
    world_begin(world, 100000);
    publish(world, 40, 0);
    run(world, 2 * MS);
    lose(world, 10, 10);
    world->snapshot_lags = 50;
    run(world, 10 * MS);
    assert_int_equal(count_of(&world->counters.snapshots_too_old), 1);
    world->snapshot_lags = 0;
    run(world, 30 * MS);
    assert_int_equal(count_of(&world->counters.snapshot_joins), 1);
    assert_int_equal(world->next, world->published + 1);
    world_free(world);
}

static void a_restart_ends_a_recovery_in_every_state(void **state) {
    for (uint32_t snapshot = 0; snapshot < 2; snapshot++) {
        struct world *world = world_new(1, 1 - snapshot, snapshot);
        struct rw_recovery_act next;
        struct rw_line_out out;
        uint8_t packet[PACKET_BYTES];
        world->server[0] = (struct model){.manner = DEAD, .until_ns = FOR_EVER};
        world->snapshot_silent = true;
        world_begin(world, 100000);
        while (world->published < 6000) {
            publish(world, 40, 0);
            run(world, MS / 10);
        }
        run(world, MS);
        lose(world, 10, 10);
        run(world, 5 * MS);
        assert_int_equal(rw_line_state(world->lines),
                         snapshot ? RW_CHANNEL_SNAPSHOT : RW_CHANNEL_REQUEST);
        rw_line_packet(world->lines, 0, packet, (uint32_t)write_packet(packet, SESSION, 1, 5),
                       world->now_ns, world->now_ns);
        assert_int_equal(rw_line_next(world->lines, &out), RW_LINE_RESTART);
        rw_recovery_restart(world->recovery, false, world->now_ns);
        for (uint64_t i = 1; i <= 5; i++) {
            assert_int_equal(rw_line_next(world->lines, &out), RW_LINE_MESSAGE);
            assert_int_equal(out.sequence & RW_LINE_SEQUENCE_MAX, i);
        }
        assert_int_equal(rw_line_next(world->lines, &out), RW_LINE_NONE);
        assert_int_equal(rw_recovery_next(world->recovery, world->lines, world->now_ns, &next),
                         snapshot);
        if (snapshot) assert_int_equal(next.kind, RW_RECOVERY_ABANDON);
        assert_false(rw_recovery_failed(world->recovery, world->snapshot, false, world->now_ns));
        assert_false(rw_recovery_next(world->recovery, world->lines, world->now_ns, &next));
        assert_int_equal(rw_channel_balance(&world->channel), 0);
        assert_int_equal(rw_channel_passed_balance(&world->channel), 0);
        world_free(world);
    }
}

static void nobody_is_asked_while_a_life_before_may_be_meant(void **state) {
    struct world *world = world_new(1, 1, false);
    world->cfg.quiet_ns = 50 * MS;
    world_begin(world, 100000);
    lose(world, 10, 10); /* the very first */
    run(world, 45 * MS);
    assert_int_equal(world->server[0].requests, 0);
    run(world, 10 * MS);
    assert_int_equal(world->next, 21);
    lose(world, 10, 10);
    run(world, 5 * MS);
    assert_int_equal(world->next, 41);
    rw_recovery_restart(world->recovery, false, world->now_ns);
    assert_false(rw_recovery_takes_answers(world->recovery, world->now_ns + 50 * MS - 1));
    assert_true(rw_recovery_takes_answers(world->recovery, world->now_ns + 50 * MS));
    rw_recovery_restart(world->recovery, true, world->now_ns);
    assert_true(rw_recovery_takes_answers(world->recovery, world->now_ns));
    world_free(world);
}

static void one_stray_packet_far_ahead_does_not_carry_the_channel_away(void **state) {
    struct world *world = world_new(1, 1, true);
    uint8_t packet[PACKET_BYTES];
    world_begin(world, 100000);
    publish(world, 40, 0);
    run(world, 2 * MS);
    for (uint32_t i = 0; i < 20; i++) {
        later(world, world->now_ns, i % 2, packet,
              write_packet(packet, SESSION, UINT64_C(1) << (20 + i % 20), i % 3));
        publish(world, 40, 0);
        run(world, 5 * MS);
    }
    assert_int_equal(world->next, world->published + 1);
    assert_true(count_of(&world->channel.far_ahead) > 0);
    assert_int_equal(count_of(&world->counters.recoveries), 0);
    assert_int_equal(rw_line_state(world->lines), RW_CHANNEL_SYNC);
    world_free(world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_is_had_once_while_one_server_answers_at_last),
        cmocka_unit_test(what_no_server_has_is_joined_by_snapshot_and_adds_up),
        cmocka_unit_test(a_gap_is_asked_for_only_when_its_timer_has_run_out),
        cmocka_unit_test(what_comes_meanwhile_is_not_asked_for_again),
        cmocka_unit_test(a_request_that_a_line_fills_is_given_back),
        cmocka_unit_test(a_dead_server_is_passed_over_and_probed_until_it_is_back),
        cmocka_unit_test(a_server_that_has_nothing_is_not_waited_for),
        cmocka_unit_test(a_server_is_asked_for_as_much_as_it_sends),
        cmocka_unit_test(several_packets_for_one_request_are_let_finish),
        cmocka_unit_test(the_number_of_requests_at_once_is_bounded),
        cmocka_unit_test(a_server_that_never_sends_the_first_message_is_given_up),
        cmocka_unit_test(too_large_a_gap_and_too_late_a_start_are_joined_by_snapshot_at_once),
        cmocka_unit_test(a_snapshot_that_cannot_be_had_is_tried_again_after_a_while),
        cmocka_unit_test(a_silent_snapshot_server_is_abandoned),
        cmocka_unit_test(an_old_snapshot_is_asked_for_again),
        cmocka_unit_test(a_restart_ends_a_recovery_in_every_state),
        cmocka_unit_test(nobody_is_asked_while_a_life_before_may_be_meant),
        cmocka_unit_test(one_stray_packet_far_ahead_does_not_carry_the_channel_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
