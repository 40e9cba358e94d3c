/* MDP 3.0 packets into books and ticks: what each template does, random sessions beside a naive
 * market, and packets lost and mended by the snapshot loop. */
#include "dataplane/feed/mdp3_book.h"
#include "dataplane/feed/mdp3_write.h"
#include "tests/unit/feed/venue_fixture.h"

#define MIDNIGHT_NS   1736139600000000000ull /* 2025-01-06 in New York */
#define PACKET_BYTES  1400u
#define SECURITY(i)   (int32_t)(1000 + 7 * (i))
#define FACTOR        10000000ll        /* display factor 0.01 */
#define RAW(px)       ((px)*10000000ll) /* a price of 1e-4 as the venue tells it with that factor */
#define END_OF_EVENT  0x80u
#define SNAPSHOTS_MAX 64u

/* An exchange: the open packet, what each instrument was told, and snapshots on their way. */
struct exchange {
    struct venue_feed *feed;
    uint32_t sequence;      /* of the next packet */
    uint32_t loop_sequence; /* of the next packet of the loop */
    uint32_t lose;          /* packets of the stream that will not arrive */
    uint8_t packet[PACKET_BYTES];
    size_t used;
    uint64_t time_ns;
    uint32_t number[SYMBOLS]; /* rpt_seq */
    struct rw_mdp3_side told[SYMBOLS][2];
    struct rw_rng rng;
    struct late {
        uint32_t due; /* sent before this packet of the stream */
        size_t bytes;
        uint8_t payload[PACKET_BYTES];
    } late[SNAPSHOTS_MAX];
    uint32_t late_count;
};

static void exchange_open(struct exchange *exchange, uint64_t first) {
    struct rw_books_cfg books = {.book = {.orders_max = 1024, .levels_max = 1024},
                                 .instruments_max = 64,
                                 .midnight_ns = MIDNIGHT_NS};
    memset(exchange, 0, sizeof *exchange);
    exchange->feed = feed_new_from(&rw_mdp3_venue, &books, first);
    exchange->sequence = exchange->loop_sequence = 1;
    exchange->time_ns = TIME_START_NS;
    for (uint32_t i = 0; i < SYMBOLS; i++) exchange->told[i][0].bid = true;
    rw_rng_seed(&exchange->rng, 77);
}

static void begin(struct exchange *exchange) {
    exchange->used =
        rw_mdp3_put_header(exchange->packet, exchange->sequence, MIDNIGHT_NS + exchange->time_ns);
}

/* Sends the open packet, unless it is to be lost. */
static void end(struct exchange *exchange) {
    exchange->sequence++;
    exchange->feed->count = 0;
    if (exchange->lose) {
        exchange->lose--;
        return;
    }
    feed_payload(exchange->feed, 0, exchange->packet, exchange->used);
}

static void draft(struct exchange *exchange, struct rw_mdp3_draft *drafted, uint16_t template_id) {
    rw_mdp3_draft_begin(drafted, exchange->packet + exchange->used, PACKET_BYTES - exchange->used,
                        template_id);
}

static void done(struct exchange *exchange, struct rw_mdp3_draft *drafted) {
    exchange->used += rw_mdp3_draft_end(drafted);
}

/* The root of an increment. */
static void increment(struct exchange *exchange, struct rw_mdp3_draft *drafted,
                      uint16_t template_id, uint8_t indicator) {
    draft(exchange, drafted, template_id);
    uint8_t *root = rw_mdp3_draft_root(drafted);
    RW_MDP3_PUT(increment, transact_time, root, MIDNIGHT_NS + exchange->time_ns);
    RW_MDP3_PUT(increment, match_event_indicator, root, indicator);
}

static void put_level(struct exchange *exchange, struct rw_mdp3_draft *drafted, uint32_t symbol,
                      char type, uint32_t action, uint32_t level, int64_t price, int32_t quantity,
                      int32_t orders) {
    uint8_t *entry = rw_mdp3_draft_entry(drafted, 0);
    assert_non_null(entry);
    RW_MDP3_PUT(book_entry, md_entry_px_optional_ex, entry, price);
    RW_MDP3_PUT(book_entry, md_entry_size_short_optional, entry, quantity);
    RW_MDP3_PUT(book_entry, security_id, entry, SECURITY(symbol));
    RW_MDP3_PUT(book_entry, rpt_seq, entry, ++exchange->number[symbol]);
    RW_MDP3_PUT(book_entry, number_of_orders_optional, entry, orders);
    RW_MDP3_PUT(book_entry, md_price_level, entry, level);
    RW_MDP3_PUT(book_entry, md_update_action, entry, action);
    RW_MDP3_PUT(book_entry, md_entry_type_book, entry, type);
}

