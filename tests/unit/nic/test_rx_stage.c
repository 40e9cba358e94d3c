/* The rx stage over ports in memory: what it delivers, what it drops and why, and that nothing is
 * kept. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"
#include "dataplane/nic/frame.h"
#include "dataplane/nic/nic_mem.h"
#include "dataplane/nic/rx_stage.h"
#include "tests/unit/link/tap_fixture.h"
#include "tests/unit/nic/igmp_wire.h"

#define GROUP_A 0xE9360C6Fu
#define GROUP_B 0xE9360C70u
#define SENDER  0xCEC87F8Au
#define PORT_A  26477
#define S       1000000000ull

struct rig {
    struct rw_rx_cfg cfg;
    struct rw_plan plan;
    struct rw_arena arena;
    struct rw_stage_env env;
    struct rw_ring *ring, *second; /* outputs; most tests use one */
    struct rw_watermarks *watermarks;
    struct rw_nic *nic;
    struct rw_taps *taps;
    void *stage;
};

static uint64_t no_time(const struct rw_clock *clock) { return 1; }
static const struct rw_clock still = {.now_ns = no_time};

static void add_row(struct rig *rig, const char *device, uint16_t channel, uint16_t line,
                    uint32_t group, uint32_t source, uint16_t udp_port) {
    struct rw_rx_row *row = &rig->cfg.row[rig->cfg.row_count++];
    *row = (struct rw_rx_row){
        .channel = channel, .line = line, .group = group, .source = source, .udp_port = udp_port};
    snprintf(row->device, sizeof row->device, "%s", device);
}

static struct rig *new_rig(const struct rw_nic_mem_cfg *mem) {
    struct rig *rig = calloc(1, sizeof *rig);
    rig->nic = rw_nic_mem_new(mem);
    rig->cfg.nic = rig->nic;
    return rig;
}

static int start(struct rig *rig, uint32_t depth) {
    rig->ring = aligned_alloc(64, rw_ring_footprint(depth, RW_FRAME_SLOT_BYTES));
    rw_ring_new(rig->ring, depth, RW_FRAME_SLOT_BYTES);
    rig->second = aligned_alloc(64, rw_ring_footprint(depth, RW_FRAME_SLOT_BYTES));
    rw_ring_new(rig->second, depth, RW_FRAME_SLOT_BYTES);
    rig->watermarks = aligned_alloc(64, sizeof *rig->watermarks);
    memset(rig->watermarks, 0, sizeof *rig->watermarks);
    rig->env = (struct rw_stage_env){.name = "rx",
                                     .instances = 1,
                                     .out = {rig->ring, rig->second},
                                     .out_count = 2,
                                     .watermarks = rig->watermarks,
                                     .stats = rw_stats_create(NULL, "test", 1),
                                     .taps = rig->taps,
                                     .clock = &still,
                                     .arena = &rig->arena};
    assert_int_equal(rw_rx_stage.plan(&rig->cfg, "rx", 1, &rig->plan), 0);
    assert_int_equal(rw_arena_map(&rig->arena, &rig->plan, false), 0);
    return rw_rx_stage.init(&rig->stage, &rig->cfg, &rig->env);
}

static void stop(struct rig *rig) {
    if (rig->stage) rw_rx_stage.fini(rig->stage);
    assert_int_equal(rw_nic_mem_out(rig->nic), 0); /* every buffer was given back */
    rig->nic->ops->close(rig->nic);
    rw_stats_close(rig->env.stats);
    rw_arena_unmap(&rig->arena);
    free(rig->ring);
    free(rig->second);
    free(rig->watermarks);
    free(rig);
}

static uint32_t poll(struct rig *rig, uint32_t budget, uint64_t now) {
    return rw_rx_stage.poll(rig->stage, budget, now);
}

/* The next frame of the link, or NULL. Valid until the next call. */
static const struct rw_frame *take(struct rig *rig) {
    static union {
        struct rw_frame frame;
        uint8_t bytes[RW_FRAME_SLOT_BYTES];
    } copy;
    if (rw_ring_ready(rig->ring, 1) == 0) return NULL;
    memcpy(copy.bytes, rw_ring_front(rig->ring, 0), sizeof copy.bytes);
    rw_ring_pop(rig->ring, 1);
    return &copy.frame;
}

static uint64_t counter(struct rig *rig, const char *block, const char *name) {
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(rig->env.stats, &at, &item);)
        if (strcmp(item.block, block) == 0 && strcmp(item.name, name) == 0) return item.value;
    fail_msg("no counter %s of %s", name, block);
    return 0;
}

