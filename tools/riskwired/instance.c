#include "tools/riskwired/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/err.h"

/* mkdir -p; mode as for the site's group. */
static int make_folder(const char *path) {
    char partial[512];
    if (strlen(path) >= sizeof partial)
        return rw_err_set(ENAMETOOLONG, "the folder '%s' is too long", path);
    for (size_t i = 1; i <= strlen(path); i++) {
        if (path[i] != '/' && path[i]) continue;
        memcpy(partial, path, i);
        partial[i] = 0;
        if (mkdir(partial, 0770) && errno != EEXIST) {
            int rc = rw_err_set(errno, "cannot make the folder '%s': %s", partial, strerror(errno));
            rw_err_fix("make its parent writable for this user, or name another folder");
            return rc;
        }
    }
    return 0;
}

int rw_instance_lock(const struct rw_config *config) {
    char path[512], holder[32] = "";
    int rc = rw_config_site_path(config, "", path, sizeof path);
    if (!rc) rc = make_folder(path);
    if (!rc) rc = rw_config_site_path(config, "lock", path, sizeof path);
    if (rc) return rc;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0660);
    if (fd < 0) return rw_err_set(errno, "cannot open the lock '%s': %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB)) {
        ssize_t bytes = read(fd, holder, sizeof holder - 1);
        holder[bytes > 0 ? bytes : 0] = 0;
        close(fd);
        rc = rw_err_set(EBUSY, "site '%s' is already running here as pid %s", config->site, holder);
        rw_err_why("'%s' is locked by it", path);
        rw_err_fix("stop that process, or use another run_dir");
        return rc;
    }
    int length = snprintf(holder, sizeof holder, "%d", getpid());
    if (ftruncate(fd, 0) || pwrite(fd, holder, (size_t)length, 0) != length)
        return rw_err_set(errno, "cannot write the lock '%s': %s", path, strerror(errno));
    return 0; /* the descriptor stays open: it is the lock */
}

int rw_instance_folders(const struct rw_config *config) {
    char path[512];
    static const char *const names[] = {"log", "results"};
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", config->journal_dir, names[i]);
        int rc = make_folder(path);
        if (rc) return rc;
    }
    return 0;
}

int rw_instance_save(const struct rw_config *config, const char *name, const void *bytes,
                     uint64_t count) {
    char path[512], temporary[520];
    snprintf(path, sizeof path, "%s/%s", config->journal_dir, name);
    snprintf(temporary, sizeof temporary, "%s.new", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0660);
    if (fd < 0) return rw_err_set(errno, "cannot write '%s': %s", temporary, strerror(errno));
    uint64_t done = 0;
    while (done < count) {
        ssize_t written = write(fd, (const uint8_t *)bytes + done, count - done);
        if (written <= 0) break;
        done += (uint64_t)written;
    }
    int failed = done < count || fsync(fd) ? errno : 0;
    close(fd);
    if (!failed && rename(temporary, path)) failed = errno;
    if (!failed) return 0;
    int rc = rw_err_set(failed, "cannot write '%s': %s", path, strerror(failed));
    rw_err_fix("free space on that disk, or name another journal.dir");
    return rc;
}
