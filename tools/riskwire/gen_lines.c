/* A line is a small heap of frames by arrival time: what was held back or doubled waits there
 * while later packets pass. A frame may leave once nothing sent from now on can arrive before it.
 */
#include "tools/riskwire/gen_lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"
#include "dataplane/feed/moldudp64.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/udp.h"

#define PAYLOAD_BYTES 1400u
#define FRAME_BYTES   (RW_UDP_HEADERS_BYTES + 4u + PAYLOAD_BYTES)
#define FRAMES_MAX    512u
#define SECOND_NS     1000000000ull
#define LATENCY_NS    50000u /* exchange to line A */
#define JITTER_NS     4000u
#define SPACING_NS    400u /* of two packets on a wire */
#define HELD_BACK_NS  20000u
#define LOSS_RUN      3u /* packets lost in a row, at most */
#define MILLION       1000000u
#define ENDS          3u /* how often the end of the session is told */
/* Addresses for documentation: RFC 5737 for the hosts, RFC 6676 for the groups. */
#define SOURCE_A       0xC000020Au /* 192.0.2.10 */
#define SOURCE_B       0xC633640Au /* 198.51.100.10 */
#define GROUP_A        0xE9FC0001u /* 233.252.0.1 */
#define SOURCE_PORT    26400u
#define GROUP_PORT     26477u
#define ETHERTYPE_VLAN 0x8100u

struct frame {
    uint64_t time_ns;
    uint64_t number; /* keeps frames of one time in the order they were sent */
    uint32_t bytes;
    uint8_t content[FRAME_BYTES];
};

struct line {
    struct rw_pcap_writer *writer;
    struct frame *heap[FRAMES_MAX];
    uint32_t count, losing; /* packets of a run still to be lost */
    uint64_t last_ns, latency_ns, numbered;
};

struct rw_gen_lines {
    struct rw_gen_lines_cfg cfg;
    struct rw_rng rng;
    struct line line[2];
    struct frame *free[2 * FRAMES_MAX];
    uint32_t free_count;
    struct rw_mold_writer packet;
    uint8_t payload[PAYLOAD_BYTES];
    uint64_t first_ns, last_ns; /* of the open packet's messages */
    uint64_t sent_ns, sequence, next_both_lost;
    struct rw_gen_lines_count count;
};

/* ---- a line --------------------------------------------------------------------------------- */

static bool is_earlier(const struct frame *a, const struct frame *b) {
    return a->time_ns < b->time_ns || (a->time_ns == b->time_ns && a->number < b->number);
}

static void heap_push(struct line *line, struct frame *frame) {
    RW_ASSERT(line->count < FRAMES_MAX);
    uint32_t at = line->count++;
    for (; at > 0 && is_earlier(frame, line->heap[(at - 1) / 2]); at = (at - 1) / 2)
        line->heap[at] = line->heap[(at - 1) / 2];
    line->heap[at] = frame;
}

static struct frame *heap_pop(struct line *line) {
    struct frame *first = line->heap[0], *last = line->heap[--line->count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < line->count; at = child) {
        if (child + 1 < line->count && is_earlier(line->heap[child + 1], line->heap[child]))
            child++;
        if (is_earlier(last, line->heap[child])) break;
        line->heap[at] = line->heap[child];
    }
    line->heap[at] = last;
    return first;
}

static void flush_line(struct rw_gen_lines *lines, struct line *line, uint64_t until_ns) {
    while (line->count && (line->heap[0]->time_ns <= until_ns || line->count + 2 > FRAMES_MAX)) {
        struct frame *frame = heap_pop(line);
        rw_pcap_write(line->writer, lines->cfg.midnight_ns + frame->time_ns, frame->content,
                      frame->bytes);
        lines->free[lines->free_count++] = frame;
    }
}

static void put_tag(struct frame *frame, uint16_t vlan) {
    memmove(frame->content + 16, frame->content + 12, frame->bytes - 12);
    rw_store_be16(frame->content + 12, ETHERTYPE_VLAN);
    rw_store_be16(frame->content + 14, vlan);
    frame->bytes += 4;
}

static void put_frame(struct rw_gen_lines *lines, uint32_t which, uint64_t time_ns,
                      const uint8_t *payload, uint32_t bytes) {
    struct line *line = &lines->line[which];
    struct frame *frame = lines->free[--lines->free_count];
    struct rw_udp udp = {.source = which ? SOURCE_B : SOURCE_A,
                         .destination = GROUP_A + which,
                         .source_port = SOURCE_PORT,
                         .destination_port = GROUP_PORT,
                         .bytes = (uint16_t)bytes,
                         .payload = payload};
    frame->time_ns = time_ns;
    frame->number = line->numbered++;
    frame->bytes = (uint32_t)rw_udp_build(&udp, frame->content);
    if (lines->cfg.vlan) put_tag(frame, lines->cfg.vlan);
    heap_push(line, frame);
}

/* Sends a packet down a line: in order behind the last one, or held back, or twice. */
static void send_line(struct rw_gen_lines *lines, uint32_t which, const uint8_t *payload,
                      uint32_t bytes) {
    struct line *line = &lines->line[which];
    uint64_t earliest = lines->sent_ns + line->latency_ns;
    uint64_t time_ns = earliest + rw_rng_below(&lines->rng, JITTER_NS);
    if (time_ns < line->last_ns + SPACING_NS) time_ns = line->last_ns + SPACING_NS;
    if (rw_rng_chance(&lines->rng, lines->cfg.reorder_ppm, MILLION)) {
        time_ns += HELD_BACK_NS + rw_rng_below(&lines->rng, 6 * HELD_BACK_NS);
        lines->count.reordered[which]++;
    } else {
        line->last_ns = time_ns;
    }
    put_frame(lines, which, time_ns, payload, bytes);
    if (rw_rng_chance(&lines->rng, lines->cfg.duplicate_ppm, MILLION)) {
        time_ns += SPACING_NS + rw_rng_below(&lines->rng, 3 * HELD_BACK_NS);
        put_frame(lines, which, time_ns, payload, bytes);
        lines->count.duplicated[which]++;
    }
    flush_line(lines, line, earliest);
}