/* received = delivered + Σ reasons, of one port. */
static void assert_conserved(struct rig *rig, const char *block) {
    struct rw_stats_item item;
    uint64_t sum = 0;
    for (uint64_t at = 0; rw_stats_next(rig->env.stats, &at, &item);) {
        if (strcmp(item.block, block) || strcmp(item.unit, "frames")) continue;
        if (item.kind != RW_STAT_COUNTER) continue;
        if (strcmp(item.name, "received") && strcmp(item.name, "accepted_bad_checksum"))
            sum += item.value;
    }
    assert_int_equal(sum, counter(rig, block, "received"));
}

static void feed(struct rig *rig, uint32_t port, uint64_t time_ns, uint32_t group,
                 uint16_t udp_port, const char *text) {
    uint8_t frame[4096];
    struct rw_udp udp = {.source = SENDER,
                         .destination = group,
                         .source_port = 1,
                         .destination_port = udp_port,
                         .bytes = (uint16_t)strlen(text),
                         .payload = (const uint8_t *)text};
    size_t bytes = rw_udp_build(&udp, frame);
    rw_nic_mem_feed(rig->nic, port, time_ns, frame, (uint32_t)bytes, 0);
}

static const struct rw_nic_mem_cfg two_files = {
    .port_count = 2,
    .port = {{.device = "a.pcap", .file = true, .frames_max = 512},
             {.device = "b.pcap", .file = true, .frames_max = 512}}};
static const struct rw_nic_mem_cfg one_live = {
    .port_count = 1, .port = {{.device = "net_x", .frames_max = 4096, .sent_max = 64}}};

static void files_are_merged_and_each_line_ends(void **state) {
    struct rig *rig = new_rig(&two_files);
    add_row(rig, "a.pcap", 3, RW_LINE_A, GROUP_A, 0, PORT_A);
    add_row(rig, "b.pcap", 3, RW_LINE_B, GROUP_B, 0, PORT_A);
    feed(rig, 0, 100 * S, GROUP_A, PORT_A, "a1");
    feed(rig, 1, 101 * S, GROUP_B, PORT_A, "b1");
    feed(rig, 0, 102 * S, GROUP_A, PORT_A, "a2");
    assert_int_equal(start(rig, 16), 0);
    assert_true(poll(rig, 32, 55) > 0);
    static const struct {
        const char *text;
        uint64_t now;
        uint16_t line, flags;
    } wanted[] = {{"a1", 100 * S, RW_LINE_A, 0},
                  {"b1", 101 * S, RW_LINE_B, 0},
                  {"", 101 * S + 1, RW_LINE_B, RW_FRAME_END},
                  {"a2", 102 * S, RW_LINE_A, 0},
                  {"", 102 * S + 1, RW_LINE_A, RW_FRAME_END}};
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        const struct rw_frame *frame = take(rig);
        assert_non_null(frame);
        assert_int_equal(frame->arrival_ns, 55);
        assert_int_equal(frame->now_ns, wanted[i].now);
        assert_int_equal(frame->channel, 3);
        assert_int_equal(frame->line, wanted[i].line);
        assert_int_equal(frame->port, wanted[i].line);
        assert_int_equal(frame->flags, wanted[i].flags);
        assert_int_equal(frame->bytes, strlen(wanted[i].text));
        assert_memory_equal(frame->payload, wanted[i].text, frame->bytes);
        if (!frame->flags) assert_int_equal(frame->source, SENDER);
    }
    assert_null(take(rig));
    assert_int_equal(rw_word_get(&rig->watermarks->file_clock), 102 * S + 1);
    assert_int_equal(poll(rig, 32, 56), 0); /* idle for good */
    assert_int_equal(counter(rig, "rx port0", "delivered"), 2);
    assert_int_equal(counter(rig, "rx port1", "ended"), 1);
    stop(rig);
}

static void a_file_waits_for_room_and_loses_nothing(void **state) {
    struct rig *rig = new_rig(&two_files);
    add_row(rig, "a.pcap", 0, RW_LINE_A, 0, 0, 0);
    add_row(rig, "b.pcap", 0, RW_LINE_B, 0, 0, 0);
    struct rw_rng rng;
    rw_rng_seed(&rng, 3);
    for (uint64_t i = 0; i < 500; i++) {
        char text[16];
        snprintf(text, sizeof text, "%llu", (unsigned long long)i);
        feed(rig, i % 2, S + i, GROUP_A, PORT_A, text);
    }
    assert_int_equal(start(rig, 4), 0);
    uint64_t next = 0, ends = 0;
    for (uint64_t round = 0; ends < 2; round++) {
        assert_true(round < 10000);
        poll(rig, 1 + (uint32_t)rw_rng_below(&rng, 8), round);
        for (uint64_t n = rw_rng_below(&rng, 4); n; n--) {
            const struct rw_frame *frame = take(rig);
            if (!frame) break;
            if (frame->flags & RW_FRAME_END) {
                ends++;
                continue;
            }
            assert_int_equal(strtoull((const char *)frame->payload, NULL, 10), next++);
        }
    }
    assert_int_equal(next, 500);
    assert_int_equal(counter(rig, "rx port0", "no_room"), 0);
    assert_conserved(rig, "rx port0");
    assert_conserved(rig, "rx port1");
    stop(rig);
}

