/* Entries are read through the rows of the tables, so that shorter entries
 * of other versions are safe. */
#include "dataplane/feed/mdp3_levels.h"

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

/* Where the entries of a template say which security they are about and their number. */
struct numbering {
    uint16_t template_id;
    uint8_t block, security_id, rpt_seq;
};
#define NUMBERING(template, stem) \
    { template, RW_MDP3_BLOCK_##stem, RW_MDP3_##stem##_security_id, RW_MDP3_##stem##_rpt_seq }
static const struct numbering numberings[] = {
    NUMBERING(37, volume_entry),
    NUMBERING(46, book_entry),
    NUMBERING(48, trade_entry),
    NUMBERING(51, statistics_entry),
};

static const struct numbering *numbering_of(const struct rw_mdp3_message *message) {
    for (uint32_t i = 0; i < sizeof numberings / sizeof *numberings; i++)
        if (numberings[i].template_id == message->type->template_id) return &numberings[i];
    return NULL;
}

/* The update or reset of an entry of 46 that is the next one of its instrument. */
static void apply_book_entry(struct rw_mbp *mbp, uint32_t it, const uint8_t *entry,
                             uint32_t bytes) {
    uint64_t type = RW_MDP3_READ(book_entry, md_entry_type_book, entry, bytes);
    struct rw_mbp_update update = {
        .side = side_of(type),
        .action = (uint32_t)RW_MDP3_READ(book_entry, md_update_action, entry, bytes),
        .level = (uint32_t)RW_MDP3_READ(book_entry, md_price_level, entry, bytes),
        .value = {(int64_t)RW_MDP3_READ(book_entry, md_entry_px_optional_ex, entry, bytes),
                  (int32_t)RW_MDP3_READ(book_entry, md_entry_size_short_optional, entry, bytes),
                  read_orders(RW_MDP3_BLOCK_book_entry,
                              RW_MDP3_book_entry_number_of_orders_optional, entry, bytes)}};
    if (type == 'J')
        rw_mbp_reset(mbp, it);
    else
        rw_mbp_apply(mbp, it, &update);
}

uint32_t rw_mdp3_levels_entry(struct rw_mbp *mbp, const struct rw_mdp3_message *message,
                              uint32_t index, uint32_t only) {
    const struct numbering *numbering = numbering_of(message);
    const struct rw_mdp3_entries *entries = &message->group[0];
    if (!numbering || index >= entries->count) return RW_MBP_NONE;
    const uint8_t *entry = entries->at + (size_t)index * entries->bytes;
    int32_t security =
        (int32_t)rw_mdp3_value(numbering->block, numbering->security_id, entry, entries->bytes);
    if (only != RW_MBP_NONE && security != rw_mbp_security(mbp, only)) return RW_MBP_NONE;
    uint32_t it = only != RW_MBP_NONE ? only : rw_mbp_instrument(mbp, security);
    if (it == RW_MBP_NONE) return RW_MBP_NONE;
    uint32_t number =
        (uint32_t)rw_mdp3_value(numbering->block, numbering->rpt_seq, entry, entries->bytes);
    if (rw_mbp_advance(mbp, it, number) && numbering->template_id == 46)
        apply_book_entry(mbp, it, entry, entries->bytes);
    return it;
}

uint32_t rw_mdp3_levels_snapshot(struct rw_mbp *mbp, const struct rw_mdp3_message *message) {
    uint32_t bytes = message->root_bytes, applied = 0;
    uint32_t it =
        rw_mbp_instrument(mbp, (int32_t)RW_MDP3_READ(snapshot, security_id, message->root, bytes));
    if (it == RW_MBP_NONE ||
        !rw_mbp_snapshot(mbp, it, (uint32_t)RW_MDP3_READ(snapshot, rpt_seq, message->root, bytes)))
        return 0;
    const struct rw_mdp3_entries *entries = &message->group[0];
    const uint8_t *entry = entries->at;
    for (uint32_t i = 0; i < entries->count; i++, entry += entries->bytes) {
        uint32_t side = side_of(RW_MDP3_READ(snapshot_entry, md_entry_type, entry, entries->bytes));
        if (side == RW_MBP_SIDES) continue;
        struct rw_mbp_update update = {
            .side = side,
            .action = RW_MBP_NEW,
            .level = (uint32_t)RW_MDP3_READ(snapshot_entry, md_price_level_optional, entry,
                                            entries->bytes),
            .value = {(int64_t)RW_MDP3_READ(snapshot_entry, md_entry_px_optional_ex, entry,
                                            entries->bytes),
                      (int32_t)RW_MDP3_READ(snapshot_entry, md_entry_size_short_optional, entry,
                                            entries->bytes),
                      read_orders(RW_MDP3_BLOCK_snapshot_entry,
                                  RW_MDP3_snapshot_entry_number_of_orders_optional, entry,
                                  entries->bytes)}};
        if (!rw_mbp_apply(mbp, it, &update)) return applied;
        applied++;
    }
    return applied;
}

void rw_mdp3_apply(struct rw_mbp *mbp, const struct rw_mdp3_message *message) {
    if (message->type->template_id == 4) rw_mbp_reset_all(mbp);
    if (message->type->template_id == 52) rw_mdp3_levels_snapshot(mbp, message);
    if (!numbering_of(message)) return;
    for (uint32_t i = 0; i < message->group[0].count; i++)
        rw_mdp3_levels_entry(mbp, message, i, RW_MBP_NONE);
}
