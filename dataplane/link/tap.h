/* Taps: what passes a port or a link of a running site, copied into shared memory while somebody
 * reads it. The path never waits for a reader, and does not notice that there is none.
 *
 *   port ─► rx ─► ring ─► feed ─► …          PATH   ┌ wants: a word a tap, by readers (a page) ┐
 *     ╎       ╎                                     ├ head: pid, clock, closed                 ┤
 *     ╎ copy  ╎ copy                                ├ tap 0: name, claimed, written, passed    ┤
 *     ▼       ▼  while wanted                       ├ tap 1 …                                  ┤
 *   tap 0   tap 1                                   └ ring of tap 0 ┬ ring of tap 1 ┬ …        ┘
 *
 * A tap's ring holds records of any length (a head of four words, then the bytes); a slow reader is
 * overrun and told. Each record carries the number of what it copies, counted by the path whether
 * it is tapped or not, so a reader knows exactly how much it has missed:
 *
 *   passed = read + missed
 *
 * A reader asks by renewing the tap's want word. The path looks at the words in its housekeeping
 * only and keeps the answer in its own memory, so a message costs one predictable branch; when the
 * word stays as it is for RW_TAP_LEASE_NS, because the reader has ended or hangs, copying stops. */
#pragma once

#include <assert.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/base/shared.h"

#define RW_TAPS_MAGIC           0x31535041545752ull /* "RWTAPS1" */
#define RW_TAPS_VERSION         1u
#define RW_TAPS_MAX             256u
#define RW_TAP_NAME_BYTES       40u
#define RW_TAP_DETAIL_BYTES     216u
#define RW_TAP_RING_BYTES_MIN   (64u << 10) /* four of the longest records */
#define RW_TAP_RING_BYTES_MAX   (1ull << 32)
#define RW_TAP_RECORD_BYTES_MAX 16352u /* longer ones are cut; `original` tells */
#define RW_TAP_LEASE_NS         2000000000ull
#define RW_TAPS_WANTS_BYTES     4096u

enum rw_tap_kind {
    RW_TAP_FRAMES = 1, /* Ethernet frames, as the port got them */
    RW_TAP_SLOTS = 2,  /* the slots of a link, one a record */
};

enum rw_tap_flag {
    RW_TAP_UNIX = 1,  /* time_ns is Unix time; else the site's clock */
    RW_TAP_FIRST = 2, /* slots: a message begins here; unset: it may go on from the slot before */
};

/* The head of a record in a ring, and what a reader gets. */
struct rw_tap_record {
    uint64_t time_ns;
    uint64_t number; /* 1, 2, … : of the frame at its port, of the slot in its link */
    uint32_t bytes;  /* that follow, ≤ RW_TAP_RECORD_BYTES_MAX */
    uint32_t original;
    uint32_t flags; /* enum rw_tap_flag */
    uint32_t reserved;
};
static_assert(sizeof(struct rw_tap_record) == 32, "four words");

/* What one tap stands for. */
struct rw_tap_row {
    char name[RW_TAP_NAME_BYTES];     /* "rx port0", "rx->feed": the block of its statistics */
    char detail[RW_TAP_DETAIL_BYTES]; /* for people: the device */
    uint32_t kind;                    /* enum rw_tap_kind */
    uint32_t slot_bytes;              /* slots: of each */
};

/* The file. Readers map all of it for reading, and the wants for writing too. */
struct rw_taps_wants {
    _Atomic uint64_t renewed_ns[RW_TAPS_MAX]; /* CLOCK_MONOTONIC of the last reader to ask */
    uint8_t reserved[RW_TAPS_WANTS_BYTES - 8u * RW_TAPS_MAX];
};
struct rw_taps_head {
    _Atomic uint64_t magic; /* written last */
    uint32_t version, count;
    uint64_t pid, ring_bytes;
    char site[32];
    _Alignas(64) _Atomic uint64_t unix_minus_site_ns; /* what turns the site's clock into Unix ns */
    _Atomic uint64_t closed;                          /* 1: the site has stopped in good order */
    uint8_t reserved[48];
};
static_assert(sizeof(struct rw_taps_head) == 128, "two lines");
struct rw_tap_head {
    struct rw_tap_row row;
    uint8_t reserved0[56];
    _Alignas(
        64) _Atomic uint64_t claimed; /* bytes: what lies before claimed − ring_bytes is gone */
    _Atomic uint64_t written;         /* bytes that may be read */
    _Atomic uint64_t passed;          /* number of the last one, at the last housekeeping */
    _Atomic uint64_t wanted;          /* 1 while it copies */
    uint8_t reserved1[32];
};
static_assert(sizeof(struct rw_tap_head) == 384, "six lines");
struct rw_taps_file {
    struct rw_taps_wants wants;
    struct rw_taps_head head;
    struct rw_tap_head tap[]; /* count of them; then, page-aligned, the rings */
};

/* The path's end of one tap, in its own memory. */
struct rw_tap {
    bool on;
    struct rw_tap_head *head;
    _Atomic uint64_t *want;
    _Atomic uint64_t *ring;
    uint64_t mask;    /* words of the ring − 1 */
    uint64_t written; /* bytes */
    uint64_t want_seen, until_ns;
};

struct rw_taps {
    uint32_t count;
    struct rw_shared shared;
    struct rw_taps_file *file;
    struct rw_tap tap[RW_TAPS_MAX];
};

struct rw_taps_cfg {
    const char *path, *site;
    uint64_t pid;
    uint64_t ring_bytes; /* of each: a power of two, RW_TAP_RING_BYTES_MIN..MAX */
    uint32_t count;      /* 1..RW_TAPS_MAX */
    struct rw_tap_row row[RW_TAPS_MAX];
};

/* rw_taps_footprint returns the bytes of shared memory that a configuration takes. */
uint64_t rw_taps_footprint(const struct rw_taps_cfg *cfg);
/* rw_taps_create makes the file, for its owner and group. Made before the ports are opened, so a
 * reader that waits for it gets the first frame too. 0; -EINVAL for a size out of range or a name
 * that stands there twice; -errno; with an error set. Cold path. */
int rw_taps_create(struct rw_taps *taps, const struct rw_taps_cfg *cfg);
/* rw_taps_find returns the tap of a name; NULL when there is none, or no taps at all. */
struct rw_tap *rw_taps_find(struct rw_taps *taps, const char *name);
/* rw_taps_clock publishes what turns the site's clock into Unix time. Cold thread; now and then. */
void rw_taps_clock(struct rw_taps *taps, uint64_t site_ns, uint64_t unix_ns);
/* rw_taps_close tells readers that nothing follows, and removes the file. After the stages. */
void rw_taps_close(struct rw_taps *taps, const char *path);

/* The rest is for the one thread that owns the tapped port or link. */

/* rw_tap_on tells whether to copy: as of the last rw_tap_look. NULL is never on. */
static inline bool rw_tap_on(const struct rw_tap *tap) { return tap && tap->on; }
/* rw_tap_look looks whether a reader still asks, and publishes how many have passed so far. In
 * housekeeping, and once before the first message. NULL is allowed. */
void rw_tap_look(struct rw_tap *tap, uint64_t passed, uint64_t now_ns);
/* rw_tap_put copies record->bytes bytes. Never fails or waits: older records are overwritten. */
void rw_tap_put(struct rw_tap *tap, const struct rw_tap_record *record, const void *bytes);