static void the_pace_holds_packets_back_until_a_hurry(void **state) {
    struct rig *rig = new_rig(&two_files);
    add_row(rig, "a.pcap", 0, RW_LINE_A, 0, 0, 0);
    add_row(rig, "b.pcap", 0, RW_LINE_B, 0, 0, 0);
    rig->cfg.speed = 10;
    for (uint64_t i = 0; i < 5; i++) feed(rig, 0, 1000 * S + i * 10 * S, GROUP_A, PORT_A, "x");
    assert_int_equal(start(rig, 16), 0);
    poll(rig, 32, 5 * S);
    assert_int_equal(take(rig)->flags, RW_FRAME_END); /* line B is empty: it ends first */
    assert_int_equal(take(rig)->flags, 0);            /* the first packet is due at once */
    assert_null(take(rig));
    poll(rig, 32, 6 * S - 1);
    assert_null(take(rig));
    poll(rig, 32, 6 * S);
    assert_non_null(take(rig));
    rw_word_set(&rig->watermarks->hurry, 1);
    poll(rig, 1, 6 * S);
    assert_non_null(take(rig));
    rw_word_set(&rig->watermarks->hurry, 0);
    poll(rig, 32, 60 * S); /* the schedule starts anew: one is due, the last 1 s later */
    assert_non_null(take(rig));
    assert_null(take(rig));
    poll(rig, 32, 61 * S);
    assert_non_null(take(rig));
    stop(rig);
}

static void a_live_port_counts_what_finds_no_room(void **state) {
    struct rig *rig = new_rig(&one_live);
    add_row(rig, "net_x", 1, RW_LINE_A, GROUP_A, SENDER, PORT_A);
    for (int i = 0; i < 10; i++) feed(rig, 0, 0, GROUP_A, PORT_A, "payload");
    assert_int_equal(start(rig, 4), 0);
    poll(rig, 64, 777);
    assert_int_equal(rw_nic_mem_waiting(rig->nic, 0), 0); /* drained all the same */
    assert_int_equal(counter(rig, "rx port0", "delivered"), 4);
    assert_int_equal(counter(rig, "rx port0", "no_room"), 6);
    assert_conserved(rig, "rx port0");
    const struct rw_frame *frame = take(rig);
    assert_int_equal(frame->arrival_ns, 777);
    assert_int_equal(frame->now_ns, 777);
    stop(rig);
}

static void a_live_port_is_polled_within_the_budget(void **state) {
    struct rig *rig = new_rig(&one_live);
    add_row(rig, "net_x", 1, RW_LINE_A, 0, 0, 0);
    for (int i = 0; i < 10; i++) feed(rig, 0, 0, GROUP_A, PORT_A, "payload");
    assert_int_equal(start(rig, 64), 0);
    poll(rig, 3, 1);
    assert_int_equal(rw_nic_mem_waiting(rig->nic, 0), 7);
    stop(rig);
}

static void each_drop_has_its_reason(void **state) {
    struct rig *rig = new_rig(&one_live);
    uint8_t noise[64] = {0};
    char large[RW_FRAME_PAYLOAD_BYTES + 2];
    add_row(rig, "net_x", 1, RW_LINE_A, GROUP_A, 0, PORT_A);
    add_row(rig, "net_x", 2, RW_LINE_B, GROUP_B, 0x01020304, 0);
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = 0;
    feed(rig, 0, 0, GROUP_A, PORT_A + 1, "wrong port");
    feed(rig, 0, 0, GROUP_A + 7, PORT_A, "wrong group");
    feed(rig, 0, 0, GROUP_B, PORT_A, "wrong source");
    feed(rig, 0, 0, GROUP_A, PORT_A, large);
    feed(rig, 0, 0, GROUP_A, PORT_A, large + 1);
    rw_nic_mem_feed(rig->nic, 0, 0, noise, sizeof noise, 0);
    rw_nic_mem_feed(rig->nic, 0, 0, noise, 3, 0);
    assert_int_equal(start(rig, 64), 0);
    poll(rig, 64, 1);
    assert_int_equal(counter(rig, "rx port0", "other_group"), 2);
    assert_int_equal(counter(rig, "rx port0", "other_source"), 1);
    assert_int_equal(counter(rig, "rx port0", "oversize"), 1);
    assert_int_equal(counter(rig, "rx port0", "not_ipv4"), 1);
    assert_int_equal(counter(rig, "rx port0", "cut_header"), 1);
    assert_int_equal(counter(rig, "rx port0", "delivered"), 1);
    assert_conserved(rig, "rx port0");
    assert_int_equal(take(rig)->bytes, RW_FRAME_PAYLOAD_BYTES);
    stop(rig);
}

