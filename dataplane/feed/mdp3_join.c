/* The stream and the snapshot loop of a channel brought together: packets are kept, so that a
 * snapshot that is some packets older can be joined by applying what came behind it. */
#include "dataplane/base/assert.h"
#include "dataplane/feed/mdp3_state.h"

void rw_mdp3_keep(struct rw_mdp3_books *mdp3, const uint8_t *payload, uint32_t bytes) {
    uint32_t sequence = mdp3->packet.sequence;
    struct rw_mdp3_kept *kept = &mdp3->kept[sequence & (RW_MDP3_KEPT_PACKETS - 1)];
    if (mdp3->position == 0) mdp3->whole_from_start = sequence == 1;
    if (sequence != mdp3->position + 1) mdp3->kept_from = sequence;
    mdp3->position = sequence;
    if (bytes > RW_MDP3_KEPT_BYTES) {
        rw_stat_add(&mdp3->counters->own.not_kept, 1);
        mdp3->kept_from = sequence + 1;
        return;
    }
    kept->sequence = sequence;
    kept->bytes = (uint16_t)bytes;
    memcpy(kept->payload, payload, bytes);
}

/* May entries of a packet go into the orders of an instrument? */
static bool takes_orders(struct rw_mdp3_books *mdp3, uint32_t it, uint32_t packet) {
    const struct rw_mdp3_orders *orders = &mdp3->instruments[it].orders;
    if (orders->stale) rw_stat_add(&mdp3->counters->own.orders_stale, 1);
    return !orders->stale && packet > orders->after;
}

void rw_mdp3_apply_orders(struct rw_mdp3_books *mdp3, const struct rw_mdp3_message *message,
                          uint32_t only) {
    bool details = message->type->template_id == 46;
    const struct rw_mdp3_entries *entries = &message->group[details ? 1 : 0];
    const struct rw_mdp3_entries *levels = &message->group[0];
    struct rw_mdp3_prices prices = rw_mdp3_prices_of(mdp3);
    for (uint32_t i = 0; i < entries->count; i++) {
        const uint8_t *entry = entries->at + (size_t)i * entries->bytes, *of = entry;
        uint32_t bytes = entries->bytes, of_bytes = bytes;
        if (details) {
            uint64_t reference = RW_MDP3_READ(book_order, reference_id, entry, bytes);
            if (reference == 0 || reference > levels->count) continue;
            of = levels->at + (size_t)(reference - 1) * levels->bytes;
            of_bytes = levels->bytes;
        }
        int32_t security =
            (int32_t)(details ? RW_MDP3_READ(book_entry, security_id, of, of_bytes)
                              : RW_MDP3_READ(order_entry, security_id, of, of_bytes));
        uint32_t it = rw_mdp3_find(mdp3, security);
        if (it == RW_MBP_NONE || (only != RW_MBP_NONE && it != only)) continue;
        if (!takes_orders(mdp3, it, message->sequence)) continue;
        int64_t factor = mdp3->instruments[it].factor;
        if (details)
            rw_mdp3_orders_detail(mdp3->orders, rw_mdp3_locate(it), factor, entry, bytes, of,
                                  of_bytes, &prices);
        else
            rw_mdp3_orders_entry(mdp3->orders, rw_mdp3_locate(it), factor, entry, bytes, &prices);
        if (only == RW_MBP_NONE) rw_mdp3_touch(mdp3, it);
    }
}

/* Whether a snapshot as of a packet can be joined with the stream. */
static bool can_join(const struct rw_mdp3_books *mdp3, uint32_t packet) {
    if (packet < mdp3->lost_to) return false;
    if (packet >= mdp3->position) return true;
    return packet + 1 >= mdp3->kept_from && mdp3->position - packet <= RW_MDP3_KEPT_PACKETS;
}

/* replay applies the kept packets behind a snapshot to one instrument: to its levels, or to its
 * orders. */
static void replay(struct rw_mdp3_books *mdp3, uint32_t packet, uint32_t it, bool orders) {
    struct rw_mdp3_counters ignored = {0}; /* they were counted when they came */
    for (uint32_t behind = 1; packet < mdp3->position && behind <= mdp3->position - packet;
         behind++) {
        uint32_t sequence = packet + behind;
        const struct rw_mdp3_kept *kept = &mdp3->kept[sequence & (RW_MDP3_KEPT_PACKETS - 1)];
        struct rw_mdp3_packet again;
        struct rw_mdp3_message message;
        RW_ASSERT(kept->sequence == sequence);
        if (!rw_mdp3_open(&again, kept->payload, kept->bytes, RW_MDP3_UDP, &ignored)) continue;
        while (rw_mdp3_next(&again, &message, &ignored)) {
            uint16_t template_id = message.type->template_id;
            if (orders && (template_id == 46 || template_id == 47))
                rw_mdp3_apply_orders(mdp3, &message, it);
            for (uint32_t i = 0; !orders && i < message.group[0].count; i++)
                rw_mdp3_levels_entry(mdp3->levels, &message, i, it);
        }
    }
}

