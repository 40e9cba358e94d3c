/* Datagrams (UDP) that never wait: one socket, one thread at a time.
 *
 *   cold path: rw_datagram_open ──► stage thread: rw_datagram_send, rw_datagram_recv
 *
 * The socket is not connected, so that what comes from another address than expected is seen, and
 * can be counted, by the caller. send and recv allocate nothing and set no error text. */
#pragma once

#include <stdint.h>

#include "dataplane/io/stream.h"

/* rw_datagram_open opens a non-blocking socket of the family of `local` bound to it and stores it
 * in *fd; the bound address, with the real port when 0 was asked, goes to *bound when not NULL.
 * Cold path. Returns 0, or -errno with an error; -EADDRINUSE says which port is in use. */
int rw_datagram_open(const struct rw_address *local, int *fd, struct rw_address *bound);
/* rw_datagram_any fills *local with "any address, any port" of the family of `like`. */
void rw_datagram_any(const struct rw_address *like, struct rw_address *local);
/* rw_datagram_send sends one datagram of count (≥ 1) bytes. Returns 1 sent, 0 the socket takes
 * nothing now, -errno refused by the network. */
int rw_datagram_send(int fd, const struct rw_address *to, const void *bytes, uint32_t count);
/* rw_datagram_recv takes one datagram. Returns 1 and fills *from and *count (0 is possible), 0
 * when none waits, -EMSGSIZE when it was longer than `capacity` (*from is filled, the datagram is
 * gone), other -errno. */
int rw_datagram_recv(int fd, void *bytes, uint32_t capacity, struct rw_address *from,
                     uint32_t *count);
void rw_datagram_close(int fd);