static void one_port_serves_several_channels(void **state) {
    struct rig *rig = new_rig(&two_files);
    add_row(rig, "a.pcap", 1, RW_LINE_A, GROUP_A, 0, 0);
    add_row(rig, "a.pcap", 2, RW_LINE_A, GROUP_B, 0, 0);
    add_row(rig, "b.pcap", 1, RW_LINE_B, 0, 0, 0);
    rig->cfg.row[1].aside = true;
    feed(rig, 0, S, GROUP_B, 9, "two");
    feed(rig, 0, S, GROUP_A, 9, "one");
    assert_int_equal(start(rig, 64), 0);
    poll(rig, 64, 1);
    uint16_t channels[5], flags[5];
    for (int i = 0; i < 5; i++) {
        const struct rw_frame *frame = take(rig);
        assert_non_null(frame);
        channels[i] = frame->channel;
        flags[i] = frame->flags;
    }
    assert_null(take(rig));
    static const uint16_t wanted_channels[] = {1, 2, 1, 1, 2}, wanted_flags[] = {1, 2, 0, 1, 1};
    assert_memory_equal(channels, wanted_channels, sizeof channels);
    assert_memory_equal(flags, wanted_flags, sizeof flags);
    stop(rig);
}

static void each_channel_has_its_own_output_and_a_file_waits_for_all(void **state) {
    struct rig *rig = new_rig(&two_files);
    add_row(rig, "a.pcap", 1, RW_LINE_A, 0, 0, 0);
    add_row(rig, "b.pcap", 2, RW_LINE_A, 0, 0, 0);
    rig->cfg.row[1].feed = 1;
    for (uint64_t i = 0; i < 6; i++) feed(rig, 0, S + i, GROUP_A, PORT_A, "one");
    feed(rig, 1, S + 5, GROUP_B, PORT_A, "two"); /* behind the last of the other */
    assert_int_equal(start(rig, 4), 0);
    poll(rig, 32, 1);
    assert_int_equal(rw_ring_ready(rig->ring, 8), 4);
    assert_int_equal(rw_ring_ready(rig->second, 8), 0); /* not yet: in the order of the captures */
    rw_ring_pop(rig->ring, 4);
    for (int i = 0; i < 3; i++) poll(rig, 32, 1);
    assert_int_equal(rw_ring_ready(rig->ring, 8), 3); /* two packets and the end */
    assert_int_equal(rw_ring_ready(rig->second, 8), 2);
    const struct rw_frame *frame = rw_ring_front(rig->second, 0);
    assert_int_equal(frame->channel, 2);
    assert_int_equal(frame->bytes, 3);
    assert_conserved(rig, "rx port0");
    assert_conserved(rig, "rx port1");
    stop(rig);
}

static void a_full_output_of_one_live_channel_does_not_stop_the_other(void **state) {
    struct rig *rig = new_rig(&one_live);
    add_row(rig, "net_x", 1, RW_LINE_A, GROUP_A, 0, 0);
    add_row(rig, "net_x", 2, RW_LINE_A, GROUP_B, 0, 0);
    rig->cfg.row[1].feed = 1;
    for (int i = 0; i < 6; i++) feed(rig, 0, 0, GROUP_A, PORT_A, "one");
    for (int i = 0; i < 3; i++) feed(rig, 0, 0, GROUP_B, PORT_A, "two");
    assert_int_equal(start(rig, 4), 0);
    poll(rig, 64, 1);
    assert_int_equal(rw_ring_ready(rig->ring, 8), 4);
    assert_int_equal(rw_ring_ready(rig->second, 8), 3);
    assert_int_equal(counter(rig, "rx port0", "no_room"), 2);
    assert_conserved(rig, "rx port0");
    stop(rig);
}

