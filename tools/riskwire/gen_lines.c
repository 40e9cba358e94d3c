/* Packs messages into packets, gives them to the wires and writes down what arrives. A packet may
 * leave its wire once nothing sent from now on can arrive before it. */
#include "tools/riskwire/gen_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/udp.h"
#include "tools/riskwire/gen_wires.h"

#define PAYLOAD_BYTES 1400u
#define FRAME_BYTES   (RW_UDP_HEADERS_BYTES + 4u + PAYLOAD_BYTES)
#define SECOND_NS     1000000000ull
#define LATENCY_NS    50000u /* exchange to line A */
#define JITTER_NS     4000u
#define SPACING_NS    400u /* of two packets on a wire */
#define LOSS_RUN      3u   /* packets lost in a row, at most */
#define ENDS          3u   /* how often the end of the session is told */
/* Addresses for documentation: RFC 5737 for the hosts, RFC 6676 for the groups. */
#define SOURCE_A       0xC000020Au /* 192.0.2.10 */
#define SOURCE_B       0xC633640Au /* 198.51.100.10 */
#define GROUP_A        0xE9FC0001u /* 233.252.0.1 */
#define GROUP_BESIDE_A 0xE9FC0003u /* 233.252.0.3 */
#define SOURCE_PORT    26400u
#define GROUP_PORT     26477u
#define ETHERTYPE_VLAN 0x8100u

struct rw_gen_lines {
    struct rw_gen_lines_cfg cfg;
    struct rw_gen_wires *wires;
    struct rw_pcap_writer *writer[RW_GEN_WIRES];
    uint32_t latency_ns[RW_GEN_WIRES];
    struct rw_gen_packet packet;
    uint8_t payload[PAYLOAD_BYTES];
    uint64_t first_ns, last_ns; /* of the open packet's messages */
    uint64_t sent_ns, sequence, next_both_lost;
    struct rw_gen_lines_count count;
};

/* ---- a line --------------------------------------------------------------------------------- */

static uint32_t put_tag(uint8_t *frame, uint32_t bytes, uint16_t vlan) {
    memmove(frame + 16, frame + 12, bytes - 12);
    rw_store_be16(frame + 12, ETHERTYPE_VLAN);
    rw_store_be16(frame + 14, vlan);
    return bytes + 4;
}

static void write_frame(struct rw_gen_lines *lines, uint32_t which,
                        const struct rw_gen_wire_packet *packet) {
    uint8_t frame[FRAME_BYTES];
    bool beside = lines->cfg.framing->beside(packet->payload, packet->bytes);
    struct rw_udp udp = {.source = which ? SOURCE_B : SOURCE_A,
                         .destination = (beside ? GROUP_BESIDE_A : GROUP_A) + which,
                         .source_port = SOURCE_PORT,
                         .destination_port = GROUP_PORT,
                         .bytes = (uint16_t)packet->bytes,
                         .payload = packet->payload};
    uint32_t bytes = (uint32_t)rw_udp_build(&udp, frame);
    if (lines->cfg.vlan) bytes = put_tag(frame, bytes, lines->cfg.vlan);
    rw_pcap_write(lines->writer[which], lines->cfg.midnight_ns + packet->time_ns, frame, bytes);
}

static void flush_line(struct rw_gen_lines *lines, uint32_t which, uint64_t until_ns) {
    const struct rw_gen_wire_packet *packet;
    while ((packet = rw_gen_wires_take(lines->wires, which, until_ns)))
        write_frame(lines, which, packet);
}

static void send_line(struct rw_gen_lines *lines, uint32_t which, uint32_t bytes) {
    rw_gen_wires_send(lines->wires, which, lines->sent_ns, lines->payload, bytes);
    flush_line(lines, which, lines->sent_ns + lines->latency_ns[which]);
}

/* ---- packets -------------------------------------------------------------------------------- */

/* The sequence number whose packet is the next to be lost on both lines. */
static uint64_t place_both_lost(const struct rw_gen_lines *lines) {
    uint64_t done = lines->count.both_lost;
    if (done >= lines->cfg.both_lost) return UINT64_MAX;
    return lines->cfg.messages * (done + 1) / (lines->cfg.both_lost + 1u) + 1;
}

static void send_packet(struct rw_gen_lines *lines) {
    uint32_t messages = lines->packet.count, lost;
    if (messages == 0) return;
    uint32_t bytes = (uint32_t)lines->cfg.framing->end(&lines->packet);
    lines->sent_ns = lines->last_ns;
    lines->count.packets++;
    if (lines->count.messages >= lines->next_both_lost) {
        lost = 3;
        lines->count.both_lost++;
        lines->count.both_lost_messages += messages;
        lines->next_both_lost = place_both_lost(lines);
    } else {
        lost = rw_gen_wires_draw(lines->wires);
    }
    for (uint32_t which = 0; which < 2; which++)
        if (!(lost >> which & 1)) send_line(lines, which, bytes);
    lines->packet.count = 0;
    if (lines->cfg.framing->numbers_packets) lines->sequence++;
}

static void begin_packet(struct rw_gen_lines *lines, uint64_t time_ns) {
    lines->cfg.terms.now_ns = lines->cfg.midnight_ns + time_ns;
    lines->cfg.framing->begin(&lines->packet, &lines->cfg.terms, lines->payload,
                              sizeof lines->payload, lines->sequence);
}

