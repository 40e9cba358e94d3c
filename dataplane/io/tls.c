/* TLS 1.3 by OpenSSL over a rw_stream: a BIO of our own moves the records, so the same code
 * runs over TCP and over the in-memory pair, and a closed socket never raises SIGPIPE.
 *
 * Every call leaves OpenSSL's error queue of its thread empty, on which SSL_get_error depends. */
#include "dataplane/io/tls.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"

#define NAME_MAX_BYTES    64u
#define SEND_ONCE_MAX     (1u << 30)
#define READ_BUFFER_BYTES (64u << 10)

struct rw_tls_context {
    SSL_CTX *ssl;
    int64_t days_left;
};

struct tls_stream {
    struct rw_stream stream; /* first: the caller's view */
    SSL *ssl;
    struct rw_stream *under;
    int under_error; /* -errno of the stream underneath */
    int broken;      /* -errno after which nothing works any more */
    bool ready;
    char expected[NAME_MAX_BYTES];
    int verify_error; /* X509_V_ERR_…, the first one */
    char verify_text[128];
    const char *cure; /* for the operator, or NULL */
};

/* ---- the BIO ---- */

static int bio_write(BIO *bio, const char *bytes, int count) {
    struct tls_stream *self = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    int32_t sent = rw_stream_send(self->under, bytes, (uint32_t)count);
    if (sent > 0) return sent;
    if (sent == 0)
        BIO_set_retry_write(bio);
    else
        self->under_error = sent;
    return -1;
}

static int bio_read(BIO *bio, char *bytes, int count) {
    struct tls_stream *self = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    int32_t got = rw_stream_recv(self->under, bytes, (uint32_t)count);
    if (got > 0) return got;
    if (got == 0)
        BIO_set_retry_read(bio);
    else
        self->under_error = got;
    return got == -EPIPE ? 0 : -1;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer) {
    struct tls_stream *self = BIO_get_data(bio);
    if (command == BIO_CTRL_FLUSH) return 1;
    if (command == BIO_CTRL_EOF) return self->under_error != 0;
    return 0;
}

/* One method for the whole process: BIOs in use keep pointing at it. */
static BIO_METHOD *stream_method;
static pthread_once_t stream_method_once = PTHREAD_ONCE_INIT;

static void make_method(void) {
    stream_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "rw_stream");
    if (!stream_method) return;
    BIO_meth_set_write(stream_method, bio_write);
    BIO_meth_set_read(stream_method, bio_read);
    BIO_meth_set_ctrl(stream_method, bio_ctrl);
}

/* ---- the context ---- */

static const char *reason(void) {
    const char *text = ERR_reason_error_string(ERR_peek_last_error());
    return text ? text : "no reason given";
}

static void time_text(const ASN1_TIME *time, char text[32]) {
    struct tm parts;
    if (!ASN1_TIME_to_tm(time, &parts) || !strftime(text, 32, "%Y-%m-%d %H:%M:%S UTC", &parts))
        snprintf(text, 32, "(unreadable date)");
}

static int check_readable(const char *path, const char *what) {
    FILE *file = fopen(path, "re");
    if (file) {
        fclose(file);
        return 0;
    }
    int cause = errno;
    rw_err_set(cause, "cannot read the %s %s: %s", what, path, strerror(cause));
    rw_err_fix("check the path and that this user may read it");
    return -cause;
}

static int refuse_file(const char *path, const char *what) {
    int rc = rw_err_set(EINVAL, "%s is not a usable %s: %s", path, what, reason());
    ERR_clear_error();
    return rc;
}

