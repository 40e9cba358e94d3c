#include "tools/riskwired/control.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/base/err.h"

int rw_control_open(struct rw_control *control, const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        int rc = rw_err_set(ENAMETOOLONG, "the control socket's path '%s' is longer than %zu", path,
                            sizeof address.sun_path - 1);
        rw_err_fix("choose a shorter run_dir");
        return rc;
    }
    memset(control, 0, sizeof *control);
    for (uint32_t i = 0; i < RW_CONTROL_CLIENTS_MAX; i++) control->client[i] = -1;
    strcpy(address.sun_path, path);
    strcpy(control->path, path);
    unlink(path);
    control->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (control->listener < 0 ||
        bind(control->listener, (const struct sockaddr *)&address, sizeof address) ||
        chmod(path, 0660) || listen(control->listener, (int)RW_CONTROL_CLIENTS_MAX)) {
        int rc =
            rw_err_set(errno, "cannot open the control socket '%s': %s", path, strerror(errno));
        rw_err_fix("make run_dir writable for this user, or choose another");
        return rc;
    }
    return 0;
}

static void accept_clients(struct rw_control *control) {
    int fd;
    while ((fd = accept4(control->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        uint32_t i = 0;
        while (i < RW_CONTROL_CLIENTS_MAX && control->client[i] >= 0) i++;
        if (i == RW_CONTROL_CLIENTS_MAX) {
            control->refused++;
            close(fd);
        } else {
            control->client[i] = fd;
        }
    }
}

static void drop(struct rw_control *control, uint32_t client) {
    if (control->client[client] >= 0) close(control->client[client]);
    control->client[client] = -1;
}

static bool serve(struct rw_control *control, uint32_t client, rw_control_handler *handler,
                  void *context) {
    char packet[RW_CONTROL_PACKET_BYTES];
    ssize_t bytes = recv(control->client[client], packet, sizeof packet, 0);
    if (bytes < 0 && (errno == EAGAIN || errno == EINTR)) return false;
    if (bytes <= 0) {
        drop(control, client);
        return false;
    }
    json_error_t bad;
    json_t *request = json_loadb(packet, (size_t)bytes, 0, &bad);
    json_t *answer = json_is_object(request)
                         ? handler(context, client, request)
                         : rw_control_refusal("the request is not a JSON object", NULL);
    json_decref(request);
    if (answer) rw_control_answer(control, client, answer);
    return true;
}

uint32_t rw_control_poll(struct rw_control *control, rw_control_handler *handler, void *context) {
    accept_clients(control);
    uint32_t served = 0;
    for (uint32_t i = 0; i < RW_CONTROL_CLIENTS_MAX; i++)
        if (control->client[i] >= 0) served += serve(control, i, handler, context);
    return served;
}

void rw_control_answer(struct rw_control *control, uint32_t client, json_t *answer) {
    char *text = json_dumps(answer, JSON_COMPACT | JSON_PRESERVE_ORDER);
    if (control->client[client] >= 0)
        send(control->client[client], text, strlen(text), MSG_NOSIGNAL | MSG_DONTWAIT);
    free(text);
    json_decref(answer);
}

json_t *rw_control_refusal(const char *error, const char *fix) {
    json_t *answer = json_pack("{s:b,s:s}", "ok", 0, "error", error);
    if (fix) json_object_set_new(answer, "fix", json_string(fix));
    return answer;
}

void rw_control_close(struct rw_control *control) {
    for (uint32_t i = 0; i < RW_CONTROL_CLIENTS_MAX; i++) drop(control, i);
    if (control->listener >= 0) close(control->listener);
    unlink(control->path);
    control->listener = -1;
}