/* One packet with one level of one instrument. */
static void send_level(struct exchange *exchange, uint32_t symbol, char type, uint32_t action,
                       uint32_t level, int64_t price, int32_t quantity, uint8_t indicator) {
    struct rw_mdp3_draft drafted;
    begin(exchange);
    increment(exchange, &drafted, 46, indicator);
    put_level(exchange, &drafted, symbol, type, action, level, price, quantity, 1);
    done(exchange, &drafted);
    end(exchange);
}

static void put_definition(struct exchange *exchange, uint32_t symbol, const char *name,
                           uint32_t reports) {
    struct rw_mdp3_draft drafted;
    draft(exchange, &drafted, 54);
    uint8_t *root = rw_mdp3_draft_root(&drafted);
    RW_MDP3_PUT(future, tot_num_reports_optional, root, reports);
    RW_MDP3_PUT(future, md_security_trading_status, root, 17);
    RW_MDP3_PUT(future, security_id, root, SECURITY(symbol));
    RW_MDP3_PUT(future, display_factor, root, FACTOR);
    RW_MDP3_PUT_TEXT(future, symbol, root, name);
    RW_MDP3_PUT_TEXT(future, security_group, root, symbol < 3 ? "GG" : "HH");
    RW_MDP3_PUT_TEXT(future, asset, root, symbol % 2 ? "A1" : "A0");
    rw_mdp3_draft_entry(&drafted, 0);
    uint8_t *feed = rw_mdp3_draft_entry(&drafted, 1);
    memcpy(feed, "GBX", 3);
    RW_MDP3_PUT(feed_type, market_depth, feed, RW_MDP3_DEPTH);
    done(exchange, &drafted);
}

static void define_all(struct exchange *exchange) {
    for (uint32_t i = 0; i < SYMBOLS; i++) {
        begin(exchange);
        put_definition(exchange, i, symbol_names[i], UINT32_MAX); /* null: in the stream */
        end(exchange);
    }
}

static void what_cannot_be_read_is_counted_and_changes_nothing(void **state) {
    struct exchange exchange;
    uint8_t packet[64] = {0};
    exchange_open(&exchange, 1);
    feed_payload(exchange.feed, 0, packet, 11);
    assert_int_equal(rw_stat_get(&exchange.feed->channel.short_header), 1);
    size_t used = rw_mdp3_put_header(packet, exchange.sequence++, 1);
    rw_store_le16(packet + used, 20); /* template 0 of schema 1 */
    rw_store_le16(packet + used + 6, 1);
    feed_payload(exchange.feed, 0, packet, used + 20);
    assert_int_equal(feed_own(exchange.feed, "unknown_template"), 1);
    rw_mdp3_put_header(packet, exchange.sequence++, 1);
    feed_payload(exchange.feed, 0, packet, used + 19);
    assert_int_equal(feed_own(exchange.feed, "cut"), 1);
    assert_int_equal(exchange.feed->count, 0);
    assert_int_equal(rw_stat_get(&exchange.feed->feed.messages), 2);
    feed_free(exchange.feed);
}

static void a_bbo_is_told_when_the_event_ends(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, 1);
    send_level(&exchange, 0, '0', 0, 1, 500 * 100000ll, 5, 0);
    assert_int_equal(exchange.feed->count, 0);
    send_level(&exchange, 1, '1', 0, 1, 700 * 100000ll, 7, 0x04);
    assert_int_equal(exchange.feed->count, 0);
    struct rw_mdp3_draft drafted;
    begin(&exchange);
    increment(&exchange, &drafted, 46, END_OF_EVENT); /* without an entry */
    done(&exchange, &drafted);
    end(&exchange);
    assert_int_equal(exchange.feed->count, 4); /* two symbols, two BBOs */
    struct rw_tick_body bid = tick_of(&exchange.feed->out[1]);
    struct rw_tick_body ask = tick_of(&exchange.feed->out[3]);
    assert_int_equal(bid.bid_price, 500);
    assert_int_equal(bid.bid_quantity, 5);
    assert_int_equal(ask.ask_price, 700);
    assert_int_equal(ask.venue_sequence, 3);
    assert_int_equal(ask.index, 4); /* of the second event */
    assert_int_equal(exchange.feed->out[1].event_time_ns, TIME_START_NS);
    feed_free(exchange.feed);
}

