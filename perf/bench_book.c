/* Decoding and full-depth books on a generated day, in ns a message.
 *
 * The messages are made once, in memory, and walked in turns: decode only (check, locate, time,
 * reference); books without prefetch; books with what a packet of 32 needs loaded together; the
 * same for two packets at once, as the feed does it when another one is waiting; a plain book as a
 * baseline (plain_book.h). Books are bound by memory, so its floor at this moment stands beside
 * them: random cache lines of a block as large as the books, one read after the other and
 * prefetched as the books do it. A message touches six at least: row, index, order, level, two
 * neighbours.
 *
 * The time of single messages is taken in a run of its own, with a stamp between any two: what is
 * loaded for many messages at once is shared among them, because all of them wait for it; charged
 * to the first one alone it is told too.
 *
 * bench_book [--quick] [MESSAGES [SYMBOLS [LIVE]]]: 2,000,000 messages unless told; the day the
 * targets are about has 10,000,000 messages and 8,887 symbols. bench_book --curve: days of
 * different numbers of symbols and of live orders. RW_BENCH_SMALL_PAGES=1 asks for 4 KiB pages. */
#include <inttypes.h>
#include <sys/mman.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/hist.h"
#include "dataplane/feed/itch50_book.h"
#include "perf/bench.h"
#include "perf/plain_book.h"
#include "tools/riskwire/gen_market.h"

#define PACKET          32u
#define TARGET_NS       75.0
#define TARGET_DECODE   7.0
#define TARGET_P99_NS   400.0
#define TARGET_MB       256.0
#define TARGET_FLAT     1.3
#define PLAIN_AHEAD     16u
#define SYMBOLS_DAY     8887u
#define MESSAGES_DAY    10000000u
#define LINES_READ      2000000u
#define LINES_MESSAGE   6u
#define LINE            64u
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

struct day {
    struct rw_gen_market_cfg cfg;
    uint64_t count, bytes;
    uint8_t *messages; /* one behind the other */
    uint8_t *lengths;
    uint32_t live;
    struct rw_book_counters counters;
    struct rw_book *book;
    uint8_t *book_memory;
    size_t book_bytes;
    uint64_t timed_from;          /* messages before are applied, but not timed */
    struct rw_hist shared, first; /* ns of single messages, see above */
    uint64_t seen;                /* keeps the compiler from dropping work */
};

/* Time on the CPU, not on the wall: one thread that never waits, on machines that others share. */
static uint64_t cpu_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000ull + (uint64_t)now.tv_nsec;
}

static void *map(size_t bytes) {
    bytes += 2 * HUGE_PAGE_BYTES;
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    RW_ASSERT(memory != MAP_FAILED);
    if (!getenv("RW_BENCH_SMALL_PAGES")) madvise(memory, bytes, MADV_HUGEPAGE);
    return (void *)(((uintptr_t)memory + HUGE_PAGE_BYTES - 1) & ~(HUGE_PAGE_BYTES - 1));
}

/* ---- the day -------------------------------------------------------------------------------- */

static void make_day(struct day *day, uint64_t messages, uint32_t symbols, uint32_t live) {
    *day = (struct day){.cfg = {.seed = 20191030,
                                .messages = messages,
                                .symbols = symbols,
                                .live = live,
                                .duration_ns = 1000000000000ull}};
    struct rw_gen_market *market = rw_gen_market_new(&day->cfg);
    struct rw_gen_message message;
    day->messages = map(messages * RW_ITCH50_BYTES_MAX);
    day->lengths = map(messages);
    while (rw_gen_market_next(market, &message)) {
        memcpy(day->messages + day->bytes, message.message, message.bytes);
        day->bytes += message.bytes;
        day->lengths[day->count++] = (uint8_t)message.bytes;
    }
    day->live = rw_gen_market_live(market);
    rw_gen_market_free(market);
    struct rw_book_cfg cfg = {.orders_max = day->live + day->live / 8 + 100000};
    cfg.levels_max = cfg.orders_max / 2 + 1024; /* as the appliance plans them */
    day->book_bytes = rw_book_footprint(&cfg);
    day->book_memory = map(day->book_bytes);
    day->book = rw_book_new(day->book_memory, &cfg, &day->counters);
}

