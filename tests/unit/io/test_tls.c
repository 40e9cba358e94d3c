/* TLS: sessions over the in-memory pair, with certificates that the test makes through the
 * openssl program. */
#include <errno.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dataplane/base/err.h"
#include "dataplane/io/tls.h"

static char folder[64];

static void run(const char *format, ...) {
    char command[1024], line[1200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    snprintf(line, sizeof line, "cd %s && (%s) >>log 2>&1", folder, command);
    if (system(line) != 0) fail_msg("failed: %s", command);
}

/* A certificate NAME.crt with its key, signed by CA, from..until in the form YYYYMMDDHHMMSSZ. */
static void issue(const char *file, const char *name, const char *ca, const char *from,
                  const char *until) {
    run("printf 'subjectAltName=DNS:%s\\n' >%s.ext", name, file);
    run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s.key", file);
    run("openssl req -new -key %s.key -subj /CN=%s -out %s.csr", file, name, file);
    run("mkdir -p db_%s && : >db_%s/index.txt && printf "
        "'[ca]\\ndefault_ca=d\\n[d]\\ndatabase=db_%s/index.txt\\n"
        "new_certs_dir=db_%s\\nrand_serial=yes\\ndefault_md=sha256\\npolicy=p\\nunique_subject="
        "no\\n[p]\\n"
        "commonName=supplied\\n' >%s.cnf",
        file, file, file, file, file);
    run("openssl ca -batch -config %s.cnf -cert %s.crt -keyfile %s.key -in %s.csr -out %s.crt "
        "-notext "
        "-startdate %s -enddate %s -extfile %s.ext",
        file, ca, ca, file, file, from, until, file);
}

static void make_ca(const char *file) {
    run("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out %s.key", file);
    run("openssl req -x509 -new -key %s.key -subj /CN=%s -days 3650 -out %s.crt", file, file, file);
}

static int remove_one(const char *path, const struct stat *stat, int kind, struct FTW *walk) {
    return remove(path);
}

static int make_certificates(void **state) {
    strcpy(folder, "/tmp/rw_tls_XXXXXX");
    if (!mkdtemp(folder) || system("openssl version >/dev/null 2>&1") != 0) return -1;
    const char *past = "20200101000000Z", *yesterday = "20200102000000Z", *far = "20991231000000Z";
    make_ca("ca");
    make_ca("other_ca");
    issue("a", "site-a", "ca", past, far);
    issue("b", "site-b", "ca", past, far);
    issue("expired", "site-b", "ca", past, yesterday);
    issue("future", "site-b", "ca", "20981231000000Z", far);
    issue("foreign", "site-b", "other_ca", past, far);
    return 0;
}

static int remove_certificates(void **state) {
    nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static int context_of(struct rw_tls_context **context, const char *certificate, const char *key,
                      const char *ca) {
    char paths[3][128];
    snprintf(paths[0], sizeof paths[0], "%s/%s.crt", folder, certificate);
    snprintf(paths[1], sizeof paths[1], "%s/%s.key", folder, key);
    snprintf(paths[2], sizeof paths[2], "%s/%s.crt", folder, ca);
    return rw_tls_context_new(context, &(struct rw_tls_files){paths[0], paths[1], paths[2]});
}

struct session {
    struct rw_tls_context *context[2];
    struct rw_stream *under[2], *stream[2];
    int result[2]; /* of the handshake: 1, or -errno */
    char text[2][256];
};

/* Client 0 shows site-a's certificate, server 1 the named one; ca: what client and server trust. */
static void shake(struct session *session, const char *server, const char *const ca[2],
                  const char *expected, uint64_t seed) {
    memset(session, 0, sizeof *session);
    assert_int_equal(context_of(&session->context[0], "a", "a", ca[0]), 0);
    assert_int_equal(context_of(&session->context[1], server, server, ca[1]), 0);
    assert_int_equal(rw_stream_pair(session->under, 32768, seed), 0);
    const char *names[2] = {expected, "site-a"};
    for (int i = 0; i < 2; i++)
        assert_int_equal(rw_tls_start(&session->stream[i], session->context[i], session->under[i],
                                      i ? RW_TLS_SERVER : RW_TLS_CLIENT, names[i]),
                         0);
    for (uint32_t turn = 0; turn < 100000 && (!session->result[0] || !session->result[1]); turn++)
        for (int i = 0; i < 2; i++) {
            if (session->result[i]) continue;
            session->result[i] = rw_tls_handshake_step(session->stream[i]);
            if (session->result[i] < 0)
                snprintf(session->text[i], sizeof session->text[i], "%s", rw_err_text());
        }
}

static const char *const same_ca[2] = {"ca", "ca"};

static void end(struct session *session) {
    for (int i = 0; i < 2; i++) {
        rw_stream_close(session->stream[i]);
        rw_tls_context_free(session->context[i]);
    }
}

static void a_session_carries_bytes_both_ways_in_pieces(void **state) {
    struct session session;
    shake(&session, "b", same_ca, "site-b", 42);
    assert_int_equal(session.result[0], 1);
    assert_int_equal(session.result[1], 1);
    assert_string_equal(rw_tls_cipher(session.stream[0]), "TLS_AES_256_GCM_SHA384");
    for (int way = 0; way < 2; way++) {
        static uint8_t sent[100000], got[100000];
        for (uint32_t i = 0; i < sizeof sent; i++) sent[i] = (uint8_t)(i * 13 + i / 251);
        uint32_t out = 0, in = 0;
        for (uint32_t turn = 0; in < sizeof got && turn < 1000000; turn++) {
            int32_t rc = out < sizeof sent ? rw_stream_send(session.stream[way], sent + out,
                                                            (uint32_t)sizeof sent - out)
                                           : 0;
            assert_true(rc >= 0);
            out += (uint32_t)rc;
            rc = rw_stream_recv(session.stream[1 - way], got + in, (uint32_t)sizeof got - in);
            assert_true(rc >= 0);
            in += (uint32_t)rc;
        }
        assert_memory_equal(sent, got, sizeof sent);
    }
    end(&session);
}

static void a_peer_that_closes_is_told_from_one_that_vanishes(void **state) {
    struct session session;
    uint8_t byte;
    shake(&session, "b", same_ca, "site-b", 0);
    assert_int_equal(session.result[0] + session.result[1], 2);
    rw_stream_close(session.stream[0]);
    assert_int_equal(rw_stream_recv(session.stream[1], &byte, 1), -EPIPE);
    session.stream[0] = NULL;
    end(&session);
    shake(&session, "b", same_ca, "site-b", 0);
    rw_stream_pair_cut(session.under[0]);
    assert_int_equal(rw_stream_recv(session.stream[1], &byte, 1), -ECONNRESET);
    assert_non_null(strstr(session.stream[1]->why, "vanished"));
    assert_int_equal(rw_stream_send(session.stream[1], &byte, 1), -ECONNRESET);
    end(&session);
}

static void a_wrong_name_says_expected_and_found(void **state) {
    struct session session;
    shake(&session, "b", same_ca, "site-c", 0);
    assert_int_equal(session.result[0], -EKEYREJECTED);
    assert_non_null(strstr(session.text[0], "expected site-c, found site-b"));
    assert_int_equal(session.result[1], -EKEYREJECTED);
    assert_non_null(strstr(session.text[1], "refused our certificate"));
    end(&session);
}

static void a_certificate_of_another_ca_is_refused(void **state) {
    struct session session;
    const char *const client_differs[2] = {"other_ca", "ca"}, *const server_differs[2] = {
                                                                  "ca", "other_ca"};
    shake(&session, "b", client_differs, "site-b", 0);
    assert_int_equal(session.result[0], -EKEYREJECTED);
    assert_non_null(strstr(session.text[0], "not signed by our CA"));
    end(&session);
    /* the client has finished before the server judges it, and learns it from its first receive */
    uint8_t byte;
    shake(&session, "b", server_differs, "site-b", 0);
    assert_int_equal(session.result[0], 1);
    assert_int_equal(session.result[1], -EKEYREJECTED);
    assert_non_null(strstr(session.text[1], "not signed by our CA"));
    assert_int_equal(rw_stream_recv(session.stream[0], &byte, 1), -EKEYREJECTED);
    assert_non_null(strstr(session.stream[0]->why, "refused our certificate"));
    end(&session);
    shake(&session, "foreign", same_ca, "site-b", 0);
    assert_int_equal(session.result[0], -EKEYREJECTED);
    end(&session);
}

static void an_expired_or_future_certificate_is_refused_with_its_date(void **state) {
    struct rw_tls_context *context;
    assert_int_equal(context_of(&context, "expired", "expired", "ca"), -EKEYEXPIRED);
    assert_non_null(strstr(rw_err_text(), "expired at 2020-01-02"));
    assert_int_equal(context_of(&context, "future", "future", "ca"), -EKEYREJECTED);
    assert_non_null(strstr(rw_err_text(), "begins at 2098-12-31"));
}

/* Our own side would not load an expired certificate; the openssl program does. */
static void an_expired_peer_is_refused_with_its_date(void **state) {
    struct rw_tls_context *context;
    struct rw_address address;
    struct rw_stream *under, *stream;
    char command[512], text[64];
    int fd, rc = 0;
    assert_int_equal(rw_address_parse(&address, "127.0.0.1:0"), 0);
    assert_int_equal(rw_tcp_listen(&address, &fd, &address), 0);
    rw_address_text(&address, text);
    assert_int_equal(context_of(&context, "a", "a", "ca"), 0);
    snprintf(
        command, sizeof command,
        "cd %s && openssl s_client -connect %s -cert expired.crt -key expired.key -CAfile ca.crt "
        ">/dev/null 2>&1 </dev/null &",
        folder, text);
    if (system(command) != 0) fail();
    for (uint32_t i = 0; i < 500000000 && rc == 0; i++) rc = rw_tcp_accept(fd, &under);
    assert_int_equal(rc, 1);
    assert_int_equal(rw_tls_start(&stream, context, under, RW_TLS_SERVER, "site-b"), 0);
    rc = 0;
    for (uint32_t i = 0; i < 500000000 && rc == 0; i++) rc = rw_tls_handshake_step(stream);
    assert_int_equal(rc, -EKEYEXPIRED);
    assert_non_null(strstr(rw_err_text(), "expired at 2020-01-02"));
    rw_stream_close(stream);
    close(fd);
    rw_tls_context_free(context);
}

static void bad_files_are_named_with_the_cause(void **state) {
    struct rw_tls_context *context;
    assert_int_equal(context_of(&context, "a", "b", "ca"), -EKEYREJECTED);
    assert_non_null(strstr(rw_err_text(), "does not match"));
    assert_int_equal(context_of(&context, "missing", "a", "ca"), -ENOENT);
    assert_non_null(strstr(rw_err_text(), "missing.crt"));
    assert_int_equal(context_of(&context, "a", "a", "missing"), -ENOENT);
    run("echo nonsense >bad.crt; cp a.crt nokey.key; cp a.crt nokey.crt");
    assert_int_equal(context_of(&context, "bad", "a", "ca"), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "bad.crt"));
    assert_int_equal(context_of(&context, "a", "nokey", "ca"), -EINVAL);
    assert_int_equal(context_of(&context, "a", "a", "bad"), -EINVAL);
    run("openssl pkey -in a.key -aes256 -passout pass:x -out locked.key; cp a.crt locked.crt");
    assert_int_equal(context_of(&context, "locked", "locked", "ca"), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "locked.key"));
}

