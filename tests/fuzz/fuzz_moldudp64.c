/* Packets of two lines through the decoder and the arbitration: nothing is read past a packet,
 * messages come in rising order, and every message is accounted for.
 *
 * The input is a list of packets: one control byte, one byte of length, the payload. Control bit 0
 * is the line, bit 1 ends the port, bit 2 moves the clock far; with bit 3 the payload is put
 * behind a valid header whose sequence is the rest of the control byte, so that the arbitration is
 * reached easily. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/line_core.h"
#include "dataplane/feed/moldudp64.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

struct run {
    struct rw_line_core *core;
    struct rw_channel_counters channel;
    struct rw_line_counters line[2];
    uint64_t next;
    bool ended;
};

static volatile uint64_t read_all; /* keeps the reads from being left out */

static void drain(struct run *run) {
    struct rw_line_out out;
    enum rw_line_event event;
    uint64_t sum = 0;
    while ((event = rw_line_next(run->core, &out)) != RW_LINE_NONE) {
        RW_ASSERT(!run->ended);
        if (event == RW_LINE_END) run->ended = true;
        if (event == RW_LINE_END) continue;
        RW_ASSERT(out.sequence >= run->next);
        run->next = out.sequence + (event == RW_LINE_GAP ? out.missing : 1);
        for (uint32_t i = 0; event == RW_LINE_MESSAGE && i < out.count; i++) sum += out.bytes[i];
    }
    read_all += sum;
    RW_ASSERT(rw_channel_balance(&run->channel) == 0);
    RW_ASSERT(rw_channel_passed_balance(&run->channel) == 0);
}

static void give(struct run *run, uint8_t control, const uint8_t *payload, uint32_t bytes,
                 uint64_t now) {
    uint8_t *packet = malloc(RW_MOLD_HEADER_BYTES + bytes + 1);
    uint32_t at = 0;
    if (control & 8) {
        memcpy(packet, "SESSION001", RW_MOLD_SESSION_BYTES);
        rw_store_be64(packet + 10, 1 + (control >> 4));
        rw_store_be16(packet + 18, bytes > 0 ? payload[0] & 7 : 0);
        at = RW_MOLD_HEADER_BYTES;
    }
    memcpy(packet + at, payload, bytes);
    uint8_t *exact = realloc(packet, at + bytes ? at + bytes : 1);
    RW_ASSERT(exact);
    if (control & 2)
        rw_line_port_ended(run->core, control & 1);
    else
        rw_line_packet(run->core, control & 1, exact, at + bytes, now, now);
    drain(run);
    struct rw_mold_request request;
    rw_mold_decode_request(exact, at + bytes, &request);
    free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static _Alignas(64) uint8_t memory[256 << 10];
    struct run run = {0};
    bool file = count % 2;
    struct rw_line_cfg cfg = {.venue = &rw_itch50_venue,
                              .lines = 2,
                              .reorder_packets = 4,
                              .packet_bytes = 300,
                              .gap_timer_ns = 1000,
                              .session_switch_packets = 2,
                              .first_sequence = count / 2 % 2,
                              .file_ports = file,
                              .accept_unsequenced = count / 4 % 2};
    struct rw_line_stats stats = {.channel = &run.channel, .line = {&run.line[0], &run.line[1]}};
    RW_ASSERT(rw_line_footprint(&cfg) <= sizeof memory);
    run.core = rw_line_new(memory, &cfg, &stats);
    uint64_t now = 1;
    for (size_t at = 0; at + 2 <= count;) {
        uint8_t control = bytes[at];
        uint32_t length = bytes[at + 1];
        at += 2;
        if (length > count - at) length = (uint32_t)(count - at);
        now += control & 4 ? 2000 : 10;
        give(&run, control, bytes + at, length, now);
        at += length;
    }
    return 0;
}
