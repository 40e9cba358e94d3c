/* The drop copy against the public feed: a naive client keeps the firm's orders from it, and every
 * execution is one that the feed has too. */
#include "dataplane/feed/ouch50.h"
#include "tests/unit/tools/venue_fixture.h"
#include "tools/riskwire/venue_dropcopy.h"

#define USERS_MAX 20000u
#define MATCHES   20000u

static uint32_t accounts[SYMBOLS][RW_VENUE_ACCOUNTS];

/* An execution as the public feed has it. */
struct match {
    uint64_t number;
    uint32_t shares, symbol;
    int32_t price;
};

struct bench {
    struct rw_venue_core *venue;
    struct rw_venue_dropcopy *dropcopy;
    struct rw_venue_fill fill[MATCHES];
    uint32_t fills, fills_seen;
    struct match match[MATCHES];
    uint32_t matches, hidden;
    struct {
        uint32_t quantity, symbol, portfolio;
        bool known;
        char side;
    } order[USERS_MAX];
    uint64_t count[256], live, last_match;
};

static void note_fill(void *context, const struct rw_venue_fill *fill) {
    struct bench *bench = context;
    assert_true(bench->fills < MATCHES);
    bench->fill[bench->fills++] = *fill;
}

static struct bench *make(uint64_t seed, uint32_t own_percent) {
    struct bench *bench = calloc(1, sizeof *bench);
    struct rw_venue_cfg cfg = venue_cfg(seed);
    assert_non_null(bench);
    for (uint32_t i = 0; i < SYMBOLS; i++)
        for (uint32_t k = 0; k < RW_VENUE_ACCOUNTS; k++) accounts[i][k] = 1 + i * 10 + k;
    struct rw_venue_dropcopy_cfg dropcopy = {.seed = seed,
                                             .symbols = SYMBOLS,
                                             .own_percent = own_percent,
                                             .accounts = (const uint32_t(*)[4])accounts,
                                             .fill = note_fill,
                                             .context = bench};
    bench->venue = rw_venue_new(&cfg);
    bench->dropcopy = rw_venue_dropcopy_new(bench->venue, &dropcopy);
    rw_venue_begin(bench->venue, 0);
    return bench;
}

static void fini(struct bench *bench) {
    rw_venue_dropcopy_free(bench->dropcopy);
    rw_venue_free(bench->venue);
    free(bench);
}

/* ---- the public feed ------------------------------------------------------------------------ */

/* Every execution of all lives; prices of E come from the adds, replayed naively. */
static void read_feed(struct bench *bench) {
    for (uint32_t life = 0; life <= rw_venue_life(bench->venue); life++) {
        const struct rw_venue_log *log = rw_venue_messages(bench->venue, life);
        struct books books;
        books_make(&books);
        for (uint64_t i = 1; i <= log->count; i++) {
            uint32_t bytes;
            const uint8_t *message = rw_venue_log_get(log, i, &bytes);
            struct rw_book_event event;
            rw_itch50_apply(books.book, message, bytes, &event);
            bench->hidden += message[0] == 'P';
            if (!strchr("ECP", message[0])) continue;
            assert_true(bench->matches < MATCHES);
            bench->match[bench->matches++] = (struct match){.number = event.match_number,
                                                            .shares = (uint32_t)event.quantity,
                                                            .symbol = event.locate - 1u,
                                                            .price = event.price};
        }
        free(books.memory);
    }
}

static const struct match *find_match(const struct bench *bench, uint64_t number) {
    for (uint32_t i = 0; i < bench->matches; i++)
        if (bench->match[i].number == number) return &bench->match[i];
    return NULL;
}

/* ---- a naive client ------------------------------------------------------------------------- */

static uint64_t field(const struct rw_message_type *type, const uint8_t *message,
                      const char *name) {
    for (uint32_t i = 0; i < type->field_count; i++)
        if (!strcmp(type->field[i].name, name))
            return rw_field_uint(message, &type->field[i], RW_ORDER_BIG);
    fail_msg("no field %s", name);
    return 0;
}

