/* A writer of pcapng, for captures of running sites: interfaces with names, ns stamps, the number
 * of each packet, what was lost before it, and statistics at the end.
 *
 *   create (section, one interface block each) ─► packet … ─► flush … ─► statistics ─► finish
 *
 * pcap.h reads what this writes. Not every link type is Ethernet: what is captured from a link
 * between stages is of a user type. Cold path. */
#pragma once

#include <stdint.h>

#define RW_PCAPNG_ETHERNET 1u
/* Types kept free for private use: 147 to 162. */
#define RW_PCAPNG_USER0 147u

struct rw_pcapng; /* a writer */

struct rw_pcapng_interface {
    const char *name, *description; /* description: "" = none; each below 1,024 bytes */
    uint16_t link_type;
    uint32_t snap_bytes; /* the longest packet that is kept whole */
};

struct rw_pcapng_packet {
    uint32_t interface; /* index in the order of create */
    uint64_t time_ns;   /* Unix time */
    uint64_t number;    /* of the packet at its interface */
    uint64_t lost;      /* right before this one, at this interface */
    const void *bytes;
    uint32_t count, original; /* count ≤ RW_PCAP_RECORD_BYTES_MAX; original ≥ count */
};

struct rw_pcapng_statistics {
    uint64_t start_ns, end_ns;           /* Unix time */
    uint64_t received, dropped, written; /* received = dropped + written */
};

/* rw_pcapng_create begins a capture of 1..64 interfaces in a file, or on standard output with path
 * "-". `application` says who wrote it. 0 or -errno with an error set. */
int rw_pcapng_create(const char *path, const char *application,
                     const struct rw_pcapng_interface *interfaces, uint32_t count,
                     struct rw_pcapng **writer);
/* rw_pcapng_packet appends a packet. Errors of the disk may come late: flush and finish tell. */
void rw_pcapng_packet(struct rw_pcapng *writer, const struct rw_pcapng_packet *packet);
/* rw_pcapng_flush hands on what is buffered, for who reads along. 0, or -errno with an error set
 * from the first failed write on. */
int rw_pcapng_flush(struct rw_pcapng *writer);
/* rw_pcapng_statistics appends the statistics of an interface. */
void rw_pcapng_statistics(struct rw_pcapng *writer, uint32_t interface,
                          const struct rw_pcapng_statistics *statistics);
/* rw_pcapng_finish writes what is buffered, closes and frees. 0, or -errno with an error set when
 * any byte did not get there. */
int rw_pcapng_finish(struct rw_pcapng *writer);