/* The benchmark makes few days: what `map` gave is given back by what was asked for. */
static void free_day(struct day *day) {
    munmap(day->messages, day->cfg.messages * RW_ITCH50_BYTES_MAX);
    munmap(day->lengths, day->cfg.messages);
    munmap(day->book_memory, day->book_bytes);
}

/* ---- the floor ------------------------------------------------------------------------------ */

static uint64_t random_line(uint64_t *state, uint64_t lines) {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (*state >> 16) % lines * LINE;
}

/* Reads of the books' own block, so of the same pages. */
static double run_lines(void *argument) {
    struct day *day = argument;
    uint64_t state = 88172645463325252ull, sum = 0, start = cpu_ns();
    for (uint32_t i = 0; i < LINES_READ; i++)
        sum += day->book_memory[random_line(&state, day->book_bytes / LINE)];
    day->seen += sum;
    return (double)(cpu_ns() - start) / LINES_READ;
}

/* The same, asked for in batches of as many as 64 messages need. */
static double run_lines_ahead(void *argument) {
    enum { BATCH = LINES_MESSAGE * RW_BOOK_COMING_MAX };
    struct day *day = argument;
    uint64_t state = 88172645463325252ull, sum = 0, at[BATCH], start = cpu_ns();
    for (uint32_t i = 0; i < LINES_READ; i += BATCH) {
        for (uint32_t k = 0; k < BATCH; k++) {
            at[k] = random_line(&state, day->book_bytes / LINE);
            __builtin_prefetch(day->book_memory + at[k]);
        }
        for (uint32_t k = 0; k < BATCH; k++) sum += day->book_memory[at[k]];
    }
    day->seen += sum;
    return (double)(cpu_ns() - start) / LINES_READ;
}

/* ---- decoding and books --------------------------------------------------------------------- */

static double run_decode(void *argument) {
    struct day *day = argument;
    const uint8_t *at = day->messages;
    uint64_t sum = 0, start = cpu_ns();
    for (uint64_t i = 0; i < day->count; at += day->lengths[i++]) {
        if (rw_itch50_check(at, day->lengths[i]) != RW_ITCH50_OK) continue;
        sum += rw_itch50_locate(at) + rw_itch50_timestamp(at) + rw_load_be64(at + 11);
    }
    day->seen += sum;
    return (double)(cpu_ns() - start) / (double)day->count;
}

/* A batch of messages: where they begin, and where the next batch does. */
struct batch {
    const uint8_t *at[RW_BOOK_COMING_MAX];
    const uint8_t *lengths;
    uint32_t count;
};

static const uint8_t *take_batch(const struct day *day, struct batch *batch, uint64_t first,
                                 uint32_t most, const uint8_t *at) {
    uint64_t left = day->count - first;
    batch->count = left < most ? (uint32_t)left : most;
    batch->lengths = day->lengths + first;
    for (uint32_t i = 0; i < batch->count; at += batch->lengths[i++]) batch->at[i] = at;
    return at;
}

static void prefetch_batch(const struct day *day, const struct batch *batch) {
    static struct rw_book_coming coming;
    for (uint32_t i = 0; i < batch->count; i++)
        rw_itch50_coming(&coming, batch->at[i], batch->lengths[i]);
    rw_book_prefetch(day->book, &coming);
}

static double run_books(struct day *day, uint32_t at_once, bool ahead) {
    const uint8_t *at = day->messages;
    struct rw_book_event event;
    struct batch batch;
    rw_book_clear(day->book);
    uint64_t start = cpu_ns();
    for (uint64_t first = 0; first < day->count; first += at_once) {
        if (first < day->timed_from) start = cpu_ns();
        at = take_batch(day, &batch, first, at_once, at);
        if (ahead) prefetch_batch(day, &batch);
        for (uint32_t i = 0; i < batch.count; i++) {
            rw_itch50_apply(day->book, batch.at[i], batch.lengths[i], &event);
            day->seen += event.changed & RW_BOOK_BBO;
        }
    }
    double ns = (double)(cpu_ns() - start) / (double)(day->count - day->timed_from);
    RW_ASSERT(rw_book_live(day->book) == day->live);
    return ns;
}

static double run_unaided(void *argument) { return run_books(argument, PACKET, false); }
static double run_packet(void *argument) { return run_books(argument, PACKET, true); }
static double run_packets(void *argument) { return run_books(argument, 2 * PACKET, true); }