static int check_dates(struct rw_tls_context *context, const char *path) {
    const X509 *own = SSL_CTX_get0_certificate(context->ssl);
    const ASN1_TIME *from = X509_get0_notBefore(own), *until = X509_get0_notAfter(own);
    char text[32];
    int days = 0, seconds = 0;
    if (X509_cmp_current_time(from) > 0) {
        time_text(from, text);
        rw_err_set(EKEYREJECTED, "certificate %s is not yet valid: it begins at %s", path, text);
        rw_err_fix("check this host's clock (timedatectl), then the certificate");
        return -EKEYREJECTED;
    }
    if (X509_cmp_current_time(until) < 0) {
        time_text(until, text);
        rw_err_set(EKEYEXPIRED, "certificate %s expired at %s", path, text);
        rw_err_fix("issue a new certificate; the key may stay");
        return -EKEYEXPIRED;
    }
    if (ASN1_TIME_diff(&days, &seconds, NULL, until)) context->days_left = days;
    return 0;
}

/* Without this OpenSSL would ask the terminal for a pass phrase. */
static int no_pass_phrase(char *buffer, int size, int is_write, void *context) { return 0; }

static int load_files(struct rw_tls_context *context, const struct rw_tls_files *files) {
    SSL_CTX *ssl = context->ssl;
    int rc = check_readable(files->certificate, "certificate");
    if (!rc) rc = check_readable(files->key, "private key");
    if (!rc) rc = check_readable(files->ca, "CA file");
    if (rc) return rc;
    SSL_CTX_set_default_passwd_cb(ssl, no_pass_phrase);
    if (SSL_CTX_use_certificate_chain_file(ssl, files->certificate) != 1)
        return refuse_file(files->certificate, "certificate (PEM)");
    if (SSL_CTX_use_PrivateKey_file(ssl, files->key, SSL_FILETYPE_PEM) != 1) {
        /* with the certificate loaded, OpenSSL already compares them here */
        if (ERR_GET_REASON(ERR_peek_last_error()) != X509_R_KEY_VALUES_MISMATCH)
            return refuse_file(files->key, "private key (PEM, without pass phrase)");
        ERR_clear_error();
        rw_err_set(EKEYREJECTED, "private key %s does not match certificate %s", files->key,
                   files->certificate);
        rw_err_fix("name the key that the certificate was made with");
        return -EKEYREJECTED;
    }
    if (SSL_CTX_load_verify_locations(ssl, files->ca, NULL) != 1)
        return refuse_file(files->ca, "CA file (PEM)");
    return check_dates(context, files->certificate);
}

static int note_verify(int ok, X509_STORE_CTX *store);