static void an_event_left_open_is_told_when_another_transaction_begins(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, 1);
    send_level(&exchange, 0, '0', 0, 1, 500 * 100000ll, 5, 0);
    exchange.time_ns += 5;
    send_level(&exchange, 0, '0', 1, 1, 500 * 100000ll, 6, 0);
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_int_equal(body.bid_quantity, 5);
    feed_free(exchange.feed);
}

static void the_better_of_outright_and_implied_is_the_bbo(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, 1);
    send_level(&exchange, 0, '0', 0, 1, 500 * 100000ll, 5, END_OF_EVENT);
    send_level(&exchange, 0, 'E', 0, 1, 500 * 100000ll, 3, END_OF_EVENT);
    assert_int_equal(tick_of(tick_kind(exchange.feed, RW_TICK_BBO)).bid_quantity, 8);
    send_level(&exchange, 0, 'E', 0, 1, 501 * 100000ll, 2, END_OF_EVENT);
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_int_equal(body.bid_price, 501);
    assert_int_equal(body.bid_quantity, 2);
    send_level(&exchange, 0, 'F', 0, 1, 509 * 100000ll, 4, END_OF_EVENT);
    assert_int_equal(tick_of(tick_kind(exchange.feed, RW_TICK_BBO)).ask_price, 509);
    feed_free(exchange.feed);
}

static void prices_that_do_not_fit_leave_a_side_empty_and_are_counted(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, 1);
    send_level(&exchange, 0, '0', 0, 1, -500 * 100000ll, 5, END_OF_EVENT);
    assert_null(tick_kind(exchange.feed, RW_TICK_BBO));
    send_level(&exchange, 0, '1', 0, 1, INT64_MAX - 1, 5, END_OF_EVENT);
    assert_null(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_true(feed_own(exchange.feed, "price_range") >= 2);
    send_level(&exchange, 1, '0', 0, 1, INT32_MAX * 100000ll, 5, END_OF_EVENT);
    assert_int_equal(tick_of(tick_kind(exchange.feed, RW_TICK_BBO)).bid_price, INT32_MAX);
    feed_free(exchange.feed);
}

static void a_price_between_two_units_is_rounded_down_and_says_so(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, 1);
    send_level(&exchange, 0, '0', 0, 1, 500 * 100000ll + 39063, 5, END_OF_EVENT);
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_int_equal(body.bid_price, 500);
    assert_true(body.quality & RW_QUALITY_ROUNDED);
    assert_int_equal(body.quality & RW_QUALITY_FEED_GAP, 0);
    feed_free(exchange.feed);
}

static void a_definition_names_and_scales(void **state) {
    struct exchange exchange;
    struct rw_directory_body name;
    exchange_open(&exchange, 1);
    send_level(&exchange, 0, '0', 0, 1, RAW(500), 5, END_OF_EVENT);
    memcpy(&name, exchange.feed->out[0].body, sizeof name);
    assert_memory_equal(name.symbol, "1000    ", 8); /* the security id until then */
    begin(&exchange);
    put_definition(&exchange, 0, "ESZ5", UINT32_MAX);
    end(&exchange);
    memcpy(&name, exchange.feed->out[0].body, sizeof name);
    assert_memory_equal(name.symbol, "ESZ5    ", 8);
    send_level(&exchange, 0, '1', 0, 1, RAW(501), 5, END_OF_EVENT);
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_int_equal(body.bid_price, 500);
    assert_int_equal(body.ask_price, 501);
    begin(&exchange);
    put_definition(&exchange, 1, "ESZ5-ESH6", UINT32_MAX); /* nine characters */
    end(&exchange);
    assert_int_equal(feed_own(exchange.feed, "long_names"), 1);
    memcpy(&name, exchange.feed->out[0].body, sizeof name);
    assert_memory_equal(name.symbol, "1007    ", 8);
    feed_free(exchange.feed);
}

static void send_status(struct exchange *exchange, const char *group, const char *asset,
                        uint32_t security, uint8_t status) {
    struct rw_mdp3_draft drafted;
    begin(exchange);
    draft(exchange, &drafted, 30);
    uint8_t *root = rw_mdp3_draft_root(&drafted);
    RW_MDP3_PUT(status, transact_time, root, MIDNIGHT_NS + exchange->time_ns);
    RW_MDP3_PUT_TEXT(status, security_group, root, group);
    RW_MDP3_PUT_TEXT(status, asset, root, asset);
    RW_MDP3_PUT(status, security_id_optional, root, security);
    RW_MDP3_PUT(status, security_trading_status, root, status);
    done(exchange, &drafted);
    end(exchange);
}

