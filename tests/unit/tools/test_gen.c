/* The simulated market against the product's books, and its two lines against what was sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/hash.h"
#include "dataplane/feed/itch50_book.h"
#include "tools/riskwire/book_csv.h"
#include "tools/riskwire/gen_lines.h"
#include "tools/riskwire/gen_market.h"
#include "tools/riskwire/itch_file.h"

#define MESSAGES 60000u
#define SYMBOLS  40u
#define TRUTHS   40u

static uint64_t seed(void) {
    const char *text = getenv("RW_SEED");
    uint64_t value = text ? strtoull(text, NULL, 10) : 1;
    printf("RW_SEED=%llu\n", (unsigned long long)value);
    return value;
}

static struct rw_gen_market_cfg market_cfg(uint64_t from) {
    return (struct rw_gen_market_cfg){
        .seed = from, .messages = MESSAGES, .symbols = SYMBOLS, .duration_ns = 6000000000ull};
}

struct bench {
    void *memory;
    struct rw_book *book;
    struct rw_book_counters counters;
};

static void make_books(struct bench *bench) {
    struct rw_book_cfg cfg = {.orders_max = MESSAGES, .levels_max = MESSAGES};
    memset(bench, 0, sizeof *bench);
    assert_int_equal(posix_memalign(&bench->memory, 64, rw_book_footprint(&cfg)), 0);
    bench->book = rw_book_new(bench->memory, &cfg, &bench->counters);
}

static void compare_books(const struct bench *bench, const struct rw_gen_market *market) {
    char *wanted = NULL, *got = NULL;
    size_t wanted_bytes = 0, got_bytes = 0;
    FILE *truth = open_memstream(&wanted, &wanted_bytes);
    FILE *books = open_memstream(&got, &got_bytes);
    rw_gen_market_truth(market, truth);
    rw_book_csv(books, bench->book, NULL, 0);
    fclose(truth);
    fclose(books);
    assert_int_equal(got_bytes, wanted_bytes);
    assert_memory_equal(got, wanted, wanted_bytes);
    free(wanted);
    free(got);
}

static void the_books_equal_the_markets_own_at_many_times(void **state) {
    struct rw_gen_market_cfg cfg = market_cfg(seed());
    struct rw_gen_market *market = rw_gen_market_new(&cfg);
    struct rw_gen_message message;
    struct rw_book_event event;
    struct bench bench;
    uint64_t made = 0, last_ns = 0, compared = 0;
    make_books(&bench);
    while (rw_gen_market_next(market, &message)) {
        assert_int_equal(rw_itch50_apply(bench.book, message.message, message.bytes, &event),
                         RW_ITCH50_OK);
        assert_true(message.time_ns >= last_ns);
        assert_int_equal(event.event_time_ns, message.time_ns);
        last_ns = message.time_ns;
        made++;
        if (message.trade_shares) {
            assert_int_equal(event.changed & RW_BOOK_TRADE, RW_BOOK_TRADE);
            assert_int_equal(event.price, message.trade_price);
            assert_int_equal(event.quantity, message.trade_shares);
            assert_int_equal(event.match_number, message.match_number);
            assert_true(event.printable);
        }
        if (compared * MESSAGES / TRUTHS > made || rw_gen_market_time(market) == last_ns) continue;
        compare_books(&bench, market);
        compared++;
    }
    assert_int_equal(made, MESSAGES);
    assert_true(compared >= TRUTHS);
    compare_books(&bench, market);
    rw_book_check(bench.book);
    rw_stat *refusals[] = {&bench.counters.unknown_reference, &bench.counters.duplicate_reference,
                           &bench.counters.bad_order,         &bench.counters.excess_reduction,
                           &bench.counters.foreign_locate,    &bench.counters.orders_full,
                           &bench.counters.levels_full};
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++)
        assert_int_equal(rw_stat_get(refusals[i]), 0);
    rw_gen_market_free(market);
    free(bench.memory);
}

static struct rw_hash hash_of(uint64_t from) {
    struct rw_gen_market_cfg cfg = market_cfg(from);
    struct rw_gen_market *market = rw_gen_market_new(&cfg);
    struct rw_gen_message message;
    struct rw_hash hash = {0, 0};
    while (rw_gen_market_next(market, &message))
        hash = rw_hash_chain(hash, message.message, message.bytes);
    rw_gen_market_free(market);
    return hash;
}

static void a_seed_gives_the_same_session_again_and_another_one_does_not(void **state) {
    struct rw_hash first = hash_of(5);
    assert_true(rw_hash_equal(first, hash_of(5)));
    assert_false(rw_hash_equal(first, hash_of(6)));
}

static void a_later_life_has_the_same_symbols_other_orders_and_its_own_start(void **state) {
    struct rw_gen_market_cfg cfg = market_cfg(5), later = cfg;
    later.life = 1;
    later.start_ns = 12 * 3600000000000ull;
    struct rw_gen_market *first = rw_gen_market_new(&cfg), *second = rw_gen_market_new(&later);
    struct rw_gen_message a, b;
    uint64_t adds = 0, same = 0;
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        struct rw_gen_symbol_info x = rw_gen_market_symbol(first, i);
        struct rw_gen_symbol_info y = rw_gen_market_symbol(second, i);
        assert_memory_equal(x.name, y.name, sizeof x.name);
        assert_int_equal(x.locate, y.locate);
    }
    while (rw_gen_market_next(first, &a) && rw_gen_market_next(second, &b)) {
        assert_true(b.time_ns >= later.start_ns);
        if (a.message[0] != 'A') continue;
        adds++;
        same += b.message[0] == 'A' && memcmp(a.message + 11, b.message + 11, 25) == 0;
    }
    assert_true(adds > MESSAGES / 3 && same < adds / 100);
    rw_gen_market_free(first);
    rw_gen_market_free(second);
}

static void venues_of_one_listing_trade_the_same_instruments_at_near_prices(void **state) {
    struct rw_gen_market *venue[2];
    int32_t last[2][SYMBOLS] = {{0}};
    for (uint32_t v = 0; v < 2; v++) {
        struct rw_gen_market_cfg cfg = market_cfg(1 + v);
        struct rw_gen_message message;
        cfg.listed = true;
        cfg.listing = seed();
        venue[v] = rw_gen_market_new(&cfg);
        while (rw_gen_market_next(venue[v], &message))
            if (message.trade_shares) last[v][message.symbol] = message.trade_price;
    }
    uint32_t compared = 0;
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        struct rw_gen_symbol_info a = rw_gen_market_symbol(venue[0], i);
        struct rw_gen_symbol_info b = rw_gen_market_symbol(venue[1], i);
        assert_memory_equal(a.name, b.name, sizeof a.name);
        assert_int_equal(a.start_price, b.start_price);
        if (!last[0][i] || !last[1][i]) continue;
        assert_in_range(last[0][i], last[1][i] * 95ll / 100 - 1000,
                        last[1][i] * 105ll / 100 + 1000);
        compared++;
    }
    assert_true(compared > SYMBOLS / 2);
    for (uint32_t v = 0; v < 2; v++) rw_gen_market_free(venue[v]);
}

static void a_session_has_every_type_and_the_mix_of_a_day(void **state) {
    struct rw_gen_market_cfg cfg = market_cfg(2);
    struct rw_gen_market *market = rw_gen_market_new(&cfg);
    struct rw_gen_message message;
    uint32_t count[256] = {0};
    char events[16] = "";
    uint32_t event_count = 0;
    while (rw_gen_market_next(market, &message)) {
        count[message.message[0]]++;
        if (message.message[0] == 'S' && event_count < sizeof events - 1)
            events[event_count++] = (char)*rw_itch50_system_event_code(message.message);
    }
    for (uint32_t i = 0; i < RW_ITCH50_TYPE_COUNT; i++)
        assert_true(count[(uint8_t)rw_itch50_types[i].code] > 0);
    assert_string_equal(events, "OSQMEC");
    assert_in_range(count['A'] + count['F'], MESSAGES * 38 / 100, MESSAGES * 55 / 100);
    assert_in_range(count['D'], MESSAGES * 28 / 100, MESSAGES * 45 / 100);
    assert_in_range(count['U'], MESSAGES * 7 / 100, MESSAGES * 10 / 100);
    assert_in_range(count['E'], MESSAGES * 1 / 100, MESSAGES * 7 / 100);
    assert_int_equal(count['R'], SYMBOLS);
    assert_true(count['Q'] >= 2 * SYMBOLS);
    rw_gen_market_free(market);
}

static void the_smallest_session_is_whole(void **state) {
    struct rw_gen_market_cfg cfg = {
        .seed = 1, .symbols = 3, .messages = rw_gen_messages_min(3), .duration_ns = 1000000000ull};
    struct rw_gen_market *market = rw_gen_market_new(&cfg);
    struct rw_gen_message message = {0};
    uint64_t made = 0;
    while (rw_gen_market_next(market, &message)) made++;
    assert_int_equal(made, cfg.messages);
    assert_memory_equal(rw_itch50_system_event_code(message.message), "C", 1);
    rw_gen_market_free(market);
}

/* ---- lines ---------------------------------------------------------------------------- */