static void wrong_checksums_pass_on_files_only_and_never_when_strict(void **state) {
    static const struct rw_nic_mem_cfg mixed = {
        .port_count = 2,
        .port = {{.device = "a.pcap", .file = true, .frames_max = 4},
                 {.device = "net_x", .frames_max = 4}}};
    for (int strict = 0; strict < 2; strict++) {
        struct rig *rig = new_rig(&mixed);
        uint8_t frame[128];
        struct rw_udp udp = {.destination = GROUP_A, .bytes = 2, .payload = (const uint8_t *)"hi"};
        size_t bytes = rw_udp_build(&udp, frame);
        add_row(rig, "a.pcap", 0, 0, 0, 0, 0);
        add_row(rig, "net_x", 0, 1, 0, 0, 0);
        rig->cfg.strict_checksums = strict;
        frame[24] ^= 0x55; /* IPv4 header checksum */
        for (uint32_t port = 0; port < 2; port++)
            rw_nic_mem_feed(rig->nic, port, 1, frame, (uint32_t)bytes, 0);
        assert_int_equal(start(rig, 16), 0);
        poll(rig, 16, 1);
        assert_int_equal(counter(rig, "rx port0", "delivered"), !strict);
        assert_int_equal(counter(rig, "rx port0", "accepted_bad_checksum"), !strict);
        assert_int_equal(counter(rig, "rx port0", "bad_ip_checksum"), strict);
        assert_int_equal(counter(rig, "rx port1", "delivered"), 0);
        assert_int_equal(counter(rig, "rx port1", "bad_ip_checksum"), 1);
        assert_conserved(rig, "rx port0");
        assert_conserved(rig, "rx port1");
        stop(rig);
    }
}

static const char *const port_names[] = {"rx port0", "rx port1"};

static void a_capture_holds_every_frame_of_its_port_as_it_came(void **state) {
    static struct tap_fixture taps;
    static const struct rw_nic_mem_cfg mixed = {
        .port_count = 2,
        .port = {{.device = "a.pcap", .file = true, .frames_max = 8},
                 {.device = "net_x", .frames_max = 8}}};
    struct rig *rig = new_rig(&mixed);
    uint8_t noise[64] = {1, 2, 3}, short_noise[9] = {4};
    add_row(rig, "a.pcap", 0, 0, GROUP_A, 0, 0);
    add_row(rig, "net_x", 0, 1, 0, 0, 0);
    feed(rig, 0, 5 * S, GROUP_A, PORT_A, "delivered");
    rw_nic_mem_feed(rig->nic, 0, 6 * S, noise, sizeof noise, 0);
    rw_nic_mem_feed(rig->nic, 0, 7 * S, short_noise, sizeof short_noise, 0);
    feed(rig, 0, 8 * S, GROUP_B, PORT_A, "dropped: another group");
    feed(rig, 1, 0, GROUP_A, PORT_A, "live");
    assert_int_equal(tap_fixture_open(&taps, port_names, 2, 2), 0);
    rig->taps = &taps.taps;
    assert_int_equal(start(rig, 16), 0);
    poll(rig, 16, 99);
    static const uint32_t bytes[] = {RW_UDP_HEADERS_BYTES + 9, 64, 9, RW_UDP_HEADERS_BYTES + 22};
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(tap_fixture_next(&taps, 0), 1);
        assert_int_equal(taps.record.number, i + 1);
        assert_int_equal(taps.record.time_ns, (5 + i) * S);
        assert_int_equal(taps.record.flags, RW_TAP_UNIX);
        assert_int_equal(taps.record.bytes, bytes[i]);
        if (i == 1) assert_memory_equal(taps.bytes, noise, sizeof noise);
    }
    assert_memory_equal(taps.bytes + RW_UDP_HEADERS_BYTES, "dropped", 7);
    assert_int_equal(tap_fixture_next(&taps, 0), 0);
    assert_int_equal(tap_fixture_next(&taps, 1), 1);
    assert_int_equal(taps.record.time_ns, 99); /* the site's clock */
    assert_int_equal(taps.record.flags, 0);
    for (int i = 0; i < 2; i++) rw_rx_stage.housekeep(rig->stage, 100);
    assert_int_equal(rw_tap_reader_passed(taps.reader, 0), 4);
    assert_int_equal(rw_tap_reader_passed(taps.reader, 1), 1);
    stop(rig);
    tap_fixture_close(&taps);
}

static void a_port_that_nobody_captures_copies_nothing(void **state) {
    static struct tap_fixture taps;
    struct rig *rig = new_rig(&two_files);
    add_row(rig, "a.pcap", 0, 0, 0, 0, 0);
    add_row(rig, "b.pcap", 0, 1, 0, 0, 0);
    for (uint32_t port = 0; port < 2; port++) feed(rig, port, S, GROUP_A, PORT_A, "x");
    assert_int_equal(tap_fixture_open(&taps, port_names, 2, 1), 0); /* asks for port 0 only */
    rig->taps = &taps.taps;
    assert_int_equal(start(rig, 16), 0);
    poll(rig, 16, 99);
    assert_int_equal(tap_fixture_next(&taps, 0), 1);
    assert_int_equal(tap_fixture_next(&taps, 1), 0);
    stop(rig);
    tap_fixture_close(&taps);
}

/* ------------------------------------------------------------------------------------------
 * a live port's own frames */

#define OWN 0x0A4D0064u

