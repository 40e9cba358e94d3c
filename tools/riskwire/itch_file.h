/* ITCH 5.0 messages out of any file that holds them, in file order, each once per occurrence.
 *
 *   pcap, pcapng, .gz ─► frame ─► UDP ─► MoldUDP64 ─┐
 *   length-prefixed ITCH ───────────────────────────┴─► rw_itch_file_next ─► message
 *
 * Checksums are not checked: captures are edited and taken on the sending host. Offline and cold.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct rw_itch_file; /* opaque */

struct rw_itch_item {
    const uint8_t *message; /* valid until the next call */
    uint32_t bytes;
    bool sequenced;    /* false: the packet carried sequence 0, as captures of single packets do */
    uint64_t sequence; /* of the message in its session; 1, 2, … in a length-prefixed file */
    uint64_t time_ns;  /* capture time, Unix; 0 in a length-prefixed file */
    char session[10];  /* space padded; all spaces in a length-prefixed file */
};

/* What was met on the way that is no message. */
struct rw_itch_file_count {
    uint64_t packets;        /* frames read */
    uint64_t foreign_frames; /* frames that are not whole UDP datagrams */
    uint64_t bad_packets;    /* UDP payloads that are not MoldUDP64, or contradict themselves */
    uint64_t cut;            /* messages or packets that end before their length */
    uint64_t heartbeats, session_ends;
};

/* rw_itch_file_open opens a file; its kind is guessed from its first bytes. Returns 0, or -errno
 * with an error set (no such file, unreadable). The caller owns *file and gives it to
 * rw_itch_file_close. */
int rw_itch_file_open(const char *path, struct rw_itch_file **file);
/* rw_itch_file_next returns 1 with *item set, 0 at the end, or -errno with an error set when the
 * file cannot be read on. An item's length is the one its frame gives; rw_itch50_check decides
 * whether it fits. */
int rw_itch_file_next(struct rw_itch_file *file, struct rw_itch_item *item);
/* rw_itch_file_counted returns what was counted so far; rw_itch_file_bytes a guess of the
 * uncompressed size of the file, for progress and sizing. */
struct rw_itch_file_count rw_itch_file_counted(const struct rw_itch_file *file);
uint64_t rw_itch_file_bytes(const struct rw_itch_file *file);
void rw_itch_file_close(struct rw_itch_file *file);
