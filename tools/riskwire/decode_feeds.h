/* The feeds that `riskwire decode` knows: one row each.
 *
 *   frame ─► UDP datagram or TCP segment ─► guess: is this packet mine?
 *                                        └► walk:  each message ─► rw_decode_line, or a count
 *
 * A file is of one feed: the one asked for, or the one that most of its first packets fit. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/feed/field_table.h"

enum rw_decode_transport { RW_DECODE_UDP = 1, RW_DECODE_TCP = 2 };

/* What a feed sees of a frame. */
struct rw_decode_packet {
    const uint8_t *payload; /* valid during the call */
    uint32_t bytes;
    uint32_t source, destination; /* IPv4 addresses */
    uint16_t source_port, destination_port;
    uint8_t transport; /* enum rw_decode_transport */
    bool cut;          /* the capture ends this packet early */
};

/* Why there is less to print than was read. */
#define RW_DECODE_COUNTS(X)                                                      \
    X(unknown_types, "messages of unknown type")                                 \
    X(bad_lengths, "messages whose length does not fit their type")              \
    X(foreign_frames, "frames that cannot carry this feed")                      \
    X(bad_packets, "packets that are not of this feed or contradict themselves") \
    X(cut, "packets or messages cut short")                                      \
    X(heartbeats, "heartbeats")

#define RW_DECODE_COUNT_FIELD(name, sentence) uint64_t name;
struct rw_decode_tally {
    uint64_t frames, messages;
    RW_DECODE_COUNTS(RW_DECODE_COUNT_FIELD)
};

/* The sequence of the next message in one direction of a TCP session. */
struct rw_decode_flow {
    uint64_t addresses, next;
    uint32_t ports;
};

#define RW_DECODE_FLOWS_MAX 64u

/* Where a walk leaves what it finds. One thread. */
struct rw_decode {
    FILE *out;
    struct rw_decode_tally tally;
    struct rw_decode_flow flow[RW_DECODE_FLOWS_MAX];
    uint32_t flow_count;
    int write_error; /* errno of the first write that failed, else 0 */
};

/* rw_decode_line prints one message that has passed rw_message_find and counts it. */
void rw_decode_line(struct rw_decode *decode, uint64_t sequence,
                    const struct rw_message_table *table, const struct rw_message_type *type,
                    const uint8_t *message);
/* rw_decode_text prints a line that is already text, without its newline, and counts it. */
void rw_decode_text(struct rw_decode *decode, const char *text, uint32_t bytes);
/* rw_decode_verdict counts a message that is not printed; returns whether it may be. */
bool rw_decode_verdict(struct rw_decode *decode, enum rw_message_verdict verdict);

struct rw_decode_feed {
    const char *name;
    unsigned transports; /* enum rw_decode_transport, or-ed; other frames are foreign */
    /* Whether the packet is certainly one of this feed with something to tell; a packet that fits
     * by chance in one of a hundred cases does no harm. */
    bool (*guess)(const struct rw_decode_packet *packet);
    /* Prints what the packet holds, whatever it is. */
    void (*walk)(const struct rw_decode_packet *packet, struct rw_decode *decode);
};

/* rw_decode_feed_named returns the row of a name, NULL when there is none. rw_decode_feed_names
 * returns all names, separated by '|', for help texts. */
const struct rw_decode_feed *rw_decode_feed_named(const char *name);
const char *rw_decode_feed_names(void);

/* rw_decode_guess reads the first packets of a capture and sets *feed to the row that most of them
 * fit; NULL when none fits any. Returns 0, or -errno with an error set when the file cannot be
 * read. */
int rw_decode_guess(const char *path, const struct rw_decode_feed **feed);

/* rw_decode_capture walks all packets of a capture. Returns 0, or -errno with an error set: the
 * file contradicts itself, or the output cannot be written. What was printed and counted until then
 * stays. */
int rw_decode_capture(const char *path, const struct rw_decode_feed *feed,
                      struct rw_decode *decode);