static void take_order(struct bench *bench, const struct rw_message_type *type,
                       const uint8_t *message, uint32_t clordid_at, uint32_t symbol_at) {
    uint64_t user = field(type, message, "user_ref_num");
    char clordid[15] = "", portfolio[6] = "";
    assert_true(user < USERS_MAX && !bench->order[user].known);
    memcpy(clordid, message + clordid_at, 14);
    memcpy(portfolio, clordid + 2, 5);
    assert_memory_equal(clordid, "PF", 2);
    assert_int_equal(strtoull(clordid + 7, NULL, 10), user);
    bench->order[user].known = true;
    bench->order[user].quantity = (uint32_t)field(type, message, "quantity");
    bench->order[user].portfolio = (uint32_t)strtoull(portfolio, NULL, 10);
    bench->order[user].side = (char)message[symbol_at - 5];
    uint32_t symbol = (bench->order[user].portfolio - 1) / 10;
    struct rw_gen_symbol_info info = rw_gen_market_symbol(rw_venue_market(bench->venue), symbol);
    bench->order[user].symbol = symbol;
    assert_memory_equal(message + symbol_at, info.name, 8);
    bench->live++;
}

static void take_off(struct bench *bench, uint64_t user, uint64_t quantity) {
    assert_true(bench->order[user].known && quantity >= 1);
    assert_true(bench->order[user].quantity >= quantity);
    bench->order[user].quantity -= (uint32_t)quantity;
    bench->live -= bench->order[user].quantity == 0;
}

static void take_fill(struct bench *bench, const struct rw_message_type *type,
                      const uint8_t *message) {
    uint64_t user = field(type, message, "user_ref_num"), number;
    number = field(type, message, "match_number");
    const struct match *match = find_match(bench, number);
    const struct rw_venue_fill *fill = &bench->fill[bench->fills_seen++];
    assert_true(number > bench->last_match); /* so nobody trades with himself */
    bench->last_match = number;
    assert_non_null(match);
    assert_int_equal(field(type, message, "quantity"), match->shares);
    assert_int_equal(field(type, message, "price"), match->price);
    assert_int_equal(bench->order[user].symbol, match->symbol);
    assert_int_equal(fill->match_number, number);
    assert_int_equal(fill->quantity, match->shares);
    assert_int_equal(fill->price, match->price);
    assert_int_equal(fill->portfolio, bench->order[user].portfolio);
    assert_int_equal(fill->symbol, match->symbol);
    assert_int_equal(fill->side, bench->order[user].side);
    take_off(bench, user, field(type, message, "quantity"));
}

static void read_dropcopy(struct bench *bench) {
    const struct rw_venue_log *log = rw_venue_dropcopy_log(bench->dropcopy);
    for (uint64_t i = 1; i <= log->count; i++) {
        const struct rw_message_type *type;
        uint32_t bytes;
        const uint8_t *message = rw_venue_log_get(log, i, &bytes);
        assert_int_equal(rw_ouch50_find(&rw_ouch50_out_table, message, bytes, &type),
                         RW_MESSAGE_OK);
        bench->count[message[0]]++;
        if (message[0] == 'A') take_order(bench, type, message, 48, 18);
        if (message[0] == 'C')
            take_off(bench, field(type, message, "user_ref_num"), field(type, message, "quantity"));
        if (message[0] == 'E') take_fill(bench, type, message);
        if (message[0] == 'U') {
            uint64_t original = field(type, message, "orig_user_ref_num");
            take_off(bench, original, bench->order[original].quantity);
            take_order(bench, type, message, 52, 22);
        }
    }
    assert_int_equal(bench->fills, bench->fills_seen);
    struct rw_venue_dropcopy_count count = rw_venue_dropcopy_counted(bench->dropcopy);
    assert_int_equal(count.accepted, bench->count['A']);
    assert_int_equal(count.replaced, bench->count['U']);
    assert_int_equal(count.canceled, bench->count['C']);
    assert_int_equal(count.executed, bench->count['E']);
    assert_int_equal(count.broken, bench->count['B']);
    assert_int_equal(count.live, bench->live);
}

/* ---- facts ---------------------------------------------------------------------------------- */

