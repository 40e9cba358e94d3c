/* Decoding and full-depth books on a generated day, in ns a message.
 *
 * The messages are made once, in memory, and walked as packets of 32 in turns: decode only (check,
 * locate, time, reference); books without prefetch; books as feed does it (a packet's index slots
 * are prefetched before its messages are applied); a plain book as a baseline (plain_book.h).
 * Books are bound by cache misses, so the cost of a random read at this moment stands beside them.
 *
 * bench_book [--quick] [MESSAGES [SYMBOLS]]: 2,000,000 messages unless told; the day the target is
 * about has 10,000,000 messages and 8,887 symbols. RW_BENCH_SMALL_PAGES=1 asks for 4 KiB pages. */
#include <inttypes.h>
#include <sys/mman.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/itch50_book.h"
#include "perf/bench.h"
#include "perf/plain_book.h"
#include "tools/riskwire/gen_market.h"

#define PACKET          32u
#define TARGET_NS       100.0
#define PLAIN_AHEAD     16u
#define SYMBOLS_DAY     8887u
#define READ_BYTES      ((size_t)32 << 20)
#define READS           2000000u
#define HUGE_PAGE_BYTES ((size_t)2 << 20)

struct day {
    uint64_t count, bytes;
    uint8_t *messages; /* one behind the other */
    uint8_t *lengths;
    uint32_t live;
    struct rw_book *book;
    uint64_t *reads;
    uint64_t seen; /* keeps the compiler from dropping work */
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

static void make_day(struct day *day, uint64_t messages, uint32_t symbols) {
    struct rw_gen_market_cfg cfg = {.seed = 20191030,
                                    .messages = messages,
                                    .symbols = symbols,
                                    .duration_ns = 1000000000000ull};
    struct rw_gen_market *market = rw_gen_market_new(&cfg);
    struct rw_gen_message message;
    uint64_t start = cpu_ns();
    day->messages = map(messages * RW_ITCH50_BYTES_MAX);
    day->lengths = map(messages);
    while (rw_gen_market_next(market, &message)) {
        memcpy(day->messages + day->bytes, message.message, message.bytes);
        day->bytes += message.bytes;
        day->lengths[day->count++] = (uint8_t)message.bytes;
    }
    printf("gen_market %.0f ns/message\n", (double)(cpu_ns() - start) / (double)day->count);
    day->live = rw_gen_market_live(market);
    rw_gen_market_free(market);
}

static double run_reads(void *argument) {
    struct day *day = argument;
    uint64_t x = 88172645463325252ull, sum = 0, start = cpu_ns();
    for (uint32_t i = 0; i < READS; i++) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        sum += day->reads[x % (READ_BYTES / 8)];
    }
    day->seen += sum;
    return (double)(cpu_ns() - start) / READS;
}

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

static uint64_t apply_packet(struct rw_book *book, const uint8_t *const *at, const uint8_t *lengths,
                             uint32_t count, bool ahead) {
    static struct rw_book_coming coming;
    struct rw_book_event event;
    uint64_t changes = 0;
    if (ahead) {
        for (uint32_t i = 0; i < count; i++) rw_itch50_coming(&coming, at[i], lengths[i]);
        rw_book_prefetch(book, &coming);
    }
    for (uint32_t i = 0; i < count; i++) {
        rw_itch50_apply(book, at[i], lengths[i], &event);
        changes += event.changed & RW_BOOK_BBO;
    }
    return changes;
}

static double run_books(struct day *day, bool ahead) {
    const uint8_t *at = day->messages, *places[PACKET];
    rw_book_clear(day->book);
    uint64_t start = cpu_ns();
    for (uint64_t first = 0; first < day->count; first += PACKET) {
        uint32_t count = day->count - first < PACKET ? (uint32_t)(day->count - first) : PACKET;
        for (uint32_t i = 0; i < count; at += day->lengths[first + i++]) places[i] = at;
        day->seen += apply_packet(day->book, places, day->lengths + first, count, ahead);
    }
    double ns = (double)(cpu_ns() - start) / (double)day->count;
    RW_ASSERT(rw_book_live(day->book) == day->live);
    return ns;
}

