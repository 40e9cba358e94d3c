/* A simulated market as CME would tell it in MDP 3.0: definitions, trades, status, and after each
 * message that moves them the ten best levels of a side; beside it the snapshot loop.
 *
 *   ITCH message, books after it ─► 54 (R) │ 30 (H) │ 48 (E C P Q) ─► 46, end of event
 *   loop ─► 54 and 52 of one instrument after the other
 *
 * Securities are 100,000 + locate; prices are told in hundredths (display factor 0.01). Single
 * orders and broken trades are not told. Cold path; allocates. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "dataplane/book/book.h"
#include "tools/riskwire/gen_saying.h"

struct rw_gen_mdp3; /* opaque */

/* rw_gen_mdp3_new makes a teller for a day that begins at midnight_ns (Unix); never NULL. */
struct rw_gen_mdp3 *rw_gen_mdp3_new(uint64_t midnight_ns);
void rw_gen_mdp3_free(struct rw_gen_mdp3 *mdp3);

/* rw_gen_mdp3_say tells an ITCH message that gave `event`; book is as after it. */
void rw_gen_mdp3_say(struct rw_gen_mdp3 *mdp3, const struct rw_book *book, const uint8_t *message,
                     const struct rw_book_event *event, struct rw_gen_said *said);

/* rw_gen_mdp3_loop writes the next packet of the loop: the definition of an instrument, then its
 * snapshot as of all messages up to packet `sequence` of the stream, at a time since midnight; 0
 * when no instrument is known. payload holds RW_GEN_MDP3_PACKET_BYTES. */
#define RW_GEN_MDP3_PACKET_BYTES 1024u
size_t rw_gen_mdp3_loop(struct rw_gen_mdp3 *mdp3, uint32_t sequence, uint64_t time_ns,
                        uint8_t *payload);