/* One heartbeat a second while nothing else is sent. They are never lost: they carry nothing. */
static void send_heartbeats(struct rw_gen_lines *lines, uint64_t until_ns) {
    if (lines->cfg.framing->numbers_packets) return;
    while (lines->sent_ns && until_ns > lines->sent_ns + SECOND_NS) {
        lines->sent_ns += SECOND_NS;
        begin_packet(lines, lines->sent_ns);
        uint32_t bytes = (uint32_t)lines->cfg.framing->end(&lines->packet);
        for (uint32_t which = 0; which < 2; which++) send_line(lines, which, bytes);
        lines->count.heartbeats++;
    }
}

/* ---- the whole ------------------------------------------------------------------------------ */

static struct rw_gen_wires *make_wires(const struct rw_gen_lines_cfg *cfg,
                                       const uint32_t latency_ns[RW_GEN_WIRES]) {
    struct rw_gen_wires_cfg wires = {.seed = cfg->seed ^ 0x4C494E4553ull,
                                     .latency_ns = {latency_ns[0], latency_ns[1]},
                                     .jitter_ns = JITTER_NS,
                                     .spacing_ns = SPACING_NS,
                                     .loss_ppm = {cfg->loss_ppm, cfg->loss_ppm},
                                     .loss_run = LOSS_RUN,
                                     .reorder_ppm = cfg->reorder_ppm,
                                     .duplicate_ppm = cfg->duplicate_ppm,
                                     .packets_max = RW_GEN_WIRE_PACKETS_MIN};
    return rw_gen_wires_new(&wires);
}

int rw_gen_lines_open(const struct rw_gen_lines_cfg *cfg, struct rw_gen_lines **lines) {
    struct rw_gen_lines *opened = calloc(1, sizeof *opened);
    RW_ASSERT(opened);
    opened->cfg = *cfg;
    opened->sequence = 1;
    opened->latency_ns[0] = LATENCY_NS;
    opened->latency_ns[1] = LATENCY_NS + cfg->skew_ns;
    opened->wires = make_wires(cfg, opened->latency_ns);
    opened->next_both_lost = place_both_lost(opened);
    int rc = 0;
    for (uint32_t which = 0; which < 2 && rc == 0; which++)
        rc = rw_pcap_create(cfg->path[which], &opened->writer[which]);
    *lines = opened;
    if (rc < 0) {
        if (opened->writer[0]) rw_pcap_finish(opened->writer[0]);
        rw_gen_wires_free(opened->wires);
        free(opened);
    }
    return rc;
}

void rw_gen_lines_add(struct rw_gen_lines *lines, uint64_t time_ns, const uint8_t *message,
                      uint32_t bytes) {
    bool open = lines->packet.count > 0;
    if (open && time_ns > lines->first_ns + lines->cfg.packet_wait_ns) {
        send_packet(lines);
        open = false;
    }
    if (!open) send_heartbeats(lines, time_ns);
    if (!open || !lines->cfg.framing->put(&lines->packet, message, bytes)) {
        send_packet(lines);
        begin_packet(lines, time_ns);
        lines->first_ns = time_ns;
        RW_ASSERT(lines->cfg.framing->put(&lines->packet, message, bytes));
    }
    lines->last_ns = time_ns;
    if (!lines->cfg.framing->numbers_packets) lines->sequence++;
    lines->count.messages++;
}

uint64_t rw_gen_lines_flush(struct rw_gen_lines *lines) {
    send_packet(lines);
    return lines->sequence - 1;
}

void rw_gen_lines_aside(struct rw_gen_lines *lines, const uint8_t *payload, uint32_t bytes) {
    RW_ASSERT(lines->packet.count == 0 && bytes <= sizeof lines->payload);
    uint32_t lost = rw_gen_wires_draw(lines->wires);
    memcpy(lines->payload, payload, bytes);
    lines->count.asides++;
    for (uint32_t which = 0; which < 2; which++)
        if (!(lost >> which & 1)) send_line(lines, which, bytes);
}

int rw_gen_lines_close(struct rw_gen_lines *lines, struct rw_gen_lines_count *count) {
    send_packet(lines);
    int rc = 0;
    for (uint32_t i = 0; i < ENDS; i++) {
        lines->sent_ns += SECOND_NS / 10;
        size_t bytes =
            lines->cfg.framing->end_of_session(&lines->cfg.terms, lines->payload, lines->sequence);
        for (uint32_t which = 0; which < 2 && bytes; which++)
            send_line(lines, which, (uint32_t)bytes);
    }
    for (uint32_t which = 0; which < 2; which++) {
        flush_line(lines, which, UINT64_MAX);
        int finished = rw_pcap_finish(lines->writer[which]);
        if (rc == 0) rc = finished;
    }
    *count = lines->count;
    struct rw_gen_wires_count wires = rw_gen_wires_counted(lines->wires);
    for (uint32_t which = 0; which < 2; which++) {
        count->lost[which] = wires.lost[which];
        count->reordered[which] = wires.reordered[which];
        count->duplicated[which] = wires.duplicated[which];
    }
    rw_gen_wires_free(lines->wires);
    free(lines);
    return rc;
}
