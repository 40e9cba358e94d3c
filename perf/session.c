#include "perf/session.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/io/tls.h"

static void must(int rc) {
    if (rc >= 0) return;
    rw_err_print("benchmark");
    exit(1);
}

bool session_certificates(const char *folder) {
    char command[1024];
    snprintf(command, sizeof command,
             "cd %s && exec 2>/dev/null && "
             "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key "
             "-out ca.crt -subj /CN=ca -days 2 && for s in a b; do "
             "openssl req -x509 -CA ca.crt -CAkey ca.key -newkey ec -pkeyopt "
             "ec_paramgen_curve:P-256 -nodes -keyout $s.key -out $s.crt -subj /CN=$s -days 1 "
             "-addext subjectAltName=DNS:$s -addext basicConstraints=critical,CA:FALSE; done",
             folder);
    return system(command) == 0;
}

static struct rw_tls_context *context_of(const char *folder, const char *name) {
    char path[3][128];
    struct rw_tls_context *context;
    snprintf(path[0], sizeof path[0], "%s/%s.crt", folder, name);
    snprintf(path[1], sizeof path[1], "%s/%s.key", folder, name);
    snprintf(path[2], sizeof path[2], "%s/ca.crt", folder);
    must(rw_tls_context_new(
        &context, &(struct rw_tls_files){.certificate = path[0], .key = path[1], .ca = path[2]}));
    return context;
}

void session_connect(const char *folder, struct rw_stream *ends[2]) {
    struct rw_tls_context *context[2] = {context_of(folder, "a"), context_of(folder, "b")};
    struct rw_address any, bound;
    struct rw_stream *under[2];
    int fd, rc;
    must(rw_address_parse(&any, "127.0.0.1:0"));
    must(rw_tcp_listen(&any, &fd, &bound));
    must(rw_tcp_connect(&bound, &under[0]));
    while ((rc = rw_tcp_accept(fd, &under[1])) == 0) {
    }
    must(rc);
    while ((rc = rw_tcp_connect_step(under[0])) == 0) {
    }
    must(rc);
    must(rw_tls_start(&ends[0], context[0], under[0], RW_TLS_CLIENT, "b"));
    must(rw_tls_start(&ends[1], context[1], under[1], RW_TLS_SERVER, "a"));
    int ready[2] = {0, 0};
    while (!ready[0] || !ready[1])
        for (int i = 0; i < 2; i++)
            if (!ready[i]) must(ready[i] = rw_tls_handshake_step(ends[i]));
    close(fd);
    rw_tls_context_free(context[0]);
    rw_tls_context_free(context[1]);
}

void session_pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu % (int)sysconf(_SC_NPROCESSORS_ONLN), &set);
    sched_setaffinity(0, sizeof set, &set);
}

void session_move(struct rw_stream *stream, bool send, void *bytes, uint32_t count) {
    for (uint32_t at = 0; at < count;) {
        uint8_t *rest = (uint8_t *)bytes + at;
        int32_t moved = send ? rw_stream_send(stream, rest, count - at)
                             : rw_stream_recv(stream, rest, count - at);
        must(moved);
        at += (uint32_t)moved;
    }
}
