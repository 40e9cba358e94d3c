/* The control socket of a site: <run_dir>/<site>/control.sock, SOCK_SEQPACKET, one JSON object a
 * packet.
 *
 * Served by the cold thread. A question is answered at once, or kept open until its outcome is
 * known (promote waits for the replication stage). At most CONTROL_CLIENTS_MAX clients; a further
 * one is closed and counted. Files of the site belong to its user and group (mode 0660). */
#pragma once

#include <jansson.h>
#include <stdint.h>

#define RW_CONTROL_CLIENTS_MAX  16u
#define RW_CONTROL_PACKET_BYTES 16384u

struct rw_control {
    int listener;
    char path[256];
    int client[RW_CONTROL_CLIENTS_MAX]; /* −1 = free */
    uint64_t refused;
};

/* What answers: returns an owned JSON object, or NULL when rw_control_answer will follow for
 * `client`. */
typedef json_t *rw_control_handler(void *context, uint32_t client, const json_t *request);

/* rw_control_open binds the socket, replacing a left-over one. Returns 0 or -errno. */
int rw_control_open(struct rw_control *control, const char *path);
/* rw_control_poll accepts and answers what is there, without waiting. Returns packets handled. */
uint32_t rw_control_poll(struct rw_control *control, rw_control_handler *handler, void *context);
/* rw_control_answer sends a late answer (owned, released here); the client may have gone. */
void rw_control_answer(struct rw_control *control, uint32_t client, json_t *answer);
/* rw_control_refusal makes the answer of a refused command. fix may be NULL. */
json_t *rw_control_refusal(const char *error, const char *fix);
void rw_control_close(struct rw_control *control);