/* The baseline of plain_book.h on the same messages. */
static double run_baseline(void *argument) {
    struct day *day = argument;
    struct plain_book *book = plain_new(day->live + day->live / 8 + 100000, map);
    const uint8_t *at = day->messages, *ahead = at;
    uint64_t start = cpu_ns();
    for (uint64_t i = 0; i < PLAIN_AHEAD; ahead += day->lengths[i++]) continue;
    for (uint64_t i = 0; i < day->count; at += day->lengths[i++]) {
        if (i + PLAIN_AHEAD < day->count) {
            plain_prefetch(book, ahead);
            ahead += day->lengths[i + PLAIN_AHEAD];
        }
        plain_apply(book, at);
    }
    double ns = (double)(cpu_ns() - start) / (double)day->count;
    RW_ASSERT(book->live == day->live);
    plain_free(book);
    return ns;
}

static double run_plain(void *argument) { return run_books(argument, false); }
static double run_ahead(void *argument) { return run_books(argument, true); }

/* The n-th argument that is a number, or the fallback. */
static uint64_t number(int argc, char **argv, int n, uint64_t fallback) {
    for (int i = 1; i < argc; i++)
        if (argv[i][0] >= '0' && argv[i][0] <= '9' && n-- == 0) return strtoull(argv[i], NULL, 10);
    return fallback;
}

int main(int argc, char **argv) {
    bool quick = rw_bench_quick(argc, argv);
    uint64_t messages = number(argc, argv, 0, quick ? 500000 : 2000000);
    uint64_t symbols = number(argc, argv, 1, messages / 1000);
    if (symbols > SYMBOLS_DAY) symbols = SYMBOLS_DAY;
    if (symbols < 1 || messages < rw_gen_messages_min((uint32_t)symbols)) {
        fprintf(stderr, "usage: bench_book [--quick] [MESSAGES [SYMBOLS]]\n");
        return 64;
    }
    struct day day = {.reads = map(READ_BYTES)};
    memset(day.reads, 1, READ_BYTES);
    make_day(&day, messages, (uint32_t)symbols);
    struct rw_book_cfg cfg = {.orders_max = day.live + day.live / 8 + 100000,
                              .levels_max = day.live + day.live / 8 + 100000};
    struct rw_book_counters counters = {0};
    size_t bytes = rw_book_footprint(&cfg);
    day.book = rw_book_new(map(bytes), &cfg, &counters);
    run_ahead(&day); /* touches all memory once */
    struct rw_bench_variant variants[] = {{"reads", run_reads, &day},
                                          {"decode", run_decode, &day},
                                          {"plain", run_plain, &day},
                                          {"ahead", run_ahead, &day},
                                          {"baseline", run_baseline, &day}};
    rw_bench_rounds(variants, 5, quick ? 3 : 7);
    printf("messages %" PRIu64 ", symbols %" PRIu64 ", live orders %" PRIu32 ", levels %" PRIu32
           ", memory %zu MB\n",
           day.count, symbols, day.live, rw_book_live_levels(day.book), bytes >> 20);
    const char *names[] = {"random_read_of_32_MB", "itch50_decode", "book_without_prefetch",
                           "book_with_prefetch", "plain_baseline"};
    for (int i = 0; i < 5; i++)
        printf("%s least %.1f median %.1f ns\n", names[i], variants[i].least, variants[i].median);
    rw_bench_value("book_to_plain_baseline", variants[3].least / variants[4].least, "x");
    rw_bench_at_most("itch50_decode_and_book_ns", variants[3].median, "ns/message", TARGET_NS);
    return day.seen == 0;
}
