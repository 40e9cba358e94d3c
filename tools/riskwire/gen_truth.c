#include "tools/riskwire/gen_truth.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"

#define PATH_BYTES   4096u
#define BUFFER_BYTES (1u << 20)
#define SECOND_NS    ((uint64_t)1000000000)

int rw_gen_truth_prepare(const char *dir) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/truth", dir);
    if (mkdir(path, 0777) < 0 && errno != EEXIST)
        return rw_err_set(errno, "cannot make %s: %s", path, strerror(errno));
    return 0;
}

int rw_gen_truth_write(const char *dir, const struct rw_gen_market *market, uint64_t time_ns) {
    char path[PATH_BYTES];
    uint64_t seconds = time_ns / SECOND_NS;
    snprintf(path, sizeof path,
             "%s/truth/book_%02" PRIu64 "%02" PRIu64 "%02" PRIu64 ".%09" PRIu64 ".csv", dir,
             seconds / 3600, seconds / 60 % 60, seconds % 60, time_ns % SECOND_NS);
    FILE *file = fopen(path, "w");
    if (!file) return rw_err_set(errno, "cannot create %s: %s", path, strerror(errno));
    rw_gen_market_truth(market, file);
    bool failed = ferror(file);
    if (fclose(file) != 0 || failed)
        return rw_err_set(errno ? errno : EIO, "cannot write %s: %s", path, strerror(errno));
    return 0;
}

int rw_gen_itch_open(const char *dir, const char *name, FILE **file) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    *file = fopen(path, "wb");
    if (!*file) return rw_err_set(errno, "cannot create %s: %s", path, strerror(errno));
    setvbuf(*file, NULL, _IOFBF, BUFFER_BYTES);
    return 0;
}

int rw_gen_itch_put(FILE *file, const uint8_t *message, uint32_t bytes) {
    uint8_t length[2];
    rw_store_be16(length, (uint16_t)bytes);
    if (fwrite(length, sizeof length, 1, file) != 1 || fwrite(message, bytes, 1, file) != 1)
        return rw_err_set(errno, "cannot write the session's messages: %s", strerror(errno));
    return 0;
}

int rw_gen_itch_close(FILE *file) {
    if (fclose(file) != 0)
        return rw_err_set(errno, "cannot write the session's messages: %s", strerror(errno));
    return 0;
}