/* The baseline of plain_book.h on the same messages. */
static double run_baseline(void *argument) {
    struct day *day = argument;
    struct plain_book *book = plain_new(day->live + day->live / 8 + 100000, map);
    const uint8_t *at = day->messages, *ahead = at;
    uint64_t start = cpu_ns();
    for (uint64_t i = 0; i < PLAIN_AHEAD; ahead += day->lengths[i++]) continue;
    for (uint64_t i = 0; i < day->count; at += day->lengths[i++]) {
        if (i < day->timed_from) start = cpu_ns();
        if (i + PLAIN_AHEAD < day->count) {
            plain_prefetch(book, ahead);
            ahead += day->lengths[i + PLAIN_AHEAD];
        }
        plain_apply(book, at);
    }
    double ns = (double)(cpu_ns() - start) / (double)(day->count - day->timed_from);
    RW_ASSERT(book->live == day->live);
    plain_free(book);
    return ns;
}

/* ---- single messages ------------------------------------------------------------------------ */

/* Stamps that add up: a message lasts from the one before to its own. A stamp costs some 8 ns
 * itself, and does not wait for what is still under way in the processor. */
static void time_messages(struct day *day, double ns_a_tick) {
    const uint8_t *at = day->messages;
    struct rw_book_event event;
    struct batch batch;
    rw_book_clear(day->book);
    for (uint64_t first = 0; first < day->count; first += 2 * PACKET) {
        at = take_batch(day, &batch, first, 2 * PACKET, at);
        uint64_t begin = __builtin_ia32_rdtsc();
        prefetch_batch(day, &batch);
        uint64_t last = __builtin_ia32_rdtsc(), loading = last - begin;
        for (uint32_t i = 0; i < batch.count; i++) {
            rw_itch50_apply(day->book, batch.at[i], batch.lengths[i], &event);
            day->seen += event.changed & RW_BOOK_BBO;
            uint64_t now = __builtin_ia32_rdtsc(), own = now - last;
            last = now;
            rw_hist_add(&day->shared,
                        (uint64_t)((double)(own + loading / batch.count) * ns_a_tick));
            rw_hist_add(&day->first, (uint64_t)((double)(own + (i ? 0 : loading)) * ns_a_tick));
        }
    }
}

static double tick_ns(void) {
    uint64_t start = rw_bench_now(), ticks = __builtin_ia32_rdtsc();
    while (rw_bench_now() - start < 50000000) continue;
    return (double)(rw_bench_now() - start) / (double)(__builtin_ia32_rdtsc() - ticks);
}

static void print_quantiles(const char *name, const struct rw_hist *hist) {
    printf("%s p50 %" PRIu64 " p90 %" PRIu64 " p99 %" PRIu64 " p99.9 %" PRIu64 " ns\n", name,
           rw_hist_quantile(hist, 50, 100), rw_hist_quantile(hist, 90, 100),
           rw_hist_quantile(hist, 99, 100), rw_hist_quantile(hist, 999, 1000));
}

/* ---- the reports ---------------------------------------------------------------------------- */

static void report_memory(void) {
    struct rw_book_cfg million = {.orders_max = 1000000, .levels_max = 1000000 / 2 + 1024};
    rw_bench_at_most("memory_of_a_million_live_orders", (double)rw_book_footprint(&million) / 1e6,
                     "MB", TARGET_MB);
}

static void run_day(struct day *day, bool quick) {
    struct rw_bench_variant variants[] = {{"random_line", run_lines, day},
                                          {"random_line_prefetched", run_lines_ahead, day},
                                          {"itch50_decode", run_decode, day},
                                          {"book_without_prefetch", run_unaided, day},
                                          {"book_a_packet_at_once", run_packet, day},
                                          {"book_two_packets_at_once", run_packets, day},
                                          {"plain_baseline", run_baseline, day}};
    run_packets(day); /* touches all memory once */
    rw_bench_rounds(variants, 7, quick ? 3 : 7);
    printf("messages %" PRIu64 ", symbols %" PRIu32 ", live orders %" PRIu32 ", levels %" PRIu32
           ", memory %zu MB\n",
           day->count, day->cfg.symbols, day->live, rw_book_live_levels(day->book),
           day->book_bytes >> 20);
    for (int i = 0; i < 7; i++)
        printf("%s least %.1f median %.1f ns\n", variants[i].name, variants[i].least,
               variants[i].median);
    time_messages(day, tick_ns());
    print_quantiles("message_with_its_share", &day->shared);
    print_quantiles("message_first_pays_all", &day->first);
    rw_bench_value("book_to_plain_baseline", variants[5].least / variants[6].least, "x");
    rw_bench_value("book_to_memory_floor", variants[5].least / variants[1].least / LINES_MESSAGE,
                   "x of 6 random lines");
    report_memory();
    rw_bench_at_most("itch50_decode_ns", variants[2].median, "ns/message", TARGET_DECODE);
    rw_bench_at_most("itch50_decode_and_book_ns", variants[5].median, "ns/message", TARGET_NS);
    rw_bench_at_most("itch50_message_p99_ns", (double)rw_hist_quantile(&day->shared, 99, 100), "ns",
                     TARGET_P99_NS);
}