int rw_tls_context_new(struct rw_tls_context **context, const struct rw_tls_files *files) {
    struct rw_tls_context *self = calloc(1, sizeof *self);
    if (!self) return rw_err_set(ENOMEM, "no memory for a TLS context");
    self->ssl = SSL_CTX_new(TLS_method());
    pthread_once(&stream_method_once, make_method);
    if (!self->ssl || !stream_method) {
        rw_tls_context_free(self);
        return rw_err_set(ENOMEM, "OpenSSL has no memory for a TLS context");
    }
    SSL_CTX_set_min_proto_version(self->ssl, TLS1_3_VERSION);
    SSL_CTX_set_max_proto_version(self->ssl, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(self->ssl, "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256");
    SSL_CTX_set_verify(self->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, note_verify);
    SSL_CTX_set_session_cache_mode(self->ssl, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(self->ssl, 0);
    SSL_CTX_set_mode(self->ssl,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(self->ssl, 1); /* one receive call a record, not two */
    SSL_CTX_set_default_read_buffer_len(self->ssl, READ_BUFFER_BYTES);
    int rc = load_files(self, files);
    if (rc) {
        rw_tls_context_free(self);
        return rc;
    }
    *context = self;
    return 0;
}

void rw_tls_context_free(struct rw_tls_context *context) {
    if (!context) return;
    SSL_CTX_free(context->ssl);
    free(context);
}

int64_t rw_tls_context_days_left(const struct rw_tls_context *context) {
    return context->days_left;
}

/* ---- the session ---- */

/* The DNS names a certificate carries, for the sentence "expected …, found …". */
static void names_text(const X509 *certificate, char text[128]) {
    size_t used = 0;
    text[0] = 0;
    GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    for (int i = 0; i < sk_GENERAL_NAME_num(names) && used < 127; i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        if (name->type != GEN_DNS) continue;
        int wrote = snprintf(text + used, 128 - used, "%s%.60s", used ? ", " : "",
                             (const char *)ASN1_STRING_get0_data(name->d.dNSName));
        used += wrote > 0 ? (size_t)wrote : 0;
    }
    GENERAL_NAMES_free(names);
    if (!text[0])
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, text, 128);
}

static int note_verify(int ok, X509_STORE_CTX *store) {
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls_stream *self = SSL_get_app_data(ssl);
    if (ok || self->verify_error) return ok;
    self->verify_error = X509_STORE_CTX_get_error(store);
    const X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    if (!certificate) return ok;
    if (self->verify_error == X509_V_ERR_CERT_HAS_EXPIRED)
        time_text(X509_get0_notAfter(certificate), self->verify_text);
    else if (self->verify_error == X509_V_ERR_CERT_NOT_YET_VALID)
        time_text(X509_get0_notBefore(certificate), self->verify_text);
    else
        names_text(certificate, self->verify_text);
    return ok;
}

static int32_t tls_send(struct rw_stream *stream, const void *bytes, uint32_t count);
static int32_t tls_recv(struct rw_stream *stream, void *bytes, uint32_t count);
static void tls_close(struct rw_stream *stream);

static const struct rw_stream_ops tls_ops = {tls_send, tls_recv, tls_close};

int rw_tls_start(struct rw_stream **stream, struct rw_tls_context *context, struct rw_stream *under,
                 enum rw_tls_side side, const char *peer_name) {
    struct tls_stream *self = calloc(1, sizeof *self);
    SSL *ssl = self ? SSL_new(context->ssl) : NULL;
    BIO *bio = ssl ? BIO_new(stream_method) : NULL;
    if (!bio || strlen(peer_name) >= NAME_MAX_BYTES || SSL_set1_host(ssl, peer_name) != 1) {
        BIO_free(bio);
        SSL_free(ssl);
        free(self);
        rw_stream_close(under);
        ERR_clear_error();
        return rw_err_set(EINVAL, "no TLS session for peer name '%.80s'", peer_name);
    }
    self->stream = (struct rw_stream){.ops = &tls_ops, .fd = under->fd};
    self->ssl = ssl;
    self->under = under;
    strcpy(self->expected, peer_name); /* its length was checked */
    BIO_set_data(bio, self);
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_app_data(ssl, self);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (side == RW_TLS_SERVER)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    *stream = &self->stream;
    return 0;
}

static int refuse_peer(struct tls_stream *self) {
    char *why = self->stream.why;
    size_t room = sizeof self->stream.why;
    switch (self->verify_error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(why, room, "the peer's certificate expired at %.32s", self->verify_text);
        self->cure = "issue a new certificate for the peer";
        return -EKEYEXPIRED;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(why, room, "the peer's certificate is not yet valid: it begins at %.32s",
                 self->verify_text);
        self->cure = "check this host's clock (timedatectl), then the certificate";
        return -EKEYREJECTED;
    case X509_V_ERR_HOSTNAME_MISMATCH:
        snprintf(why, room, "the peer's certificate has the wrong name: expected %s, found %.64s",
                 self->expected, self->verify_text);
        self->cure = "connect to the right site, or name the peer as its certificate does";
        return -EKEYREJECTED;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        snprintf(why, room, "the peer's certificate (%.64s) is not signed by our CA",
                 self->verify_text);
        self->cure = "give both sites certificates of one CA, and both that CA's file";
        return -EKEYREJECTED;
    default:
        snprintf(why, room, "the peer's certificate was refused: %.100s",
                 X509_verify_cert_error_string(self->verify_error));
        return -EKEYREJECTED;
    }
}

/* A session that cannot go on: finds the cause, in words. Returns -errno. */
static int failed(struct tls_stream *self) {
    char *why = self->stream.why;
    size_t room = sizeof self->stream.why;
    unsigned long code = ERR_peek_error();
    int number = ERR_GET_REASON(code);
    if (why[0]) return self->broken;
    if (self->verify_error) {
        self->broken = refuse_peer(self);
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL && number >= SSL_AD_REASON_OFFSET) {
        /* the peer has sent an alert: 42…48, 116 are about certificates */
        int alert = number - SSL_AD_REASON_OFFSET;
        bool about_us = (alert >= 42 && alert <= 48) || alert == SSL_AD_CERTIFICATE_REQUIRED;
        snprintf(why, room, "%s: %.100s",
                 about_us ? "the peer refused our certificate" : "the peer ended the session",
                 ERR_reason_error_string(code));
        self->broken = about_us ? -EKEYREJECTED : -EPROTO;
    } else if (number == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        snprintf(why, room, "the peer showed no certificate");
        self->broken = -EKEYREJECTED;
    } else if (self->under_error || number == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        snprintf(why, room, "the peer vanished%s%.100s", self->under->why[0] ? ": " : "",
                 self->under->why);
        self->broken = -ECONNRESET;
    } else {
        const char *text = ERR_reason_error_string(code);
        snprintf(why, room, "TLS: %.100s", text ? text : "no reason given");
        self->broken = -EPROTO;
    }
    return self->broken;
}

/* What a call of OpenSSL that moved nothing means: 0 nothing possible now, else -errno. */
static int32_t outcome(struct tls_stream *self, int rc) {
    int error = SSL_get_error(self->ssl, rc);
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
    if (error == SSL_ERROR_ZERO_RETURN) {
        snprintf(self->stream.why, sizeof self->stream.why, "the peer has closed");
        self->broken = -EPIPE;
    } else {
        failed(self);
    }
    ERR_clear_error();
    return self->broken;
}

int rw_tls_handshake_step(struct rw_stream *stream) {
    struct tls_stream *self = (struct tls_stream *)stream;
    RW_ASSERT(stream->ops == &tls_ops);
    if (self->ready) return 1;
    if (!self->broken) {
        ERR_clear_error();
        int rc = SSL_do_handshake(self->ssl);
        if (rc == 1) {
            self->ready = true;
            return 1;
        }
        if (outcome(self, rc) == 0) return 0;
    }
    rw_err_set(-self->broken, "TLS with peer %s: %s", self->expected, stream->why);
    if (self->cure) rw_err_fix("%s", self->cure);
    return self->broken;
}

const char *rw_tls_cipher(const struct rw_stream *stream) {
    const struct tls_stream *self = (const struct tls_stream *)stream;
    return self->ready ? SSL_get_cipher_name(self->ssl) : "";
}

static int32_t tls_send(struct rw_stream *stream, const void *bytes, uint32_t count) {
    struct tls_stream *self = (struct tls_stream *)stream;
    RW_ASSERT(self->ready && count > 0);
    if (self->broken) return self->broken;
    int rc = SSL_write(self->ssl, bytes, (int)(count < SEND_ONCE_MAX ? count : SEND_ONCE_MAX));
    return rc > 0 ? rc : outcome(self, rc);
}

static int32_t tls_recv(struct rw_stream *stream, void *bytes, uint32_t count) {
    struct tls_stream *self = (struct tls_stream *)stream;
    RW_ASSERT(self->ready && count > 0);
    if (self->broken) return self->broken;
    int rc = SSL_read(self->ssl, bytes, (int)(count < SEND_ONCE_MAX ? count : SEND_ONCE_MAX));
    return rc > 0 ? rc : outcome(self, rc);
}

static void tls_close(struct rw_stream *stream) {
    struct tls_stream *self = (struct tls_stream *)stream;
    if (self->ready && !self->broken) SSL_shutdown(self->ssl);
    SSL_free(self->ssl);
    ERR_clear_error();
    rw_stream_close(self->under);
    free(self);
}
