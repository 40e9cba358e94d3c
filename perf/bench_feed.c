/* What arbitration, sequencing and the shadow add to a message, apart from the book (bench_book).
 *
 *   line     both lines' packets of 32 messages through line_core, per message delivered
 *   enrich   one tick of the venue to a numbered entry, as leader
 *   shadow   one own tick and its logged twin, compared, as follower
 *   waiting  one tick made while there is room for every tenth only, of a thousand instruments */
#include "dataplane/base/bytes.h"
#include "dataplane/feed/conflate_core.h"
#include "dataplane/feed/directory.h"
#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/line_core.h"
#include "dataplane/feed/moldudp64.h"
#include "perf/bench.h"
#include "refdata/enrich_core.h"

#define PACKET_MESSAGES 32u
#define MESSAGE_BYTES   34u
#define INSTRUMENTS     1001u
#define TICKS_MADE      4096u /* made beforehand; a run goes through them again and again */

struct bench {
    uint32_t packets, ticks;
    void *lines, *enrich, *waiting;
    struct rw_line_cfg line_cfg;
    struct rw_enrich_cfg enrich_cfg;
    struct rw_conflate_cfg waiting_cfg;
    struct rw_image *image;
    struct rw_entry *made;
    struct rw_channel_counters channel;
    struct rw_line_counters line[2];
    struct rw_enrich_counters counters;
    struct rw_shadow_counters shadow;
    struct rw_conflate_counters output;
    struct rw_conflate_gauges gauges;
};

/* One thread's work: CPU time leaves out what other programs take of a shared core. */
static uint64_t cpu_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void *take(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    if (!memory) abort();
    memset(memory, 0, bytes);
    return memory;
}

static double run_line(void *argument) {
    struct bench *bench = argument;
    struct rw_line_stats stats = {.channel = &bench->channel,
                                  .line = {&bench->line[0], &bench->line[1]}};
    struct rw_line_core *core = rw_line_new(bench->lines, &bench->line_cfg, &stats);
    uint8_t packet[1500], message[MESSAGE_BYTES] = {'A'};
    uint64_t sum = 0, delivered = 0, start = cpu_now();
    struct rw_mold_writer writer;
    rw_mold_begin(&writer, packet, sizeof packet, "SESSION001", 1);
    while (writer.count < PACKET_MESSAGES) rw_mold_add(&writer, message, sizeof message);
    uint32_t bytes = (uint32_t)rw_mold_end(&writer);
    for (uint32_t i = 0; i < bench->packets; i++) {
        rw_store_be64(packet + RW_MOLD_SESSION_BYTES, 1 + PACKET_MESSAGES * i);
        for (uint32_t line = 0; line < 2; line++) {
            struct rw_line_out out;
            rw_line_packet(core, line, packet, bytes, i, i);
            while (rw_line_next(core, &out) == RW_LINE_MESSAGE) {
                sum += out.bytes[0];
                delivered++;
            }
        }
    }
    if (sum != delivered * 'A') abort();
    return (double)(cpu_now() - start) / (double)delivered;
}

static struct rw_image *make_image(void) {
    size_t rows = 1024, bytes = rows + INSTRUMENTS * sizeof(struct rw_instrument_row);
    struct rw_image *image = take(bytes);
    struct rw_instrument_row *row = (void *)((uint8_t *)image + rows);
    image->instruments = (struct rw_image_table){rows, INSTRUMENTS, sizeof *row};
    for (uint32_t i = 1; i < INSTRUMENTS; i++) {
        row[i].index = i;
        row[i].channel = 1;
        row[i].locate = (uint16_t)i;
    }
    return image;
}

static struct rw_entry tick_of(uint64_t sequence) {
    struct rw_entry tick = {.event_time_ns = sequence,
                            .type = RW_ENTRY_TICK,
                            .slots = 1,
                            .version = RW_ENTRY_VERSION,
                            .instrument = 1 + (uint32_t)(sequence * 7919 % (INSTRUMENTS - 1))};
    struct rw_tick_body body = {.channel = 1,
                                .kind = RW_TICK_BBO,
                                .venue_sequence = sequence,
                                .bid_price = (int32_t)sequence,
                                .ask_price = (int32_t)sequence + 1};
    memcpy(tick.body, &body, sizeof body);
    return tick;
}

/* next_tick is one of the ticks made beforehand, at its new place in the venue's stream. */
static struct rw_entry *next_tick(struct bench *bench, uint64_t sequence) {
    struct rw_entry *tick = &bench->made[sequence % TICKS_MADE];
    memcpy(tick->body + offsetof(struct rw_tick_body, venue_sequence), &sequence, sizeof sequence);
    return tick;
}

static struct rw_enrich_core *new_enrich(struct bench *bench) {
    struct rw_enrich_stats stats = {.enrich = &bench->counters, .shadow = {&bench->shadow}};
    return rw_enrich_new(bench->enrich, &bench->enrich_cfg, &stats);
}