static void a_peer_without_tls_is_refused(void **state) {
    struct rw_tls_context *context;
    struct rw_stream *ends[2], *stream;
    assert_int_equal(context_of(&context, "a", "a", "ca"), 0);
    assert_true(rw_tls_context_days_left(context) > 1000);
    assert_int_equal(rw_stream_pair(ends, 1000, 0), 0);
    assert_int_equal(rw_tls_start(&stream, context, ends[0], RW_TLS_SERVER, "site-b"), 0);
    assert_int_equal(rw_stream_send(ends[1], "GET / HTTP/1.1\r\n\r\n", 18), 18);
    int rc = rw_tls_handshake_step(stream);
    assert_true(rc < 0);
    assert_string_equal(rw_tls_cipher(stream), "");
    rw_stream_close(stream);
    rw_stream_close(ends[1]);
    rw_tls_context_free(context);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_carries_bytes_both_ways_in_pieces),
        cmocka_unit_test(a_peer_that_closes_is_told_from_one_that_vanishes),
        cmocka_unit_test(a_wrong_name_says_expected_and_found),
        cmocka_unit_test(a_certificate_of_another_ca_is_refused),
        cmocka_unit_test(an_expired_or_future_certificate_is_refused_with_its_date),
        cmocka_unit_test(an_expired_peer_is_refused_with_its_date),
        cmocka_unit_test(bad_files_are_named_with_the_cause),
        cmocka_unit_test(a_peer_without_tls_is_refused),
    };
    return cmocka_run_group_tests(tests, make_certificates, remove_certificates);
}