static void every_fill_is_a_trade_of_the_public_feed_and_orders_add_up(void **state) {
    struct bench *bench = make(venue_seed(), 20);
    while (rw_venue_messages(bench->venue, 0)->count < MESSAGES) {
        struct rw_venue_packet packet;
        rw_venue_next(bench->venue, &packet);
        rw_venue_dropcopy_follow(bench->dropcopy);
    }
    read_feed(bench);
    read_dropcopy(bench);
    assert_int_equal(bench->count['S'], 2);
    assert_in_range(bench->count['A'], MESSAGES * 6 / 100, MESSAGES * 12 / 100);
    assert_in_range(bench->count['E'], bench->matches / 5, bench->matches / 2);
    fini(bench);
}

static void without_own_orders_there_are_only_the_two_events(void **state) {
    struct bench *bench = make(3, 0);
    venue_publish(bench->venue, MESSAGES);
    rw_venue_dropcopy_follow(bench->dropcopy);
    assert_int_equal(rw_venue_dropcopy_log(bench->dropcopy)->count, 2);
    fini(bench);
}

static void who_owns_an_order_does_not_depend_on_when_it_is_asked(void **state) {
    struct bench *often = make(4, 20), *once = make(4, 20);
    for (uint64_t at = 100; at <= MESSAGES; at += 100) {
        venue_publish(often->venue, at);
        rw_venue_dropcopy_follow(often->dropcopy);
    }
    venue_publish(once->venue, MESSAGES);
    rw_venue_dropcopy_follow(once->dropcopy);
    const struct rw_venue_log *a = rw_venue_dropcopy_log(often->dropcopy);
    const struct rw_venue_log *b = rw_venue_dropcopy_log(once->dropcopy);
    assert_int_equal(a->count, b->count);
    assert_memory_equal(a->end, b->end, a->count * sizeof *a->end);
    assert_memory_equal(a->bytes, b->bytes, a->end[a->count - 1]);
    fini(often);
    fini(once);
}

static void a_restart_cancels_what_is_live_and_counts_on(void **state) {
    struct bench *bench = make(venue_seed(), 30);
    uint64_t now_ns = venue_publish(bench->venue, 8000);
    rw_venue_dropcopy_follow(bench->dropcopy);
    assert_true(rw_venue_dropcopy_counted(bench->dropcopy).live > 10);
    rw_venue_restart(bench->venue, now_ns, RW_VENUE_SAME_SESSION);
    rw_venue_dropcopy_follow(bench->dropcopy);
    assert_int_equal(rw_venue_dropcopy_counted(bench->dropcopy).live, 0);
    venue_publish(bench->venue, 5000);
    rw_venue_dropcopy_follow(bench->dropcopy);
    read_feed(bench);
    read_dropcopy(bench); /* match numbers and user references rise through the restart */
    assert_true(bench->live > 0);
    fini(bench);
}

/* The market breaks its last trade now and then; with all orders its own, the firm hears of it. */
static void a_broken_trade_is_told_when_it_was_an_own_one(void **state) {
    struct bench *bench = make(venue_seed(), 100);
    uint64_t breaks = 0;
    venue_publish(bench->venue, MESSAGES);
    rw_venue_dropcopy_follow(bench->dropcopy);
    const struct rw_venue_log *log = rw_venue_messages(bench->venue, 0);
    read_feed(bench);
    read_dropcopy(bench);
    for (uint64_t i = 1; i <= log->count; i++) {
        uint32_t bytes;
        const uint8_t *message = rw_venue_log_get(log, i, &bytes);
        if (message[0] != 'B') continue;
        breaks += find_match(bench, rw_itch50_broken_match_number(message)) != NULL;
    }
    assert_int_equal(bench->count['B'], breaks);
    assert_int_equal(bench->count['E'], bench->matches);
    fini(bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_own_orders_there_are_only_the_two_events),
        cmocka_unit_test(every_fill_is_a_trade_of_the_public_feed_and_orders_add_up),
        cmocka_unit_test(who_owns_an_order_does_not_depend_on_when_it_is_asked),
        cmocka_unit_test(a_restart_cancels_what_is_live_and_counts_on),
        cmocka_unit_test(a_broken_trade_is_told_when_it_was_an_own_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
