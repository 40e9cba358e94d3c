#include "tools/riskwire/control_client.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "tools/riskwire/verbs.h"

#define ANSWER_BYTES 65536u

static int no_site(const char *run_dir, const char *site, int *exit_code) {
    int why = errno;
    *exit_code = why == EACCES || why == EPERM ? RW_EXIT_PERMISSION : RW_EXIT_NO_SITE;
    int rc = rw_err_set(why ? why : EIO, "no answer from site '%s' under '%s': %s", site, run_dir,
                        strerror(why));
    rw_err_why("the site is not running, or its files belong to another user");
    rw_err_fix("start riskwired --config FILE, or name its folder with --run-dir");
    return rc;
}

static json_t *ask(int fd, const char *text, int *exit_code) {
    static char answer[ANSWER_BYTES];
    ssize_t bytes = -1;
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) >= 0) bytes = recv(fd, answer, sizeof answer, 0);
    json_error_t bad;
    json_t *reply = bytes > 0 ? json_loadb(answer, (size_t)bytes, 0, &bad) : NULL;
    if (!reply) {
        *exit_code = RW_EXIT_FAILED;
        rw_err_set(EPROTO, "the site did not answer within five seconds");
        rw_err_fix("look at the daemon's log and at riskwire stat");
    }
    return reply;
}

json_t *rw_control_call(const char *run_dir, const char *site, json_t *request, int *exit_code) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length =
        snprintf(address.sun_path, sizeof address.sun_path, "%s/%s/control.sock", run_dir, site);
    if (length < 0 || (size_t)length >= sizeof address.sun_path) errno = ENAMETOOLONG;
    int fd = length > 0 && (size_t)length < sizeof address.sun_path
                 ? socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)
                 : -1;
    if (fd < 0 || connect(fd, (const struct sockaddr *)&address, sizeof address)) {
        no_site(run_dir, site, exit_code);
        if (fd >= 0) close(fd);
        return NULL;
    }
    struct timeval limit = {.tv_sec = 5};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    char *text = json_dumps(request, JSON_COMPACT);
    json_t *reply = ask(fd, text, exit_code);
    free(text);
    close(fd);
    return reply;
}