static const struct rw_nic_mem_cfg mem_talks = {
    .port_count = 2,
    .port = {{.device = "net_x", .frames_max = 64, .sent_max = 64},
             {.device = "net_y", .frames_max = 64, .sent_max = 1}}};

/* Two ports; net_x has an address and a VLAN tag. */
static struct rig *talking(void) {
    struct rig *rig = new_rig(&mem_talks);
    add_row(rig, "net_x", 1, RW_LINE_A, GROUP_A, SENDER, PORT_A);
    add_row(rig, "net_x", 2, RW_LINE_A, GROUP_A, SENDER, PORT_A + 1);
    add_row(rig, "net_y", 1, RW_LINE_B, GROUP_B, 0, PORT_A);
    rig->cfg.port[rig->cfg.port_count++] =
        (struct rw_rx_port){.device = "net_x", .address = OWN, .vlan = 7};
    return rig;
}

/* Feeds a frame of the given EtherType, with the tag of VLAN 7 if wanted. */
static void feed_own(struct rig *rig, bool tagged, uint16_t type, const uint8_t *bytes,
                     size_t count) {
    uint8_t frame[2048] = {1, 0, 0x5E, 0, 0, 1, 2, 0, 0, 0, 0, 99};
    size_t at = 12;
    if (tagged) {
        wire_put32(frame + at, 0x81000007);
        at += 4;
    }
    wire_put16(frame + at, type);
    memcpy(frame + at + 2, bytes, count);
    rw_nic_mem_feed(rig->nic, 0, 0, frame, (uint32_t)(at + 2 + count), 0);
}

static void feed_query(struct rig *rig, bool tagged) {
    uint8_t ip[64];
    feed_own(rig, tagged, 0x0800, ip, wire_query(ip, 0, 10, NULL, 0));
}

static struct wire_report report_of(struct rig *rig, uint32_t port, uint32_t index) {
    struct wire_report report;
    uint32_t bytes;
    const uint8_t *frame = rw_nic_mem_sent_frame(rig->nic, port, index, &bytes);
    wire_read(frame, bytes, &report);
    return report;
}

static void a_live_port_joins_at_its_first_visit_and_announces_its_address(void **state) {
    struct rig *rig = talking();
    assert_int_equal(start(rig, 16), 0);
    assert_int_equal(rw_nic_mem_groups(rig->nic, 0), 1); /* two rows, one group */
    assert_int_equal(rw_nic_mem_sent(rig->nic, 0), 0);
    poll(rig, 32, 5 * S);
    assert_int_equal(rw_nic_mem_sent(rig->nic, 0), 2);
    struct wire_report report = report_of(rig, 0, 0);
    assert_int_equal(report.vlan, 7);
    assert_int_equal(report.from, OWN);
    assert_int_equal(report.count, 1);
    assert_int_equal(report.record[0].group, GROUP_A);
    assert_int_equal(report.record[0].source[0], SENDER);
    uint32_t bytes;
    const uint8_t *arp = rw_nic_mem_sent_frame(rig->nic, 0, 1, &bytes);
    assert_int_equal(wire_get16(arp + 16), 0x0806);
    report = report_of(rig, 1, 0); /* the other port: no address, no tag */
    assert_int_equal(report.vlan, 0);
    assert_int_equal(report.from, 0);
    assert_int_equal(report.record[0].group, GROUP_B);
    for (uint64_t now = 5 * S; now < 20 * S; now += S / 10) poll(rig, 32, now);
    assert_int_equal(counter(rig, "rx port0 control", "sent"), 4);
    assert_int_equal(counter(rig, "rx port1 control", "sent"), 1);
    assert_int_equal(counter(rig, "rx port1 control", "send_failed"), 1); /* it took only one */
    stop(rig);
}

static void a_live_port_answers_for_itself_in_its_vlan(void **state) {
    struct rig *rig = talking();
    static const uint8_t request[] = {0,  1,  8, 0, 6, 4, 0, 1, 2, 0, 0,  0,  0, 99,
                                      10, 77, 0, 1, 0, 0, 0, 0, 0, 0, 10, 77, 0, 100};
    assert_int_equal(start(rig, 16), 0);
    for (uint64_t now = 5 * S; now < 20 * S; now += S / 10) poll(rig, 32, now);
    feed_query(rig, false);
    feed_own(rig, false, 0x0806, request, sizeof request);
    poll(rig, 32, 20 * S);
    poll(rig, 32, 30 * S);
    assert_int_equal(rw_nic_mem_sent(rig->nic, 0), 4); /* what it had said before */
    assert_int_equal(counter(rig, "rx port0 control", "other_vlan"), 2);
    feed_query(rig, true);
    feed_own(rig, true, 0x0806, request, sizeof request);
    poll(rig, 32, 30 * S);
    poll(rig, 32, 31 * S);
    assert_int_equal(rw_nic_mem_sent(rig->nic, 0), 6);
    assert_int_equal(counter(rig, "rx port0 igmp", "general_queries"), 1);
    assert_int_equal(counter(rig, "rx port0 arp", "requests"), 1);
    assert_int_equal(report_of(rig, 0, 5).record[0].type, 1);
    assert_int_equal(counter(rig, "rx port0", "control"), 4);
    assert_conserved(rig, "rx port0");
    stop(rig);
}

