/* rw_client: read a site's results on the same host, in about a cache miss, without a system call.
 *
 *     struct rw_client *client = rw_client_open("/dev/shm/riskwire/a/results");
 *     struct rw_result record;
 *     rw_client_from(client, 1);
 *     for (;;) {
 *         int got = rw_client_next(client, &record);
 *         if (got == 1) use(&record);
 *         else if (got == 0 && idle()) rw_client_check(client);   // a restarted site?
 *         else if (got == -EOVERFLOW) rw_client_missed(client, &first, &count);
 *     }
 *
 * Records come in the order of their result sequence, each once. A reader that falls more than
 * the ring's depth behind is told which range it missed and goes on after it; the appliance
 * never waits for it. The missed range is served by the site's SoupBinTCP port (soup_client.h),
 * whose address is in the status.
 *
 * The library needs neither DPDK nor privileges beyond reading the file. A client is owned by one
 * thread at a time; any number of clients may read a region. */
#pragma once

#include <stdint.h>

#include "dataplane/record/result.h"

struct rw_client;

/* rw_client_open attaches to the region file of a site, read-only, positioned at sequence 1.
 * NULL with an error set (base/err.h) when it is missing, cut, or of another version. Allocates. */
struct rw_client *rw_client_open(const char *path);
/* rw_client_from sets the next sequence wanted; 0 = the one after the newest. It may lie ahead
 * of what is released: next then returns 0 until it comes. */
void rw_client_from(struct rw_client *client, uint64_t sequence);
/* rw_client_position returns the next sequence wanted. */
uint64_t rw_client_position(const struct rw_client *client);
/* rw_client_next copies the next record. Returns 1; 0 when it is not there yet; -EOVERFLOW when
 * it was overwritten: rw_client_missed tells the range, and the client now stands behind it.
 * Never waits. */
int rw_client_next(struct rw_client *client, struct rw_result *record);
/* rw_client_missed tells the range of the last -EOVERFLOW: `count` sequences from `first` on. */
void rw_client_missed(const struct rw_client *client, uint64_t *first, uint64_t *count);

struct rw_client_status {
    char session[11];
    uint64_t generation, pid;  /* of the region and its writer */
    uint64_t oldest, released; /* sequences the ring may hold now */
    uint64_t commit, role; /* highest releasable log sequence; rw_role_pack: epoch, mode, role */
    uint64_t as_of_ns;     /* event time of the newest record */
    uint64_t closed;       /* enum rw_broadcast_end */
    char soup_address[48]; /* where older records are served; "" = nowhere */
    uint16_t soup_port;
};

/* rw_client_status reads the region's head. */
void rw_client_status(const struct rw_client *client, struct rw_client_status *status);
/* rw_client_check looks whether the file was replaced by a restarted site, and if so attaches to
 * the new region at the same position (sequences mean the same there). Returns 0: unchanged; 1:
 * re-attached; -ENOENT: the file is gone, the old region stays readable; -ESTALE: the new region
 * is of another session and was not attached; or what rw_client_open can fail with. One system
 * call when nothing changed: call it every 100 ms or so of silence. */
int rw_client_check(struct rw_client *client);
/* rw_client_close detaches and frees. NULL is ignored. */
void rw_client_close(struct rw_client *client);