static void a_status_is_of_one_security_or_of_all_of_its_group(void **state) {
    const uint32_t none = INT32_MAX; /* null */
    struct exchange exchange;
    exchange_open(&exchange, 1);
    define_all(&exchange);
    send_status(&exchange, "GG", "", none, 2);
    assert_int_equal(exchange.feed->count, 3);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(exchange.feed->out[i].instrument, 1 + i);
        assert_true(tick_of(&exchange.feed->out[i]).quality & RW_QUALITY_HALTED);
    }
    send_status(&exchange, "GG", "A0", none, 17);
    assert_int_equal(exchange.feed->count, 2);        /* symbols 0 and 2 */
    send_status(&exchange, "", "", SECURITY(1), 103); /* no change */
    assert_int_equal(exchange.feed->count, 0);
    send_status(&exchange, "", "", SECURITY(1), 17);
    assert_int_equal(exchange.feed->count, 1);
    assert_int_equal(exchange.feed->out[0].instrument, 2);
    feed_free(exchange.feed);
}

static void put_trade(struct exchange *exchange, struct rw_mdp3_draft *drafted, uint32_t symbol,
                      uint32_t action, int64_t price, int32_t quantity) {
    uint8_t *entry = rw_mdp3_draft_entry(drafted, 0);
    assert_non_null(entry);
    RW_MDP3_PUT(trade_entry, md_entry_px_ex, entry, price);
    RW_MDP3_PUT(trade_entry, md_entry_size_short, entry, quantity);
    RW_MDP3_PUT(trade_entry, security_id, entry, SECURITY(symbol));
    RW_MDP3_PUT(trade_entry, rpt_seq, entry, ++exchange->number[symbol]);
    RW_MDP3_PUT(trade_entry, md_update_action, entry, action);
}

static void trades_are_told_one_by_one_and_deleted_ones_as_broken(void **state) {
    struct exchange exchange;
    struct rw_mdp3_draft drafted;
    exchange_open(&exchange, 1);
    begin(&exchange);
    increment(&exchange, &drafted, 48, END_OF_EVENT);
    put_trade(&exchange, &drafted, 0, 0, 500 * 100000ll, 5);
    put_trade(&exchange, &drafted, 1, 0, 700 * 100000ll, 6);
    put_trade(&exchange, &drafted, 0, 2, 500 * 100000ll, 5);
    put_trade(&exchange, &drafted, 0, 0, -500 * 100000ll, 5);
    done(&exchange, &drafted);
    end(&exchange);
    assert_int_equal(exchange.feed->count, 5); /* two symbols, two trades, a break */
    assert_int_equal(tick_of(&exchange.feed->out[1]).last_price, 500);
    assert_int_equal(tick_of(&exchange.feed->out[3]).last_quantity, 6);
    assert_int_equal(tick_of(&exchange.feed->out[4]).kind, RW_TICK_BREAK);
    feed_free(exchange.feed);
}

static void a_channel_reset_empties_every_book(void **state) {
    struct exchange exchange;
    struct rw_mdp3_draft drafted;
    exchange_open(&exchange, 1);
    for (uint32_t i = 0; i < SYMBOLS; i++)
        send_level(&exchange, i, '0', 0, 1, 500 * 100000ll, 5, END_OF_EVENT);
    begin(&exchange);
    draft(&exchange, &drafted, 4);
    done(&exchange, &drafted);
    end(&exchange);
    assert_int_equal(exchange.feed->count, SYMBOLS);
    for (uint32_t i = 0; i < SYMBOLS; i++)
        assert_int_equal(tick_of(&exchange.feed->out[i]).bid_quantity, 0);
    memset(exchange.number, 0, sizeof exchange.number);
    send_level(&exchange, 0, '0', 0, 1, 500 * 100000ll, 5, END_OF_EVENT);
    assert_int_equal(exchange.feed->count, 1);
    feed_free(exchange.feed);
}

/* ---- random sessions ------------------------------------------------------------------ */

/* The levels that the venue tells of a side of the naive market. */
static struct rw_mdp3_side side_of(const struct market *market, uint32_t symbol, uint32_t side) {
    struct rw_mdp3_side levels = {.bid = side == 0};
    uint32_t price = 0, orders = 0, than = 0;
    uint64_t quantity;
    while (levels.count < RW_MDP3_DEPTH &&
           (quantity = market_level(market, symbol, "BS"[side], than, &price, &orders))) {
        levels.level[levels.count++] =
            (struct rw_mdp3_level){RAW((int64_t)price), (int32_t)quantity, (int32_t)orders};
        than = price;
    }
    return levels;
}

