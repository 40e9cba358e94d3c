/* TLS sessions between the two sites of a benchmark, and a bare ping-pong over one. */
#pragma once

#include <stdbool.h>

#include "dataplane/io/stream.h"

/* session_certificates makes a CA and the certificates of sites a and b in `folder`, with the
 * openssl program; false when that does not work. */
bool session_certificates(const char *folder);
/* session_connect makes a TLS session over loopback TCP; ends[0] is site a's. Exits on failure. */
void session_connect(const char *folder, struct rw_stream *ends[2]);
/* session_pin binds the calling thread to a CPU (modulo their number). */
void session_pin(int cpu);
/* session_move sends or receives all of `count` bytes, spinning. Exits when the session ends. */
void session_move(struct rw_stream *stream, bool send, void *bytes, uint32_t count);
