/* Packet captures as a sequence of records: classic pcap in both byte orders with µs or ns stamps,
 * pcapng, and either of them inside .gz. Also a writer of classic pcap.
 *
 *   rw_pcap_open ─► rw_pcap_next … 1, 1, 1, (1 with cut) ─► 0 ─► rw_pcap_close
 *
 * A capture is often cut in the middle of its last record, because the disk was full or the tool
 * was killed. That is not an error: the record is handed out with what is there and marked. What
 * cannot be a record at all (a length above the limit, a block that contradicts itself) is one,
 * with the offset. Only Ethernet is handed out. One thread per reader or writer. Cold path:
 * allocates, reads files. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest record that is believed: the snapshot length that capture tools use for
 * "everything". */
#define RW_PCAP_RECORD_BYTES_MAX 262144u
/* The most interfaces of one pcapng section. */
#define RW_PCAP_INTERFACES_MAX 64u

struct rw_pcap; /* a reader */
struct rw_pcap_writer;

enum rw_pcap_format { RW_PCAP_CLASSIC = 1, RW_PCAP_NG = 2 };

struct rw_pcap_record {
    uint64_t time_ns;        /* Unix time */
    const uint8_t *frame;    /* the Ethernet frame; valid until the next call */
    uint32_t bytes;          /* that are there */
    uint32_t original_bytes; /* on the wire, ≥ bytes */
    bool cut;                /* the file ends inside this record, which is the last */
};

struct rw_pcap_count {
    uint64_t records; /* handed out, a cut one included */
    uint64_t cut;     /* 1 when the file ends inside its last record, header or payload, else 0 */
    uint64_t foreign_links;     /* pcapng packets skipped: their interface is not Ethernet */
    uint64_t bytes;             /* sum of rw_pcap_record.bytes */
    uint64_t first_ns, last_ns; /* stamps of the first and last record; 0 when there is none */
    uint32_t longest_bytes;     /* the longest record */
};

/* rw_pcap_open opens a capture file of any of the formats. Returns 0; or -errno with an error set:
 * no such file, not readable, not a capture (what its first bytes are), link type other than
 * Ethernet. On success the caller owns *reader and gives it to rw_pcap_close. */
int rw_pcap_open(const char *path, struct rw_pcap **reader);

/* rw_pcap_open_memory reads a capture that lies in memory (not compressed), which must outlive the
 * reader. name stands for the path in errors. Same returns. */
int rw_pcap_open_memory(const char *name, const void *bytes, size_t count, struct rw_pcap **reader);

/* rw_pcap_next reads the next record. Returns 1 with *record set, 0 at the end, -EBADMSG with an
 * error set when the file contradicts itself there, -EIO when it cannot be read (a damaged .gz
 * too). After 0 or an error every further call returns 0. */
int rw_pcap_next(struct rw_pcap *reader, struct rw_pcap_record *record);

/* rw_pcap_format and rw_pcap_compressed tell what the file is; rw_pcap_counted what was read so
 * far. */
enum rw_pcap_format rw_pcap_format(const struct rw_pcap *reader);
bool rw_pcap_compressed(const struct rw_pcap *reader);
struct rw_pcap_count rw_pcap_counted(const struct rw_pcap *reader);
void rw_pcap_close(struct rw_pcap *reader);

/* rw_pcap_is_capture tells whether a file's first bytes are those of a capture, compressed or not;
 * false also when it cannot be read. For guessing a file's kind. */
bool rw_pcap_is_capture(const char *path);

/* rw_pcap_survey reads a whole capture and counts it. Returns 0, or -errno with an error set. */
int rw_pcap_survey(const char *path, struct rw_pcap_count *count);

/* rw_pcap_create makes (or empties) a classic little-endian pcap file with ns stamps. Returns 0 or
 * -errno with an error set. The caller owns *writer. */
int rw_pcap_create(const char *path, struct rw_pcap_writer **writer);
/* rw_pcap_write appends one frame of 1..RW_PCAP_RECORD_BYTES_MAX bytes, asserted. time_ns < 2^32
 * seconds. Errors of the disk may come late: rw_pcap_finish tells them. */
void rw_pcap_write(struct rw_pcap_writer *writer, uint64_t time_ns, const void *frame,
                   uint32_t bytes);
/* rw_pcap_finish writes what is buffered, closes and frees. Returns 0, or -errno with an error set
 * when any byte did not reach the file (disk full). */
int rw_pcap_finish(struct rw_pcap_writer *writer);

/* rw_pcap_unpack rewrites any capture as a classic pcap, whole records only, for readers that know
 * no other. *count (may be NULL) tells what the new file holds. Returns 0, or -errno with an error
 * set; the unfinished file is then removed. */
int rw_pcap_unpack(const char *from, const char *to, struct rw_pcap_count *count);