/* The levels that the venue tells are those of the books. */
static void expect_levels(const struct exchange *exchange, const struct market *market) {
    for (uint32_t symbol = 0; symbol < SYMBOLS; symbol++)
        for (uint32_t side = 0; side < 2; side++) {
            struct rw_book_level levels[RW_MDP3_DEPTH];
            struct rw_mdp3_side wanted = side_of(market, symbol, side);
            uint32_t count =
                exchange->feed->venue->levels(rw_feed_books(exchange->feed->core),
                                              locate_of(exchange->feed, symbol_names[symbol]),
                                              (enum rw_book_side)side, levels, RW_MDP3_DEPTH);
            assert_int_equal(count, wanted.count);
            for (uint32_t i = 0; i < count; i++) {
                assert_int_equal(RAW((int64_t)levels[i].price), wanted.level[i].price);
                assert_int_equal(levels[i].quantity, wanted.level[i].quantity);
            }
        }
}

static void put_orders(struct exchange *exchange, const struct change *change,
                       const struct market *market) {
    struct rw_mdp3_draft drafted;
    const struct naive_order *now = NULL;
    for (uint32_t i = 0; i < market->count; i++)
        if (market->orders[i].reference == change->reference) now = &market->orders[i];
    if (change->kind > CHANGE_DELETE) return;
    increment(exchange, &drafted, 47, 0);
    uint8_t *entry = rw_mdp3_draft_entry(&drafted, 0);
    RW_MDP3_PUT(order_entry, order_id_optional, entry, change->reference);
    RW_MDP3_PUT(order_entry, security_id, entry, SECURITY(change->symbol));
    RW_MDP3_PUT(order_entry, md_update_action, entry,
                !now                         ? 2
                : change->kind == CHANGE_ADD ? 0
                                             : 1);
    RW_MDP3_PUT(order_entry, md_entry_type_book, entry, change->side == 'B' ? '0' : '1');
    RW_MDP3_PUT(order_entry, md_entry_px_optional_ex, entry, RAW((int64_t)(now ? now->price : 0)));
    RW_MDP3_PUT(order_entry, md_display_qty_optional, entry, now ? now->shares : 0);
    done(exchange, &drafted);
}

/* One change as one event, in one packet or cut into two. */
static void send_change(struct exchange *exchange, const struct market *market,
                        const struct change *change) {
    struct rw_mdp3_update updates[RW_MDP3_UPDATES_MAX];
    struct rw_mdp3_draft drafted;
    begin(exchange);
    if (change_is_trade(change)) {
        increment(exchange, &drafted, 48, 0x01);
        put_trade(exchange, &drafted, change->symbol, 0, RAW((int64_t)change->price),
                  (int32_t)change->shares);
        done(exchange, &drafted);
        if (rw_rng_chance(&exchange->rng, 1, 4)) {
            end(exchange);
            begin(exchange);
        }
    }
    put_orders(exchange, change, market);
    increment(exchange, &drafted, 46, END_OF_EVENT);
    for (uint32_t side = 0; side < 2; side++) {
        struct rw_mdp3_side now = side_of(market, change->symbol, side);
        uint32_t count = rw_mdp3_updates(&exchange->told[change->symbol][side], &now,
                                         rw_rng_chance(&exchange->rng, 1, 2), updates);
        for (uint32_t i = 0; i < count; i++)
            put_level(exchange, &drafted, change->symbol, side ? '1' : '0', updates[i].action,
                      updates[i].level, updates[i].value.price, updates[i].value.quantity,
                      updates[i].value.orders);
    }
    done(exchange, &drafted);
    end(exchange);
}