struct lines {
    char path[2][256];
    struct rw_gen_lines_count count;
    uint8_t *seen; /* by sequence: bit 0 line A, bit 1 line B, and at bits 2.. the copies */
};

static void make_lines(struct lines *lines, uint32_t both_lost) {
    struct rw_gen_market_cfg market = market_cfg(4);
    const char *folder = getenv("TMPDIR");
    struct rw_gen_lines_cfg cfg = {.framing = rw_gen_framing_named("itch50"),
                                   .seed = 9,
                                   .midnight_ns = 1736139600000000000ull,
                                   .vlan = both_lost ? 42 : 0,
                                   .loss_ppm = 50000,
                                   .reorder_ppm = 50000,
                                   .duplicate_ppm = 50000,
                                   .skew_ns = 12000,
                                   .both_lost = both_lost,
                                   .messages = MESSAGES,
                                   .packet_wait_ns = 20000};
    memcpy(cfg.terms.session, "TEST000001", 10);
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(lines->path[i], sizeof lines->path[i], "%s/rw-line-XXXXXX",
                 folder ? folder : "/tmp");
        int fd = mkstemp(lines->path[i]);
        assert_true(fd >= 0);
        close(fd);
        cfg.path[i] = lines->path[i];
    }
    struct rw_gen_market *made = rw_gen_market_new(&market);
    struct rw_gen_lines *sent;
    struct rw_gen_message message;
    assert_int_equal(rw_gen_lines_open(&cfg, &sent), 0);
    while (rw_gen_market_next(made, &message))
        rw_gen_lines_add(sent, message.time_ns, message.message, message.bytes);
    assert_int_equal(rw_gen_lines_close(sent, &lines->count), 0);
    rw_gen_market_free(made);
    lines->seen = calloc(MESSAGES + 1, 1);
    assert_non_null(lines->seen);
}

