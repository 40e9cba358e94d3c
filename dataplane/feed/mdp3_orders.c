#include "dataplane/feed/mdp3_orders.h"

enum { ACTION_NEW = 0, ACTION_CHANGE = 1, ACTION_DELETE = 2 };

/* An order as an entry has it. */
struct told {
    uint64_t id, action, type;
    int64_t price, quantity;
};

static bool price_of(const struct told *told, int64_t factor, const struct rw_mdp3_prices *prices,
                     uint32_t *to) {
    int32_t fits = 0;
    bool rounded = false;
    if (!rw_mdp3_price(told->price, factor, &fits, &rounded)) {
        rw_stat_add(prices->range, 1);
        return false;
    }
    if (rounded) rw_stat_add(prices->rounded, 1);
    *to = (uint32_t)fits;
    return true;
}

/* A type that is no side leaves no shares, which the book refuses and counts. */
static void put_order(struct rw_book *book, uint16_t locate, int64_t factor,
                      const struct told *told, const struct rw_mdp3_prices *prices) {
    struct rw_book_order order;
    bool known = rw_book_find(book, told->id, &order) && order.locate == locate;
    bool is_side = told->type == '0' || told->type == '1';
    uint32_t shares = is_side && told->quantity > 0 ? (uint32_t)told->quantity : 0, price;
    if (told->action == ACTION_DELETE || (known && shares == 0)) {
        rw_book_delete(book, locate, told->id, &order);
    } else if (!price_of(told, factor, prices, &price)) {
        if (known) rw_book_delete(book, locate, told->id, &order);
    } else if (told->action == ACTION_NEW) {
        rw_book_add(book, locate, told->id, told->type == '0' ? RW_BOOK_BID : RW_BOOK_ASK, shares,
                    price);
    } else if (known && price == (uint32_t)order.price && shares <= order.shares) {
        rw_book_reduce(book, locate, told->id, order.shares - shares, &order);
    } else { /* one that is not held counts there */
        rw_book_replace(book, locate, told->id, told->id, shares, price, &order);
    }
}

void rw_mdp3_orders_entry(struct rw_book *book, uint16_t locate, int64_t factor,
                          const uint8_t *entry, uint32_t bytes,
                          const struct rw_mdp3_prices *prices) {
    struct told told = {
        .id = RW_MDP3_READ(order_entry, order_id_optional, entry, bytes),
        .action = RW_MDP3_READ(order_entry, md_update_action, entry, bytes),
        .type = RW_MDP3_READ(order_entry, md_entry_type_book, entry, bytes),
        .price = (int64_t)RW_MDP3_READ(order_entry, md_entry_px_optional_ex, entry, bytes),
        .quantity = (int64_t)RW_MDP3_READ(order_entry, md_display_qty_optional, entry, bytes)};
    if (told.type == 'J')
        rw_book_empty(book, locate);
    else
        put_order(book, locate, factor, &told, prices);
}

void rw_mdp3_orders_detail(struct rw_book *book, uint16_t locate, int64_t factor,
                           const uint8_t *detail, uint32_t detail_bytes, const uint8_t *entry,
                           uint32_t bytes, const struct rw_mdp3_prices *prices) {
    struct told told = {
        .id = RW_MDP3_READ(book_order, order_id, detail, detail_bytes),
        .action = RW_MDP3_READ(book_order, order_update_action, detail, detail_bytes),
        .type = RW_MDP3_READ(book_entry, md_entry_type_book, entry, bytes),
        .price = (int64_t)RW_MDP3_READ(book_entry, md_entry_px_optional_ex, entry, bytes),
        .quantity =
            (int64_t)RW_MDP3_READ(book_order, md_display_qty_optional, detail, detail_bytes)};
    put_order(book, locate, factor, &told, prices);
}

bool rw_mdp3_orders_chunk(struct rw_mdp3_orders *orders, struct rw_book *book, uint16_t locate,
                          int64_t factor, const struct rw_mdp3_message *message,
                          const struct rw_mdp3_prices *prices) {
    const uint8_t *root = message->root;
    uint32_t bytes = message->root_bytes;
    uint32_t packet =
        (uint32_t)RW_MDP3_READ(order_snapshot, last_msg_seq_num_processed, root, bytes);
    uint64_t chunks = RW_MDP3_READ(order_snapshot, no_chunks, root, bytes);
    uint64_t chunk = RW_MDP3_READ(order_snapshot, current_chunk, root, bytes);
    bool next = orders->loading == packet && chunk == orders->chunk + 1u;
    if (packet == 0 || chunk == 0 || chunk > chunks || chunk > UINT16_MAX || (chunk > 1 && !next)) {
        orders->loading = 0;
        return false;
    }
    if (chunk == 1) rw_book_empty(book, locate);
    orders->loading = packet;
    orders->chunk = (uint16_t)chunk;
    const struct rw_mdp3_entries *entries = &message->group[0];
    const uint8_t *entry = entries->at;
    for (uint32_t i = 0; i < entries->count; i++, entry += entries->bytes) {
        struct told told = {
            .id = RW_MDP3_READ(snapshot_order, order_id, entry, entries->bytes),
            .action = ACTION_NEW,
            .type = RW_MDP3_READ(snapshot_order, md_entry_type_book, entry, entries->bytes),
            .price = (int64_t)RW_MDP3_READ(snapshot_order, md_entry_px_ex, entry, entries->bytes),
            .quantity =
                (int64_t)RW_MDP3_READ(snapshot_order, md_display_qty, entry, entries->bytes)};
        put_order(book, locate, factor, &told, prices);
    }
    if (chunk < chunks) return false;
    orders->loading = 0;
    orders->after = packet;
    orders->stale = false;
    return true;
}
