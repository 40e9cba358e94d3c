#include "tools/riskwire/feed_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/udp.h"
#include "dataplane/stats/stats.h"
#include "tools/riskwire/stat_words.h"

#define CHANNEL         0u
#define GAP_TIMER_NS    100000000u /* in capture time */
#define REORDER_PACKETS 1024u

struct rw_feed_file {
    void *memory;
    struct rw_feed_core *core;
    struct rw_stats *stats; /* in memory */
    struct rw_book_counters *book;
    struct rw_feed_file_sink sink;
};

static const struct rw_stat_row feed_rows[] = RW_STATS_ROWS(RW_FEED_COUNTERS);
static const struct rw_stat_row book_rows[] = RW_STATS_ROWS(RW_BOOK_COUNTERS);
static const struct rw_stat_row channel_rows[] = RW_STATS_ROWS(RW_CHANNEL_COUNTERS);
static const struct rw_stat_row line_rows[] = RW_STATS_ROWS(RW_LINE_COUNTERS);
#define BLOCK(stats, name, rows) \
    rw_stats_block(stats, name, RW_STAT_COUNTER, rows, sizeof rows / sizeof *rows)

static int open_feed(struct rw_feed_file *file, const struct rw_venue *venue, uint32_t lines,
                     uint32_t orders) {
    struct rw_feed_cfg cfg = {.channel = CHANNEL,
                              .line = {.venue = venue,
                                       .gap_timer_ns = GAP_TIMER_NS,
                                       .reorder_packets = REORDER_PACKETS,
                                       .packet_bytes = RW_FRAME_PAYLOAD_BYTES,
                                       .lines = (uint8_t)lines,
                                       .file_ports = true,
                                       .accept_unsequenced = true},
                              .books = {.book = {.orders_max = orders, .levels_max = orders}}};
    size_t bytes = rw_feed_footprint(&cfg);
    if (posix_memalign(&file->memory, 64, bytes) != 0) {
        file->memory = NULL;
        return rw_err_set(ENOMEM, "no memory for %zu MB of books", bytes >> 20);
    }
    file->stats = rw_stats_create(NULL, "file", 0);
    if (!file->stats) return -errno;
    struct rw_feed_stats stats = {.feed = BLOCK(file->stats, "feed", feed_rows),
                                  .books.book = BLOCK(file->stats, "book", book_rows),
                                  .line.channel = BLOCK(file->stats, "channel", channel_rows)};
    for (uint32_t i = 0; i < lines; i++)
        stats.line.line[i] = BLOCK(file->stats, i ? "line b" : "line a", line_rows);
    if (venue->own_row_count)
        stats.books.own = rw_stats_block(file->stats, venue->name, RW_STAT_COUNTER, venue->own_rows,
                                         *venue->own_row_count);
    file->book = stats.books.book;
    file->core = rw_feed_new(file->memory, &cfg, &stats);
    return 0;
}

/* A capture of one line, with a place in front of its next frame. */
struct line {
    struct rw_pcap *pcap;
    struct rw_pcap_record record;
    bool has_record;
};

static int next_record(struct line *line) {
    int rc = rw_pcap_next(line->pcap, &line->record);
    line->has_record = rc > 0;
    return rc < 0 ? rc : 0;
}

static void work_off(struct rw_feed_file *file, const struct rw_frame *frame) {
    struct rw_entry out[RW_FEED_FAN_OUT];
    uint32_t count;
    rw_feed_frame(file->core, frame);
    while (rw_feed_step(file->core, out, &count))
        for (uint32_t i = 0; file->sink.take && i < count; i++)
            file->sink.take(file->sink.context, file, &out[i]);
}

static void take_record(struct rw_feed_file *file, uint16_t which,
                        const struct rw_pcap_record *record) {
    _Alignas(64) uint8_t slot[RW_FRAME_SLOT_BYTES];
    struct rw_frame *frame = (void *)slot;
    struct rw_udp udp;
    enum rw_udp_verdict verdict =
        rw_udp_parse(record->frame, record->bytes, RW_UDP_CHECK_NONE, &udp);
    if (verdict != RW_UDP_accepted && verdict != RW_UDP_cut_payload) return;
    if (udp.bytes > RW_FRAME_PAYLOAD_BYTES) return;
    *frame = (struct rw_frame){.arrival_ns = record->time_ns,
                               .now_ns = record->time_ns,
                               .channel = CHANNEL,
                               .line = which,
                               .bytes = udp.bytes};
    memcpy(frame->payload, udp.payload, udp.bytes);
    work_off(file, frame);
}

/* Merges the lines by time; on a tie A comes first. */
static int run(struct rw_feed_file *file, struct line line[RW_LINES_MAX], uint32_t lines) {
    int rc = 0;
    for (uint32_t i = 0; i < lines && rc == 0; i++) rc = next_record(&line[i]);
    while (rc == 0) {
        uint32_t first = UINT32_MAX;
        for (uint32_t i = 0; i < lines; i++)
            if (line[i].has_record &&
                (first == UINT32_MAX || line[i].record.time_ns < line[first].record.time_ns))
                first = i;
        if (first == UINT32_MAX) break;
        take_record(file, (uint16_t)first, &line[first].record);
        rc = next_record(&line[first]);
        if (line[first].has_record) continue;
        struct rw_frame end = {.channel = CHANNEL, .line = (uint16_t)first, .flags = RW_FRAME_END};
        work_off(file, &end);
    }
    return rc;
}

int rw_feed_file_run(const char *const *paths, uint32_t lines, const struct rw_venue *venue,
                     uint32_t orders, struct rw_feed_file_sink sink, struct rw_feed_file **file) {
    struct rw_feed_file *opened = calloc(1, sizeof *opened);
    struct line line[RW_LINES_MAX] = {0};
    *file = NULL;
    RW_ASSERT(opened && lines >= 1 && lines <= RW_LINES_MAX);
    opened->sink = sink;
    int rc = open_feed(opened, venue, lines, orders);
    for (uint32_t i = 0; i < lines && rc == 0; i++) rc = rw_pcap_open(paths[i], &line[i].pcap);
    if (rc == 0) rc = run(opened, line, lines);
    for (uint32_t i = 0; i < lines; i++)
        if (line[i].pcap) rw_pcap_close(line[i].pcap);
    if (rc < 0)
        rw_feed_file_close(opened);
    else
        *file = opened;
    return rc;
}

void rw_feed_file_close(struct rw_feed_file *file) {
    if (file->stats) rw_stats_close(file->stats);
    free(file->memory);
    free(file);
}

const void *rw_feed_file_books(const struct rw_feed_file *file) {
    return rw_feed_books(file->core);
}

void rw_feed_file_losses(const struct rw_feed_file *file, FILE *out) {
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(file->stats, &at, &item);)
        if (rw_stat_is_loss(&item) && item.value)
            fprintf(out, "  %s %" PRIu64 " %s: %s\n", item.name, item.value, item.unit, item.help);
}

uint64_t rw_feed_file_overflow(const struct rw_feed_file *file) {
    return rw_stat_get(&file->book->orders_full) + rw_stat_get(&file->book->levels_full);
}