static double run_enrich(void *argument) {
    struct bench *bench = argument;
    struct rw_enrich_core *core = new_enrich(bench);
    struct rw_enrich_out out;
    rw_enrich_role(core, RW_ROLE_LEAD, 1, 1);
    struct rw_enrich_heads heads = {.intake = NULL};
    uint32_t channel;
    while (rw_enrich_pick(core, &heads, &channel) == RW_ENRICH_OWN)
        rw_enrich_own(core, channel, &out);
    uint64_t start = cpu_now(), slots = 0;
    for (uint32_t i = 1; i <= bench->ticks; i++) {
        struct rw_entry *tick = next_tick(bench, i);
        heads.feed[0] = tick;
        if (rw_enrich_pick(core, &heads, &channel) != RW_ENRICH_FEED) abort();
        rw_enrich_feed(core, channel, tick, &out);
        slots += out.slots;
    }
    if (slots < bench->ticks) abort();
    return (double)(cpu_now() - start) / bench->ticks;
}

static double run_shadow(void *argument) {
    struct bench *bench = argument;
    struct rw_enrich_core *core = new_enrich(bench);
    struct rw_enrich_out out;
    struct rw_enrich_heads heads = {.intake = NULL};
    uint32_t channel;
    uint64_t compared = rw_stat_get(&bench->shadow.compared);
    uint64_t start = cpu_now();
    for (uint32_t i = 1; i <= bench->ticks; i++) {
        struct rw_entry *tick = next_tick(bench, i);
        heads.feed[0] = tick;
        if (rw_enrich_pick(core, &heads, &channel) != RW_ENRICH_FEED) abort();
        rw_enrich_feed(core, channel, tick, &out);
        tick->sequence = i;
        rw_enrich_logged(core, tick);
    }
    double spent = (double)(cpu_now() - start) / bench->ticks;
    if (rw_stat_get(&bench->shadow.compared) - compared != bench->ticks) abort();
    return spent;
}

static double run_waiting(void *argument) {
    struct bench *bench = argument;
    struct rw_conflate *core =
        rw_conflate_new(bench->waiting, &bench->waiting_cfg, &bench->output, &bench->gauges);
    struct rw_entry out;
    uint64_t start = cpu_now(), sent = 0;
    for (uint32_t i = 1; i <= bench->ticks; i++) {
        rw_conflate_put(core, next_tick(bench, i), 1, i);
        if (i % 10 == 0) sent += rw_conflate_next(core, &out);
    }
    double spent = (double)(cpu_now() - start) / bench->ticks;
    if (sent != bench->ticks / 10) abort();
    return spent;
}

int main(int argc, char **argv) {
    bool quick = rw_bench_quick(argc, argv);
    struct bench bench = {.packets = quick ? 5000 : 20000, .ticks = quick ? 200000 : 1000000};
    bench.line_cfg = (struct rw_line_cfg){.venue = &rw_itch50_venue,
                                          .lines = 2,
                                          .first_sequence = 1,
                                          .gap_timer_ns = 1000000,
                                          .reorder_packets = 1024,
                                          .packet_bytes = 2048};
    bench.image = make_image();
    bench.enrich_cfg = (struct rw_enrich_cfg){
        .image = bench.image, .file_ports = true, .channel_count = 1, .channel = {1}};
    bench.made = take(TICKS_MADE * sizeof *bench.made);
    for (uint32_t i = 0; i < TICKS_MADE; i++) bench.made[i] = tick_of(i);
    bench.lines = take(rw_line_footprint(&bench.line_cfg));
    bench.enrich = take(rw_enrich_footprint(&bench.enrich_cfg));
    bench.waiting_cfg = (struct rw_conflate_cfg){.locates = INSTRUMENTS, .queue_bytes = 1u << 20};
    bench.waiting = take(rw_conflate_footprint(&bench.waiting_cfg));
    struct rw_bench_variant variants[] = {{"line", run_line, &bench},
                                          {"enrich", run_enrich, &bench},
                                          {"shadow", run_shadow, &bench},
                                          {"waiting", run_waiting, &bench}};
    rw_bench_rounds(variants, 4, quick ? 3 : 7);
    rw_bench_at_most("feed_line_ns_per_message", variants[0].median, "ns", 60);
    rw_bench_at_most("enrich_lead_ns_per_tick", variants[1].median, "ns", 60);
    rw_bench_at_most("enrich_follow_ns_per_tick", variants[2].median, "ns", 120);
    rw_bench_at_most("feed_waiting_ns_per_tick", variants[3].median, "ns", 40);
    free(bench.lines);
    free(bench.waiting);
    free(bench.enrich);
    free(bench.made);
    free(bench.image);
    return 0;
}