/* ---- packets -------------------------------------------------------------------------------- */

/* Decides for a packet which lines lose it; never both, whatever the runs say. */
static uint32_t draw_losses(struct rw_gen_lines *lines) {
    uint32_t lost = 0;
    for (uint32_t which = 0; which < 2; which++) {
        struct line *line = &lines->line[which];
        if (!line->losing && rw_rng_chance(&lines->rng, lines->cfg.loss_ppm, MILLION))
            line->losing = 1 + (uint32_t)rw_rng_below(&lines->rng, LOSS_RUN);
        if (!line->losing || lost) continue;
        line->losing--;
        lines->count.lost[which]++;
        lost |= 1u << which;
    }
    return lost;
}

/* The sequence number whose packet is the next to be lost on both lines. */
static uint64_t place_both_lost(const struct rw_gen_lines *lines) {
    uint64_t done = lines->count.both_lost;
    if (done >= lines->cfg.both_lost) return UINT64_MAX;
    return lines->cfg.messages * (done + 1) / (lines->cfg.both_lost + 1u) + 1;
}

static void send_packet(struct rw_gen_lines *lines) {
    uint32_t messages = lines->packet.count, lost;
    if (messages == 0) return;
    uint32_t bytes = (uint32_t)rw_mold_end(&lines->packet);
    lines->sent_ns = lines->last_ns;
    lines->count.packets++;
    if (lines->sequence > lines->next_both_lost) {
        lost = 3;
        lines->count.both_lost++;
        lines->count.both_lost_messages += messages;
        lines->next_both_lost = place_both_lost(lines);
    } else {
        lost = draw_losses(lines);
    }
    for (uint32_t which = 0; which < 2; which++)
        if (!(lost >> which & 1)) send_line(lines, which, lines->payload, bytes);
    lines->packet.count = 0;
}

static void begin_packet(struct rw_gen_lines *lines) {
    rw_mold_begin(&lines->packet, lines->payload, sizeof lines->payload, lines->cfg.session,
                  lines->sequence);
}

/* One heartbeat a second while nothing else is sent. They are never lost: they carry nothing. */
static void send_heartbeats(struct rw_gen_lines *lines, uint64_t until_ns) {
    while (lines->sent_ns && until_ns > lines->sent_ns + SECOND_NS) {
        lines->sent_ns += SECOND_NS;
        begin_packet(lines);
        uint32_t bytes = (uint32_t)rw_mold_end(&lines->packet);
        for (uint32_t which = 0; which < 2; which++) send_line(lines, which, lines->payload, bytes);
        lines->count.heartbeats++;
    }
}

/* ---- the whole ------------------------------------------------------------------------------ */

int rw_gen_lines_open(const struct rw_gen_lines_cfg *cfg, struct rw_gen_lines **lines) {
    struct rw_gen_lines *opened = calloc(1, sizeof *opened);
    RW_ASSERT(opened);
    opened->cfg = *cfg;
    opened->sequence = 1;
    rw_rng_seed(&opened->rng, cfg->seed ^ 0x4C494E4553ull);
    for (; opened->free_count < 2 * FRAMES_MAX; opened->free_count++) {
        opened->free[opened->free_count] = malloc(sizeof(struct frame));
        RW_ASSERT(opened->free[opened->free_count]);
    }
    opened->line[0].latency_ns = LATENCY_NS;
    opened->line[1].latency_ns = LATENCY_NS + cfg->skew_ns;
    opened->next_both_lost = place_both_lost(opened);
    int rc = 0;
    for (uint32_t which = 0; which < 2 && rc == 0; which++)
        rc = rw_pcap_create(cfg->path[which], &opened->line[which].writer);
    *lines = opened;
    if (rc < 0) {
        if (opened->line[0].writer) rw_pcap_finish(opened->line[0].writer);
        while (opened->free_count) free(opened->free[--opened->free_count]);
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
    if (!open || !rw_mold_add(&lines->packet, message, (uint16_t)bytes)) {
        send_packet(lines);
        begin_packet(lines);
        lines->first_ns = time_ns;
        RW_ASSERT(rw_mold_add(&lines->packet, message, (uint16_t)bytes));
    }
    lines->last_ns = time_ns;
    lines->sequence++;
    lines->count.messages++;
}

int rw_gen_lines_close(struct rw_gen_lines *lines, struct rw_gen_lines_count *count) {
    send_packet(lines);
    int rc = 0;
    for (uint32_t i = 0; i < ENDS; i++) {
        lines->sent_ns += SECOND_NS / 10;
        size_t bytes = rw_mold_end_of_session(lines->payload, lines->cfg.session, lines->sequence);
        for (uint32_t which = 0; which < 2; which++)
            send_line(lines, which, lines->payload, (uint32_t)bytes);
    }
    for (uint32_t which = 0; which < 2; which++) {
        flush_line(lines, &lines->line[which], UINT64_MAX);
        int finished = rw_pcap_finish(lines->line[which].writer);
        if (rc == 0) rc = finished;
    }
    *count = lines->count;
    while (lines->free_count) free(lines->free[--lines->free_count]);
    free(lines);
    return rc;
}
