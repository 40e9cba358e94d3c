/* TLS 1.3 with mutual certificates, as a stream over a stream.
 *
 *   rw_tls_context_new ─► rw_tls_start(under) ─► rw_tls_handshake_step … 1 ─► rw_stream_send / recv
 *        once                cold thread               cold thread                one stage thread
 *
 * Only TLS 1.3, AES-256-GCM before ChaCha20; no session tickets, no resumption, no early data,
 * no KeyUpdate of our own. Both ends must show a certificate of the CA whose subject
 * alternative name (DNS) is the expected peer name. OpenSSL takes its record buffers during
 * the handshake and keeps them; the small blocks it wants for every record come from
 * tls_memory.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/io/stream.h"

struct rw_tls_context;

struct rw_tls_files {
    const char *certificate; /* PEM: this site's certificate, then intermediates */
    const char *key;         /* PEM: its private key */
    const char *ca;          /* PEM: the authorities that may have signed the peer's */
};

/* rw_tls_context_new loads and checks the files. Returns 0 and *context, or -errno with an
 * error that says which file is unreadable, expired (date), not yet valid (date), or that the
 * key does not match. Cold path. */
int rw_tls_context_new(struct rw_tls_context **context, const struct rw_tls_files *files);
/* rw_tls_context_free frees it; streams made from it stay valid. NULL is allowed. */
void rw_tls_context_free(struct rw_tls_context *context);
/* rw_tls_context_days_left returns how many whole days this site's certificate is still valid,
 * for a gauge. */
int64_t rw_tls_context_days_left(const struct rw_tls_context *context);

enum rw_tls_side { RW_TLS_CLIENT = 0, RW_TLS_SERVER = 1 };

/* rw_tls_start begins a session over a connected stream, which from now on belongs to the
 * session, also on failure. peer_name: the name the peer's certificate must carry. Returns 0
 * and *stream, or -errno. */
int rw_tls_start(struct rw_stream **stream, struct rw_tls_context *context, struct rw_stream *under,
                 enum rw_tls_side side, const char *peer_name);
/* rw_tls_handshake_step goes on as far as it can without waiting (≤ about 2 ms of CPU in all).
 * Returns 1 when the session is ready, 0 to be called again, or -errno with an error in words:
 * expired (date), not yet valid, signed by an unknown CA, wrong name (expected, found), no
 * certificate, the peer refused ours. The caller closes the stream on failure. A client learns
 * only from its first recv that the server refused it. */
int rw_tls_handshake_step(struct rw_stream *stream);
/* rw_tls_cipher returns the name of the negotiated cipher, "" before the handshake has finished. */
const char *rw_tls_cipher(const struct rw_stream *stream);