/* One point of the curve: the second half of a day, when the live orders are at their number.
 * Returns the least time. */
static double run_point(uint32_t symbols, uint32_t live, bool quick) {
    static struct day day;
    make_day(&day, quick ? 1000000 : MESSAGES_DAY / 2, symbols, live);
    day.timed_from = day.count / 2 / (2 * PACKET) * (2 * PACKET);
    struct rw_bench_variant variants[] = {{"line", run_lines_ahead, &day},
                                          {"book", run_packets, &day},
                                          {"baseline", run_baseline, &day}};
    run_packets(&day);
    rw_bench_rounds(variants, 3, quick ? 3 : 5);
    printf("| %" PRIu32 " | %" PRIu32 " | %" PRIu32 " | %zu MB | %.1f ns | %.1f / %.1f ns | "
           "%.1f / %.1f ns |\n",
           symbols, day.live, rw_book_live_levels(day.book), day.book_bytes >> 20,
           variants[0].least, variants[1].least, variants[1].median, variants[2].least,
           variants[2].median);
    fflush(stdout);
    free_day(&day);
    return variants[1].least;
}

static double spread(const double *values, uint32_t count) {
    double least = values[0], most = values[0];
    for (uint32_t i = 1; i < count; i++) {
        if (values[i] < least) least = values[i];
        if (values[i] > most) most = values[i];
    }
    return most / least;
}

static void run_curve(bool quick) {
    static const uint32_t symbols[] = {100, 300, 1000, 3000, 10000};
    static const uint32_t live[] = {10000, 50000, 200000, 500000, 1000000, 1500000};
    double by_symbols[5], by_live[6];
    printf("| symbols | live orders | levels | memory | random line | decode + books | baseline "
           "|\n|---|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < 5; i++) by_symbols[i] = run_point(symbols[i], 400000, quick);
    for (uint32_t i = 0; i < 6; i++) by_live[i] = run_point(SYMBOLS_DAY, live[i], quick);
    rw_bench_at_most("curve_100_to_10000_symbols", spread(by_symbols, 5), "x", TARGET_FLAT);
    rw_bench_at_most("curve_10000_to_1500000_live_orders", spread(by_live, 6), "x", TARGET_FLAT);
}

/* The n-th argument that is a number, or the fallback. */
static uint64_t number(int argc, char **argv, int n, uint64_t fallback) {
    for (int i = 1; i < argc; i++)
        if (argv[i][0] >= '0' && argv[i][0] <= '9' && n-- == 0) return strtoull(argv[i], NULL, 10);
    return fallback;
}

int main(int argc, char **argv) {
    static struct day day;
    bool quick = rw_bench_quick(argc, argv);
    uint64_t messages = number(argc, argv, 0, quick ? 500000 : 2000000);
    uint64_t symbols = number(argc, argv, 1, messages / 1000);
    uint64_t live = number(argc, argv, 2, 0);
    if (symbols > SYMBOLS_DAY) symbols = SYMBOLS_DAY;
    if (symbols < 1 || messages < rw_gen_messages_min((uint32_t)symbols) || live > messages / 2) {
        fprintf(stderr, "usage: bench_book [--quick] [--curve | MESSAGES [SYMBOLS [LIVE]]]\n");
        return 64;
    }
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], "--curve")) return run_curve(quick), 0;
    make_day(&day, messages, (uint32_t)symbols, (uint32_t)live);
    run_day(&day, quick);
    return day.seen == 0;
}