static void random_sessions_keep_the_books_of_a_naive_market(void **state) {
    struct exchange exchange;
    struct market market;
    market_new(&market, test_seed());
    exchange_open(&exchange, 1);
    rw_rng_seed(&exchange.rng, test_seed() + 1);
    define_all(&exchange);
    for (uint32_t i = 0; i < 20000; i++) {
        struct change change =
            market_step(&market, ~(1u << CHANGE_BREAK | 1u << CHANGE_HALT | 1u << CHANGE_EMPTY |
                                   1u << CHANGE_EXECUTE_AT));
        exchange.time_ns = market.time_ns = market.time_ns % RW_DAY_NS;
        send_change(&exchange, &market, &change);
        bool moved = memcmp(&change.before, &change.after, sizeof change.after) != 0;
        const struct rw_entry *bbo = tick_kind(exchange.feed, RW_TICK_BBO);
        assert_int_equal(bbo != NULL, moved);
        struct rw_tick_body body = {0};
        if (bbo) body = tick_of(bbo);
        if (bbo) expect_bbo(&body, &change.after);
        if (i % 500 == 0) expect_levels(&exchange, &market);
    }
    assert_int_equal(feed_own(exchange.feed, "gaps"), 0);
    assert_int_equal(feed_own(exchange.feed, "misfits"), 0);
    assert_int_equal(feed_own(exchange.feed, "orders_stale"), 0);
    assert_int_equal(rw_stat_get(&exchange.feed->book.unknown_reference), 0);
    assert_int_equal(rw_stat_get(&exchange.feed->book.orders_added) -
                         rw_stat_get(&exchange.feed->book.orders_removed),
                     market.count);
    feed_free(exchange.feed);
}

/* ---- the snapshot loop ---------------------------------------------------------------- */

/* A snapshot as of now, of levels (52) or orders (53, in chunks of two orders), put on its way. */
static void snapshot_levels(struct exchange *exchange, uint32_t symbol, uint32_t delay) {
    struct late *late = &exchange->late[exchange->late_count++];
    struct rw_mdp3_draft drafted;
    assert_true(exchange->late_count <= SNAPSHOTS_MAX);
    late->due = exchange->sequence + delay;
    size_t used = rw_mdp3_put_header(late->payload, exchange->loop_sequence++,
                                     MIDNIGHT_NS + exchange->time_ns);
    rw_mdp3_draft_begin(&drafted, late->payload + used, PACKET_BYTES - used, 52);
    uint8_t *root = rw_mdp3_draft_root(&drafted);
    RW_MDP3_PUT(snapshot, last_msg_seq_num_processed, root, exchange->sequence - 1);
    RW_MDP3_PUT(snapshot, tot_num_reports, root, SYMBOLS);
    RW_MDP3_PUT(snapshot, security_id, root, SECURITY(symbol));
    RW_MDP3_PUT(snapshot, rpt_seq, root, exchange->number[symbol]);
    RW_MDP3_PUT(snapshot, md_security_trading_status, root, 17);
    for (uint32_t side = 0; side < 2; side++)
        for (uint32_t i = 0; i < exchange->told[symbol][side].count; i++) {
            const struct rw_mdp3_level *level = &exchange->told[symbol][side].level[i];
            uint8_t *entry = rw_mdp3_draft_entry(&drafted, 0);
            RW_MDP3_PUT(snapshot_entry, md_entry_px_optional_ex, entry, level->price);
            RW_MDP3_PUT(snapshot_entry, md_entry_size_short_optional, entry, level->quantity);
            RW_MDP3_PUT(snapshot_entry, number_of_orders_optional, entry, level->orders);
            RW_MDP3_PUT(snapshot_entry, md_price_level_optional, entry, i + 1);
            RW_MDP3_PUT(snapshot_entry, md_entry_type, entry, side ? '1' : '0');
        }
    late->bytes = used + rw_mdp3_draft_end(&drafted);
}

static void snapshot_orders(struct exchange *exchange, const struct market *market, uint32_t symbol,
                            uint32_t delay) {
    uint32_t orders = 0, chunk = 0, at = 0;
    for (uint32_t i = 0; i < market->count; i++) orders += market->orders[i].symbol == symbol;
    uint32_t chunks = orders ? (orders + 15) / 16 : 1;
    while (chunk < chunks) {
        struct late *late = &exchange->late[exchange->late_count++];
        struct rw_mdp3_draft drafted;
        assert_true(exchange->late_count <= SNAPSHOTS_MAX);
        late->due = exchange->sequence + delay;
        size_t used = rw_mdp3_put_header(late->payload, exchange->loop_sequence++, 0);
        rw_mdp3_draft_begin(&drafted, late->payload + used, PACKET_BYTES - used, 53);
        uint8_t *root = rw_mdp3_draft_root(&drafted);
        RW_MDP3_PUT(order_snapshot, last_msg_seq_num_processed, root, exchange->sequence - 1);
        RW_MDP3_PUT(order_snapshot, security_id, root, SECURITY(symbol));
        RW_MDP3_PUT(order_snapshot, no_chunks, root, chunks);
        RW_MDP3_PUT(order_snapshot, current_chunk, root, ++chunk);
        for (uint32_t held = 0; at < market->count && held < 16; at++) {
            const struct naive_order *order = &market->orders[at];
            if (order->symbol != symbol) continue;
            uint8_t *entry = rw_mdp3_draft_entry(&drafted, 0);
            RW_MDP3_PUT(snapshot_order, order_id, entry, order->reference);
            RW_MDP3_PUT(snapshot_order, md_entry_px_ex, entry, RAW((int64_t)order->price));
            RW_MDP3_PUT(snapshot_order, md_display_qty, entry, order->shares);
            RW_MDP3_PUT(snapshot_order, md_entry_type_book, entry, order->side == 'B' ? '0' : '1');
            held++;
        }
        late->bytes = used + rw_mdp3_draft_end(&drafted);
    }
}

