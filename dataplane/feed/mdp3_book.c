/* One function a template; entries are read through the rows of the tables, so that shorter entries
 * of other versions are safe. */
#include "dataplane/feed/mdp3_book.h"

/* A field of an entry, 0 when it is null or absent. */
static uint64_t value_of(enum rw_mdp3_block_index block, uint32_t field, const uint8_t *entry,
                         uint32_t bytes) {
    uint64_t value;
    rw_mdp3_read(&rw_mdp3_blocks[block].field[field], entry, bytes, &value);
    return value;
}
#define READ(stem, name, entry, bytes) \
    value_of(RW_MDP3_BLOCK_##stem, RW_MDP3_##stem##_##name, entry, bytes)

/* The number of orders; -1 when it is null, as in implied levels. */
static int32_t read_orders(enum rw_mdp3_block_index block, uint32_t field, const uint8_t *entry,
                           uint32_t bytes) {
    uint64_t value;
    bool given = rw_mdp3_read(&rw_mdp3_blocks[block].field[field], entry, bytes, &value);
    return given ? (int32_t)value : -1;
}

static uint32_t side_of(uint64_t entry_type) {
    switch (entry_type) {
    case '0':
        return RW_MBP_BID;
    case '1':
        return RW_MBP_OFFER;
    case 'E':
        return RW_MBP_IMPLIED_BID;
    case 'F':
        return RW_MBP_IMPLIED_OFFER;
    default:
        return RW_MBP_SIDES;
    }
}

static uint32_t apply_book_entry(struct rw_mbp *mbp, const uint8_t *entry, uint32_t bytes) {
    uint64_t type = READ(book_entry, md_entry_type_book, entry, bytes);
    uint32_t it = rw_mbp_instrument(mbp, (int32_t)READ(book_entry, security_id, entry, bytes));
    if (it == RW_MBP_NONE ||
        !rw_mbp_advance(mbp, it, (uint32_t)READ(book_entry, rpt_seq, entry, bytes)))
        return 0;
    struct rw_mbp_update update = {
        .side = side_of(type),
        .action = (uint32_t)READ(book_entry, md_update_action, entry, bytes),
        .level = (uint32_t)READ(book_entry, md_price_level, entry, bytes),
        .value = {(int64_t)READ(book_entry, md_entry_px_optional_ex, entry, bytes),
                  (int32_t)READ(book_entry, md_entry_size_short_optional, entry, bytes),
                  read_orders(RW_MDP3_BLOCK_book_entry,
                              RW_MDP3_book_entry_number_of_orders_optional, entry, bytes)}};
    if (type != 'J') return rw_mbp_apply(mbp, it, &update);
    rw_mbp_reset(mbp, it);
    return 0;
}

static uint32_t apply_snapshot(struct rw_mbp *mbp, const struct rw_mdp3_message *message) {
    uint32_t bytes = message->root_bytes, applied = 0;
    uint32_t it =
        rw_mbp_instrument(mbp, (int32_t)READ(snapshot, security_id, message->root, bytes));
    if (it == RW_MBP_NONE ||
        !rw_mbp_snapshot(mbp, it, (uint32_t)READ(snapshot, rpt_seq, message->root, bytes)))
        return 0;
    const struct rw_mdp3_entries *entries = &message->group[0];
    const uint8_t *entry = entries->at;
    for (uint32_t i = 0; i < entries->count; i++, entry += entries->bytes) {
        uint32_t side = side_of(READ(snapshot_entry, md_entry_type, entry, entries->bytes));
        if (side == RW_MBP_SIDES) continue;
        struct rw_mbp_update update = {
            .side = side,
            .action = RW_MBP_NEW,
            .level = (uint32_t)READ(snapshot_entry, md_price_level_optional, entry, entries->bytes),
            .value = {
                (int64_t)READ(snapshot_entry, md_entry_px_optional_ex, entry, entries->bytes),
                (int32_t)READ(snapshot_entry, md_entry_size_short_optional, entry, entries->bytes),
                read_orders(RW_MDP3_BLOCK_snapshot_entry,
                            RW_MDP3_snapshot_entry_number_of_orders_optional, entry,
                            entries->bytes)}};
        if (!rw_mbp_apply(mbp, it, &update)) return applied;
        applied++;
    }
    return applied;
}

/* The entries of 37, 48 and 51, which count in the numbering of their instrument. */
static void advance_all(struct rw_mbp *mbp, const struct rw_mdp3_entries *entries,
                        enum rw_mdp3_block_index block, uint32_t security_id, uint32_t rpt_seq) {
    const uint8_t *entry = entries->at;
    for (uint32_t i = 0; i < entries->count; i++, entry += entries->bytes) {
        int32_t security = (int32_t)value_of(block, security_id, entry, entries->bytes);
        uint32_t it = rw_mbp_instrument(mbp, security);
        if (it != RW_MBP_NONE)
            rw_mbp_advance(mbp, it, (uint32_t)value_of(block, rpt_seq, entry, entries->bytes));
    }
}
#define ADVANCE(stem)                                                             \
    advance_all(mbp, entries, RW_MDP3_BLOCK_##stem, RW_MDP3_##stem##_security_id, \
                RW_MDP3_##stem##_rpt_seq)

uint32_t rw_mdp3_apply(struct rw_mbp *mbp, const struct rw_mdp3_message *message) {
    const struct rw_mdp3_entries *entries = &message->group[0];
    uint32_t applied = 0;
    switch (message->type->template_id) {
    case 4:
        rw_mbp_reset_all(mbp);
        break;
    case 37:
        ADVANCE(volume_entry);
        break;
    case 46:
        for (uint32_t i = 0; i < entries->count; i++)
            applied +=
                apply_book_entry(mbp, entries->at + (size_t)i * entries->bytes, entries->bytes);
        break;
    case 48:
        ADVANCE(trade_entry);
        break;
    case 51:
        ADVANCE(statistics_entry);
        break;
    case 52:
        applied = apply_snapshot(mbp, message);
        break;
    default:
        break;
    }
    return applied;
}
