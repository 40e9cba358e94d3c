/* The single orders of MDP 3.0 (market by order) in dataplane/book: template 47, the second group
 * of 46, and the snapshots of 53, which come in chunks.
 *
 *   locate ─► rw_mdp3_orders: stale until a snapshot, then entries of packets behind it
 *
 * Entries carry no number of their own: an order book is sound when all packets since the start or
 * since its snapshot were seen. A changed order keeps its place when neither its price changes nor
 * its quantity grows; the venue's priority numbers are not kept. Pure; one owner thread. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/book/book.h"
#include "dataplane/feed/mdp3.h"

/* State of one instrument's orders; all zero is sound and empty. */
struct rw_mdp3_orders {
    uint32_t after;   /* entries of packets up to this one are in the snapshot already */
    uint32_t loading; /* packet of the snapshot whose chunks are being taken; 0: none */
    uint16_t chunk;   /* the last chunk taken of it */
    bool stale;
};

/* Where prices that do not fit, or are no multiple, are counted. */
struct rw_mdp3_prices {
    rw_stat *range, *rounded;
};

/* rw_mdp3_orders_entry applies an entry of the given block (RW_MDP3_BLOCK_order_entry of 47, or
 * RW_MDP3_BLOCK_book_order of 46 with the entry of the first group it refers to) to the book of a
 * locate, with the display factor of its instrument. */
void rw_mdp3_orders_entry(struct rw_book *book, uint16_t locate, int64_t factor,
                          const uint8_t *entry, uint32_t bytes,
                          const struct rw_mdp3_prices *prices);
void rw_mdp3_orders_detail(struct rw_book *book, uint16_t locate, int64_t factor,
                           const uint8_t *detail, uint32_t detail_bytes, const uint8_t *entry,
                           uint32_t bytes, const struct rw_mdp3_prices *prices);

/* rw_mdp3_orders_chunk takes a chunk of 53 for stale orders; true when it was the last one, so that
 * what came behind the snapshot can be applied. A chunk that is not the next one starts over. */
bool rw_mdp3_orders_chunk(struct rw_mdp3_orders *orders, struct rw_book *book, uint16_t locate,
                          int64_t factor, const struct rw_mdp3_message *message,
                          const struct rw_mdp3_prices *prices);