static void deliver_late(struct exchange *exchange) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < exchange->late_count; i++) {
        struct late *late = &exchange->late[i];
        if (late->due > exchange->sequence)
            exchange->late[kept++] = *late;
        else
            feed_beside(exchange->feed, late->payload, late->bytes);
    }
    exchange->late_count = kept;
}

/* One turn of a session whose packets are sometimes lost, with the loop beside it. */
static void lossy_turn(struct exchange *exchange, struct market *market, uint32_t turn,
                       bool losing) {
    struct rw_rng *rng = &exchange->rng;
    struct change change =
        market_step(market, 1u << CHANGE_ADD | 1u << CHANGE_EXECUTE | 1u << CHANGE_REDUCE |
                                1u << CHANGE_MODIFY | 1u << CHANGE_DELETE);
    exchange->time_ns = market->time_ns = market->time_ns % RW_DAY_NS;
    if (losing && rw_rng_chance(rng, 1, 100)) exchange->lose = 1 + (uint32_t)rw_rng_below(rng, 4);
    send_change(exchange, market, &change);
    for (uint32_t i = 0; i < exchange->feed->count; i++) {
        if (exchange->feed->out[i].type != RW_ENTRY_TICK) continue;
        struct rw_tick_body body = tick_of(&exchange->feed->out[i]);
        struct rw_book_bbo now = market_bbo(market, exchange->feed->out[i].instrument - 1);
        /* what is told as certain is true */
        if (body.kind == RW_TICK_BBO && !(body.quality & RW_QUALITY_FEED_GAP))
            expect_bbo(&body, &now);
    }
    if (turn % 7 == 0)
        snapshot_levels(exchange, turn / 7 % SYMBOLS, (uint32_t)rw_rng_below(rng, 20));
    if (turn % 11 == 0) snapshot_orders(exchange, market, turn / 11 % SYMBOLS, 5);
    deliver_late(exchange);
    if (turn % 3 == 0) feed_wait(exchange->feed);
}

static void lost_packets_are_mended_by_the_loop(void **state) {
    struct exchange exchange;
    struct market market;
    market_new(&market, test_seed());
    exchange_open(&exchange, 1);
    rw_rng_seed(&exchange.rng, test_seed() + 2);
    define_all(&exchange);
    for (uint32_t round = 0; round < 20; round++) {
        for (uint32_t turn = 0; turn < 500; turn++) lossy_turn(&exchange, &market, turn, true);
        for (uint32_t turn = 0; turn < 300; turn++) lossy_turn(&exchange, &market, turn, false);
        assert_int_equal(rw_feed_state(exchange.feed->core), RW_CHANNEL_SYNC);
        expect_levels(&exchange, &market);
    }
    assert_true(rw_stat_get(&exchange.feed->channel.gaps) > 20);
    assert_true(feed_own(exchange.feed, "joined") > 20);
    assert_true(feed_own(exchange.feed, "orders_joined") > 20);
    assert_int_equal(feed_own(exchange.feed, "misfits"), 0);
    assert_int_equal(rw_stat_get(&exchange.feed->book.orders_added) -
                         rw_stat_get(&exchange.feed->book.orders_removed),
                     market.count);
    feed_free(exchange.feed);
}

static void a_feed_that_joins_late_is_silent_about_what_it_does_not_know(void **state) {
    struct exchange exchange;
    struct market market;
    market_new(&market, test_seed());
    exchange_open(&exchange, 0);
    exchange.sequence = 5000;
    define_all(&exchange);
    feed_wait(exchange.feed);
    exchange.number[0] = 700;
    send_level(&exchange, 0, '0', 0, 1, RAW(500), 5, END_OF_EVENT);
    feed_wait(exchange.feed);
    assert_null(tick_kind(exchange.feed, RW_TICK_BBO));
    exchange.told[0][0] = (struct rw_mdp3_side){.level = {{RAW(500), 5, 1}}, .count = 1, .bid = 1};
    snapshot_levels(&exchange, 0, 0);
    send_level(&exchange, 0, '0', 1, 1, RAW(500), 9, END_OF_EVENT);
    assert_null(tick_kind(exchange.feed, RW_TICK_BBO));
    deliver_late(&exchange); /* one packet older than the stream */
    struct rw_tick_body body = tick_of(tick_kind(exchange.feed, RW_TICK_BBO));
    assert_int_equal(body.bid_quantity, 9);
    assert_int_equal(body.quality & RW_QUALITY_FEED_GAP, 0);
    feed_free(exchange.feed);
}

