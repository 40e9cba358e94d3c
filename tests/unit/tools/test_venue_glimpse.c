/* The snapshot: whoever applies it, and then the live messages from its number on, has the venue's
 * books at any time. */
#include "tests/unit/tools/venue_fixture.h"
#include "tools/riskwire/venue_glimpse.h"

/* Applies a snapshot's log and returns the number in its last message. */
static uint64_t apply_snapshot(struct books *books, const struct rw_venue_log *log,
                               uint64_t counts[256]) {
    uint32_t bytes;
    char digits[21] = "";
    for (uint64_t i = 1; i < log->count; i++) {
        const uint8_t *message = rw_venue_log_get(log, i, &bytes);
        assert_int_equal(rw_itch50_check(message, bytes), RW_ITCH50_OK);
        books_apply(books, message, bytes);
        counts[message[0]]++;
    }
    const uint8_t *last = rw_venue_log_get(log, log->count, &bytes);
    assert_int_equal(bytes, 21);
    assert_int_equal(last[0], 'G');
    memcpy(digits, last + 1, 20);
    return strtoull(digits, NULL, 10);
}

static void apply_live(struct books *books, const struct rw_venue_core *venue, uint64_t from) {
    const struct rw_venue_log *log = rw_venue_messages(venue, rw_venue_life(venue));
    for (uint32_t bytes; from <= log->count; from++) {
        const uint8_t *message = rw_venue_log_get(log, from, &bytes);
        books_apply(books, message, bytes);
    }
}

static void a_snapshot_and_what_comes_after_it_give_the_venues_books(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(venue_seed());
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    struct rw_venue_glimpse_cfg form = {0};
    struct rw_venue_glimpse *glimpse = rw_venue_glimpse_new(venue, SYMBOLS, &form);
    rw_venue_begin(venue, 0);
    for (uint64_t at = 1; at + 1500 < MESSAGES; at += 1999) {
        struct rw_venue_log log = {0};
        struct books books;
        uint64_t counts[256] = {0};
        venue_publish(venue, at);
        books_make(&books);
        uint64_t number = rw_venue_glimpse_write(glimpse, &log);
        assert_int_equal(apply_snapshot(&books, &log, counts), number);
        assert_int_equal(number, rw_venue_messages(venue, 0)->count + 1);
        books_equal_the_venues(books.book, venue);
        assert_int_equal(counts['A'] + counts['F'], rw_gen_market_live(rw_venue_market(venue)));
        if (at > 500)
            assert_true(counts['R'] == SYMBOLS && counts['H'] == SYMBOLS && counts['Y'] == SYMBOLS);
        venue_publish(venue, at + 1500);
        apply_live(&books, venue, number);
        books_equal_the_venues(books.book, venue);
        rw_book_check(books.book);
        rw_venue_log_fini(&log);
        free(books.memory);
    }
    rw_venue_glimpse_free(glimpse);
    rw_venue_free(venue);
}

/* Priority: an execution always hits the first order of its level, so live messages after a
 * snapshot name orders that were in it, attributed ones under their firm. */
static void attributed_orders_keep_their_firm(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(venue_seed());
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    struct rw_venue_glimpse_cfg form = {0};
    struct rw_venue_glimpse *glimpse = rw_venue_glimpse_new(venue, SYMBOLS, &form);
    struct rw_venue_log log = {0};
    rw_venue_begin(venue, 0);
    venue_publish(venue, MESSAGES * 3 / 4);
    rw_venue_glimpse_write(glimpse, &log);
    const struct rw_venue_log *live = rw_venue_messages(venue, 0);
    uint64_t found = 0, checked = 0;
    for (uint64_t i = 1; i <= log.count; i++) {
        uint32_t bytes;
        const uint8_t *order = rw_venue_log_get(&log, i, &bytes);
        if (order[0] != 'F') continue;
        checked++;
        for (uint64_t k = 1; k <= live->count; k++) {
            const uint8_t *message = rw_venue_log_get(live, k, &bytes);
            if (message[0] != 'F' || memcmp(message + 11, order + 11, 8) != 0) continue;
            assert_memory_equal(message + 24, order + 24, 16); /* symbol, price, attribution */
            found++;
        }
    }
    assert_true(checked > 0);
    assert_true(found <= checked && found > 0); /* the others were replaced under a new number */
    rw_venue_log_fini(&log);
    rw_venue_glimpse_free(glimpse);
    rw_venue_free(venue);
}

static void after_a_restart_only_the_new_life_is_in_it(void **state) {
    struct rw_venue_cfg cfg = venue_cfg(venue_seed());
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    struct rw_venue_glimpse_cfg form = {0};
    struct rw_venue_glimpse *glimpse = rw_venue_glimpse_new(venue, SYMBOLS, &form);
    struct rw_venue_log before = {0}, empty = {0}, after = {0};
    struct books books;
    uint64_t counts[256] = {0};
    rw_venue_begin(venue, 0);
    uint64_t now_ns = venue_publish(venue, 9000);
    rw_venue_glimpse_write(glimpse, &before);
    rw_venue_restart(venue, now_ns, RW_VENUE_SAME_SESSION);
    assert_int_equal(rw_venue_glimpse_write(glimpse, &empty), 1);
    assert_int_equal(empty.count, 1);
    venue_publish(venue, 3000);
    rw_venue_glimpse_write(glimpse, &after);
    books_make(&books);
    apply_snapshot(&books, &after, counts);
    books_equal_the_venues(books.book, venue);
    rw_venue_log_fini(&before);
    rw_venue_log_fini(&empty);
    rw_venue_log_fini(&after);
    free(books.memory);
    rw_venue_glimpse_free(glimpse);
    rw_venue_free(venue);
}

static void the_number_comes_in_the_forms_of_the_venues(void **state) {
    static const struct {
        struct rw_venue_glimpse_cfg cfg;
        const char *wanted;
        uint32_t bytes;
    } forms[] = {
        {{RW_VENUE_DIGITS_RIGHT, false}, "G                   1", 21},
        {{RW_VENUE_DIGITS_LEFT, false}, "G1                   ", 21},
        {{RW_VENUE_DIGITS_ZEROES, false}, "G00000000000000000001", 21},
        {{RW_VENUE_DIGITS_ZEROES, true}, "G00000000000000000000", 21},
        {{RW_VENUE_BINARY, false}, "G\0\0\0\0\0\0\0\1", 9},
    };
    struct rw_venue_cfg cfg = venue_cfg(1);
    struct rw_venue_core *venue = rw_venue_new(&cfg);
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct rw_venue_glimpse *glimpse = rw_venue_glimpse_new(venue, SYMBOLS, &forms[i].cfg);
        struct rw_venue_log log = {0};
        uint32_t bytes;
        rw_venue_glimpse_write(glimpse, &log);
        const uint8_t *last = rw_venue_log_get(&log, log.count, &bytes);
        assert_int_equal(bytes, forms[i].bytes);
        assert_memory_equal(last, forms[i].wanted, bytes);
        rw_venue_log_fini(&log);
        rw_venue_glimpse_free(glimpse);
    }
    rw_venue_free(venue);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_number_comes_in_the_forms_of_the_venues),
        cmocka_unit_test(a_snapshot_and_what_comes_after_it_give_the_venues_books),
        cmocka_unit_test(attributed_orders_keep_their_firm),
        cmocka_unit_test(after_a_restart_only_the_new_life_is_in_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
