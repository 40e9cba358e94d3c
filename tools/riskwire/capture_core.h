/* From the records of a tap to the packets of a capture: what is missing, and where a message of
 * several slots begins and ends. Pure.
 *
 *   frames  ─► one packet each, the frame as it came
 *   slots   ─► rx->feed: struct rw_frame and its payload · log entries: all slots of one ·
 *              results: one each · others: one slot each
 *
 *   passed = read + lost        in frames, or in slots
 *
 * After a loss slots are skipped, and counted, up to the next one that begins a message. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/io/pcapng.h"
#include "dataplane/link/tap.h"
#include "dataplane/record/entry.h"

/* Link types of what is captured from links. */
enum rw_capture_link_type {
    RW_CAPTURE_FRAME = RW_PCAPNG_USER0,      /* dataplane/nic/frame.h: 32 bytes, then the payload */
    RW_CAPTURE_ENTRY = RW_PCAPNG_USER0 + 1,  /* dataplane/record/entry.h: 1..16 slots of 64 bytes */
    RW_CAPTURE_RESULT = RW_PCAPNG_USER0 + 2, /* dataplane/record/result.h: 128 bytes */
    RW_CAPTURE_SLOT = RW_PCAPNG_USER0 + 3,   /* a slot of any other link */
};

struct rw_capture_source {
    uint16_t link_type;
    uint64_t start; /* number of the last that passed before the capture */
    uint64_t last;  /* of the last one read or known to be missed */
    uint64_t read, lost;
    uint64_t lost_before; /* since the last packet */
    bool fresh;           /* nothing was read or missed yet */
    bool aligned;         /* slots: the next one begins a message, or goes on with it */
    /* the message in the making */
    uint32_t slots, slots_wanted;
    uint64_t first, time_ns;
    uint8_t message[RW_ENTRY_SLOTS_MAX * RW_SLOT_BYTES];
};

/* rw_capture_begin starts a source. passed: the number of the last that is known to have passed. */
void rw_capture_begin(struct rw_capture_source *source, const struct rw_tap_row *row,
                      uint64_t passed);
/* rw_capture_take takes the next record. True: *packet is complete but for its interface and
 * with the record's own time; its bytes are valid until the next call. */
bool rw_capture_take(struct rw_capture_source *source, const struct rw_tap_record *record,
                     const void *bytes, struct rw_pcapng_packet *packet);
/* rw_capture_overrun notes that records were overwritten: the next one tells how many. */
void rw_capture_overrun(struct rw_capture_source *source);
/* rw_capture_end counts what passed up to `passed` and will not be read any more. */
void rw_capture_end(struct rw_capture_source *source, uint64_t passed);
/* rw_capture_link_type returns what a tap's packets are: Ethernet, or one of the above. */
uint16_t rw_capture_link_type(const struct rw_tap_row *row);