void rw_mdp3_join_levels(struct rw_mdp3_books *mdp3) {
    const struct rw_mdp3_message *message = &mdp3->message;
    const uint8_t *root = message->root;
    uint32_t bytes = message->root_bytes;
    uint32_t it = rw_mdp3_find(mdp3, (int32_t)RW_MDP3_READ(snapshot, security_id, root, bytes));
    uint32_t packet = (uint32_t)RW_MDP3_READ(snapshot, last_msg_seq_num_processed, root, bytes);
    if (it == RW_MBP_NONE) return;
    bool unknown =
        rw_mbp_number(mdp3->levels, it) == 0 && RW_MDP3_READ(snapshot, rpt_seq, root, bytes) > 0;
    if (rw_mdp3_is_sound(mdp3, it) && !unknown) {
        rw_stat_add(&mdp3->counters->levels.old_snapshots, 1);
        return;
    }
    if (!can_join(mdp3, packet)) {
        rw_stat_add(&mdp3->counters->own.too_old, 1);
        return;
    }
    rw_mbp_rewind(mdp3->levels, it);
    rw_mdp3_levels_snapshot(mdp3->levels, message);
    replay(mdp3, packet, it, false);
    if (rw_mbp_is_stale(mdp3->levels, it)) return; /* it contradicts itself; counted there */
    rw_stat_add(&mdp3->counters->own.joined, 1);
    mdp3->tell = it + 1;
    if (!mdp3->instruments[it].doubted) return;
    mdp3->instruments[it].doubted = false;
    mdp3->tell_whole = --mdp3->doubted == 0 && mdp3->broken;
}

void rw_mdp3_join_orders(struct rw_mdp3_books *mdp3) {
    const struct rw_mdp3_message *message = &mdp3->message;
    const uint8_t *root = message->root;
    uint32_t bytes = message->root_bytes;
    struct rw_mdp3_prices prices = rw_mdp3_prices_of(mdp3);
    uint32_t it =
        rw_mdp3_find(mdp3, (int32_t)RW_MDP3_READ(order_snapshot, security_id, root, bytes));
    uint32_t packet =
        (uint32_t)RW_MDP3_READ(order_snapshot, last_msg_seq_num_processed, root, bytes);
    if (it == RW_MBP_NONE) return;
    struct rw_mdp3_instrument *instrument = &mdp3->instruments[it];
    if (!instrument->orders.stale) {
        rw_stat_add(&mdp3->counters->levels.old_snapshots, 1);
    } else if (!can_join(mdp3, packet)) {
        rw_stat_add(&mdp3->counters->own.too_old, 1);
        instrument->orders.loading = 0;
    } else if (rw_mdp3_orders_chunk(&instrument->orders, mdp3->orders, rw_mdp3_locate(it),
                                    instrument->factor, message, &prices)) {
        rw_stat_add(&mdp3->counters->own.orders_joined, 1);
        replay(mdp3, packet, it, true);
        mdp3->tell = it + 1;
    }
}

void rw_mdp3_doubt(struct rw_mdp3_books *mdp3, uint32_t next) {
    mdp3->lost_to = next - 1;
    mdp3->broken = true;
    mdp3->whole_from_start = false;
    for (uint32_t it = 0; it < mdp3->known; it++) {
        struct rw_mdp3_instrument *instrument = &mdp3->instruments[it];
        instrument->orders.stale = true;
        instrument->orders.loading = 0;
        if (instrument->doubted || rw_mbp_number(mdp3->levels, it) == 0) continue;
        instrument->doubted = true;
        mdp3->doubted++;
        rw_mbp_doubt(mdp3->levels, it);
        rw_stat_add(&mdp3->counters->own.doubted, 1);
    }
    mdp3->tell_whole = mdp3->doubted == 0; /* what only the lost packets knew is stale by itself */
}

void rw_mdp3_reset(struct rw_mdp3_books *mdp3) {
    rw_mbp_reset_all(mdp3->levels);
    for (uint32_t it = 0; it < mdp3->known; it++) {
        struct rw_mdp3_instrument *instrument = &mdp3->instruments[it];
        instrument->doubted = false;
        instrument->orders = (struct rw_mdp3_orders){0};
        rw_book_empty(mdp3->orders, rw_mdp3_locate(it));
        rw_mdp3_touch(mdp3, it);
    }
    mdp3->doubted = 0;
    mdp3->whole_from_start = true;
    mdp3->kept_from = mdp3->position; /* what stands before it is of no use any more */
    mdp3->lost_to = mdp3->position;
    mdp3->tell_whole = mdp3->broken;
}