static void a_snapshot_of_before_the_gap_is_not_taken(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, 1);
    define_all(&exchange);
    send_level(&exchange, 0, '0', 0, 1, RAW(500), 5, END_OF_EVENT);
    exchange.told[0][0] = (struct rw_mdp3_side){.level = {{RAW(500), 5, 1}}, .count = 1, .bid = 1};
    snapshot_levels(&exchange, 0, 0);
    exchange.lose = 1;
    send_level(&exchange, 0, '0', 1, 1, RAW(500), 9, END_OF_EVENT);
    send_level(&exchange, 1, '0', 0, 1, RAW(700), 9, END_OF_EVENT);
    feed_wait(exchange.feed);
    assert_int_equal(rw_feed_state(exchange.feed->core), RW_CHANNEL_GIVEN_UP);
    deliver_late(&exchange);
    assert_int_equal(feed_own(exchange.feed, "too_old"), 1);
    assert_null(tick_kind(exchange.feed, RW_TICK_BBO));
    exchange.told[0][0].level[0].quantity = 9;
    snapshot_levels(&exchange, 0, 0);
    deliver_late(&exchange);
    assert_int_equal(exchange.feed->count, 2); /* the BBO, and that the channel is whole */
    assert_int_equal(tick_of(&exchange.feed->out[0]).bid_quantity, 9);
    assert_int_equal(tick_of(&exchange.feed->out[1]).kind, RW_TICK_CHANNEL);
    assert_int_equal(tick_of(&exchange.feed->out[1]).quality, 0);
    assert_int_equal(rw_feed_state(exchange.feed->core), RW_CHANNEL_SYNC);
    feed_free(exchange.feed);
}

static void of_a_group_beside_the_lines_only_the_loop_is_taken(void **state) {
    struct exchange exchange;
    exchange_open(&exchange, 1);
    define_all(&exchange);
    uint8_t heartbeat[RW_MDP3_PACKET_HEADER_BYTES];
    rw_mdp3_put_header(heartbeat, 40, MIDNIGHT_NS + exchange.time_ns);
    feed_beside(exchange.feed, heartbeat, sizeof heartbeat); /* of no number of the stream */
    assert_int_equal(rw_stat_get(&exchange.feed->channel.foreign_packets), 1);
    send_level(&exchange, 0, '0', 0, 1, RAW(500), 5, END_OF_EVENT);
    assert_int_equal(tick_of(tick_kind(exchange.feed, RW_TICK_BBO)).bid_quantity, 5);
    assert_int_equal(rw_feed_state(exchange.feed->core), RW_CHANNEL_SYNC);
    feed_free(exchange.feed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_cannot_be_read_is_counted_and_changes_nothing),
        cmocka_unit_test(a_bbo_is_told_when_the_event_ends),
        cmocka_unit_test(an_event_left_open_is_told_when_another_transaction_begins),
        cmocka_unit_test(the_better_of_outright_and_implied_is_the_bbo),
        cmocka_unit_test(prices_that_do_not_fit_leave_a_side_empty_and_are_counted),
        cmocka_unit_test(a_price_between_two_units_is_rounded_down_and_says_so),
        cmocka_unit_test(a_definition_names_and_scales),
        cmocka_unit_test(a_status_is_of_one_security_or_of_all_of_its_group),
        cmocka_unit_test(trades_are_told_one_by_one_and_deleted_ones_as_broken),
        cmocka_unit_test(a_channel_reset_empties_every_book),
        cmocka_unit_test(random_sessions_keep_the_books_of_a_naive_market),
        cmocka_unit_test(lost_packets_are_mended_by_the_loop),
        cmocka_unit_test(a_feed_that_joins_late_is_silent_about_what_it_does_not_know),
        cmocka_unit_test(a_snapshot_of_before_the_gap_is_not_taken),
        cmocka_unit_test(of_a_group_beside_the_lines_only_the_loop_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