static void a_link_that_comes_back_is_joined_again(void **state) {
    struct rig *rig = talking();
    assert_int_equal(start(rig, 16), 0);
    for (uint64_t now = 5 * S; now < 20 * S; now += S / 10) poll(rig, 32, now);
    rw_rx_stage.housekeep(rig->stage, 20 * S);
    poll(rig, 32, 20 * S);
    assert_int_equal(rw_nic_mem_sent(rig->nic, 0), 4);
    rw_word_set(&rig->nic->port[0].carrier_ups, 1);
    rw_rx_stage.housekeep(rig->stage, 21 * S);
    poll(rig, 32, 21 * S);
    assert_int_equal(rw_nic_mem_sent(rig->nic, 0), 6);
    assert_int_equal(report_of(rig, 0, 4).record[0].group, GROUP_A);
    stop(rig);
}

static void the_groups_are_left_at_the_end(void **state) {
    struct rig *rig = talking();
    assert_int_equal(start(rig, 16), 0);
    poll(rig, 32, 5 * S);
    uint32_t before = rw_nic_mem_sent(rig->nic, 0);
    rw_rx_stage.leave(rig->stage);
    assert_int_equal(rw_nic_mem_sent(rig->nic, 0), before + 2);
    struct wire_report report = report_of(rig, 0, before + 1);
    assert_int_equal(report.record[0].type, 6);
    assert_int_equal(report.record[0].group, GROUP_A);
    stop(rig);
}

static void a_stage_that_never_ran_leaves_nothing(void **state) {
    struct rig *rig = talking();
    assert_int_equal(start(rig, 16), 0);
    rw_rx_stage.leave(rig->stage);
    assert_int_equal(rw_nic_mem_sent(rig->nic, 0), 0);
    stop(rig);
}

static void a_port_whose_rows_take_any_group_listens_to_all(void **state) {
    struct rig *rig = new_rig(&one_live);
    add_row(rig, "net_x", 1, RW_LINE_A, GROUP_A, 0, 0);
    add_row(rig, "net_x", 2, RW_LINE_A, 0, 0, PORT_A);
    assert_int_equal(start(rig, 16), 0);
    assert_int_equal(rw_nic_mem_groups(rig->nic, 0), 0);
    stop(rig);
}

/* ------------------------------------------------------------------------------------------
 * what a device can do */

static void groups_are_steered_to_queues_where_the_device_can(void **state) {
    for (int can = 0; can < 2; can++) {
        const struct rw_nic_mem_cfg mem = {
            .port_count = 1,
            .port = {{.device = "net_x", .frames_max = 64, .queues = 3, .steers = can}}};
        struct rig *rig = new_rig(&mem);
        for (uint16_t i = 0; i < 4; i++)
            add_row(rig, "net_x", i, RW_LINE_A, GROUP_A + i, i == 3 ? SENDER : 0, PORT_A);
        assert_int_equal(start(rig, 64), 0);
        for (uint32_t i = 0; i < 8; i++) feed(rig, 0, 0, GROUP_A + i % 4, PORT_A, "x");
        assert_int_equal(counter(rig, "rx port0", "queues"), 3);
        assert_int_equal(counter(rig, "rx port0", "steered_rows"), can ? 4 : 0);
        poll(rig, 64, 1);
        static const uint16_t wanted[][8] = {{0, 1, 2, 3, 0, 1, 2, 3}, /* one queue: as they came */
                                             {0, 3, 0, 3, 1, 1, 2, 2}}; /* queue by queue */
        for (uint32_t i = 0; i < 8; i++) assert_int_equal(take(rig)->channel, wanted[can][i]);
        assert_int_equal(counter(rig, "rx port0", "delivered"), 8);
        assert_conserved(rig, "rx port0");
        stop(rig);
    }
}