/* Reads both lines back: time never falls, every message is one of the session's. */
static void read_lines(struct lines *lines, uint64_t *overtaken) {
    for (uint32_t i = 0; i < 2; i++) {
        struct rw_itch_file *file;
        struct rw_itch_item item;
        uint64_t last_ns = 0, highest = 0;
        assert_int_equal(rw_itch_file_open(lines->path[i], &file), 0);
        while (rw_itch_file_next(file, &item) > 0) {
            assert_true(item.time_ns >= last_ns);
            assert_in_range(item.sequence, 1, MESSAGES);
            assert_memory_equal(item.session, "TEST000001", 10);
            assert_int_equal(rw_itch50_check(item.message, item.bytes), RW_ITCH50_OK);
            last_ns = item.time_ns;
            *overtaken += item.sequence < highest;
            if (item.sequence > highest) highest = item.sequence;
            lines->seen[item.sequence] |= (uint8_t)(1u << i);
        }
        struct rw_itch_file_count count = rw_itch_file_counted(file);
        assert_int_equal(count.session_ends, 3);
        assert_int_equal(count.foreign_frames + count.bad_packets + count.cut, 0);
        rw_itch_file_close(file);
        unlink(lines->path[i]);
    }
}

static void no_message_is_lost_on_both_lines(void **state) {
    struct lines lines;
    uint64_t overtaken = 0, once = 0;
    make_lines(&lines, 0);
    read_lines(&lines, &overtaken);
    for (uint32_t i = 1; i <= MESSAGES; i++) {
        assert_int_not_equal(lines.seen[i], 0);
        once += lines.seen[i] != 3;
    }
    assert_true(once > MESSAGES / 20);
    assert_true(overtaken > MESSAGES / 50);
    assert_int_equal(lines.count.both_lost, 0);
    for (uint32_t i = 0; i < 2; i++)
        assert_true(lines.count.lost[i] && lines.count.reordered[i] && lines.count.duplicated[i]);
    free(lines.seen);
}

static void as_many_packets_as_asked_for_are_lost_on_both_lines(void **state) {
    struct lines lines;
    uint64_t overtaken = 0, never = 0, runs = 0;
    make_lines(&lines, 3);
    read_lines(&lines, &overtaken);
    for (uint32_t i = 1; i <= MESSAGES; i++) {
        never += lines.seen[i] == 0;
        runs += lines.seen[i] == 0 && lines.seen[i - 1] != 0;
    }
    assert_int_equal(lines.count.both_lost, 3);
    assert_int_equal(lines.count.both_lost_messages, never);
    assert_int_equal(runs, 3);
    free(lines.seen);
}

static void as_many_orders_are_alive_as_asked_for(void **state) {
    struct rw_gen_market_cfg cfg = market_cfg(3);
    cfg.live = 9000;
    struct rw_gen_market *market = rw_gen_market_new(&cfg);
    struct rw_gen_message message;
    for (uint32_t i = 0; i < MESSAGES; i++) {
        assert_true(rw_gen_market_next(market, &message));
        uint32_t live = rw_gen_market_live(market);
        if (i > MESSAGES / 2 && i < MESSAGES * 9 / 10) assert_true(live > 8000 && live < 10000);
    }
    rw_gen_market_free(market);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_smallest_session_is_whole),
        cmocka_unit_test(venues_of_one_listing_trade_the_same_instruments_at_near_prices),
        cmocka_unit_test(a_session_has_every_type_and_the_mix_of_a_day),
        cmocka_unit_test(a_seed_gives_the_same_session_again_and_another_one_does_not),
        cmocka_unit_test(a_later_life_has_the_same_symbols_other_orders_and_its_own_start),
        cmocka_unit_test(the_books_equal_the_markets_own_at_many_times),
        cmocka_unit_test(no_message_is_lost_on_both_lines),
        cmocka_unit_test(as_many_packets_as_asked_for_are_lost_on_both_lines),
        cmocka_unit_test(as_many_orders_are_alive_as_asked_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