static void what_the_device_has_verified_is_not_summed_again(void **state) {
    struct rig *rig = new_rig(&one_live);
    uint8_t frame[128];
    struct rw_udp udp = {.destination = GROUP_A, .bytes = 2, .payload = (const uint8_t *)"hi"};
    uint32_t bytes = (uint32_t)rw_udp_build(&udp, frame);
    add_row(rig, "net_x", 0, RW_LINE_A, 0, 0, 0);
    frame[24] ^= 0x55; /* IPv4 header checksum */
    frame[40] ^= 0x55; /* UDP checksum */
    static const uint32_t flags[] = {0, RW_NIC_UDP_GOOD, RW_NIC_IP_GOOD,
                                     RW_NIC_IP_GOOD | RW_NIC_UDP_GOOD};
    for (uint32_t i = 0; i < 4; i++) rw_nic_mem_feed(rig->nic, 0, 0, frame, bytes, flags[i]);
    assert_int_equal(start(rig, 16), 0);
    poll(rig, 16, 1);
    assert_int_equal(counter(rig, "rx port0", "bad_ip_checksum"), 2);
    assert_int_equal(counter(rig, "rx port0", "bad_udp_checksum"), 1);
    assert_int_equal(counter(rig, "rx port0", "delivered"), 1);
    assert_conserved(rig, "rx port0");
    stop(rig);
}

static void arrivals_come_from_the_devices_stamps(void **state) {
    const struct rw_nic_mem_cfg mem = {
        .port_count = 1, .port = {{.device = "net_x", .frames_max = 64, .stamps = true}}};
    struct rig *rig = new_rig(&mem);
    uint8_t frame[128];
    struct rw_udp udp = {.destination = GROUP_A, .bytes = 2, .payload = (const uint8_t *)"hi"};
    uint32_t bytes = (uint32_t)rw_udp_build(&udp, frame);
    add_row(rig, "net_x", 0, RW_LINE_A, 0, 0, 0);
    assert_int_equal(start(rig, 64), 0);
    /* stamps of a clock that began 9,000 s before; no packet waits */
    for (uint64_t i = 0; i < 20; i++) {
        rw_nic_mem_feed(rig->nic, 0, 9000 * S + i * S / 2, frame, bytes, RW_NIC_TIME);
        poll(rig, 16, S + i * S / 2);
        assert_int_equal(take(rig)->arrival_ns, S + i * S / 2);
    }
    rw_nic_mem_feed(rig->nic, 0, 9010 * S, frame, bytes, RW_NIC_TIME);
    rw_nic_mem_feed(rig->nic, 0, 0, frame, bytes, 0); /* one without a stamp */
    poll(rig, 16, 11 * S + 4321);
    const struct rw_frame *taken = take(rig);
    assert_int_equal(taken->arrival_ns, 11 * S);
    assert_int_equal(taken->now_ns, 11 * S + 4321);
    assert_int_equal(take(rig)->arrival_ns, 11 * S + 4321);
    assert_int_equal(counter(rig, "rx port0", "stamp_used"), 1);
    assert_int_equal(counter(rig, "rx port0", "stamp_ahead_ns"), 8999 * S);
    stop(rig);
}

static void a_line_without_a_port_is_refused_by_name(void **state) {
    struct rig *rig = new_rig(&two_files);
    add_row(rig, "c.pcap", 0, 0, 0, 0, 0);
    assert_int_equal(start(rig, 16), -ENODEV);
    assert_non_null(strstr(rw_err_text(), "c.pcap"));
    stop(rig);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_merged_and_each_line_ends),
        cmocka_unit_test(a_file_waits_for_room_and_loses_nothing),
        cmocka_unit_test(the_pace_holds_packets_back_until_a_hurry),
        cmocka_unit_test(a_live_port_counts_what_finds_no_room),
        cmocka_unit_test(a_live_port_is_polled_within_the_budget),
        cmocka_unit_test(each_drop_has_its_reason),
        cmocka_unit_test(one_port_serves_several_channels),
        cmocka_unit_test(each_channel_has_its_own_output_and_a_file_waits_for_all),
        cmocka_unit_test(a_full_output_of_one_live_channel_does_not_stop_the_other),
        cmocka_unit_test(wrong_checksums_pass_on_files_only_and_never_when_strict),
        cmocka_unit_test(a_capture_holds_every_frame_of_its_port_as_it_came),
        cmocka_unit_test(a_port_that_nobody_captures_copies_nothing),
        cmocka_unit_test(a_live_port_joins_at_its_first_visit_and_announces_its_address),
        cmocka_unit_test(a_live_port_answers_for_itself_in_its_vlan),
        cmocka_unit_test(a_link_that_comes_back_is_joined_again),
        cmocka_unit_test(the_groups_are_left_at_the_end),
        cmocka_unit_test(a_stage_that_never_ran_leaves_nothing),
        cmocka_unit_test(a_port_whose_rows_take_any_group_listens_to_all),
        cmocka_unit_test(groups_are_steered_to_queues_where_the_device_can),
        cmocka_unit_test(what_the_device_has_verified_is_not_summed_again),
        cmocka_unit_test(arrivals_come_from_the_devices_stamps),
        cmocka_unit_test(a_line_without_a_port_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
