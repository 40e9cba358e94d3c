/* The four CSV files of any content, parted by form feeds: an error with findings, or an image that
 * passes its check and is the same when compiled again. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "refdata/compile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[64];

static void remove_folder(void) {
    static const char *const names[] = {"instruments.csv", "portfolios.csv", "positions.csv",
                                        "limits.csv"};
    for (int i = 0; i < 4; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static void write_file(const char *name, const char *header, const uint8_t *from, size_t bytes) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "wb");
    RW_ASSERT(out);
    /* a right header most of the time, else the header is all that is ever tried */
    if (bytes == 0 || from[0] != '!') fprintf(out, "%s\n", header);
    fwrite(from, 1, bytes, out);
    RW_ASSERT(fclose(out) == 0);
}

static const uint8_t *part(const uint8_t **at, const uint8_t *end, size_t *bytes) {
    const uint8_t *from = *at;
    const uint8_t *stop = from < end ? memchr(from, '\f', (size_t)(end - from)) : NULL;
    *bytes = (size_t)((stop ? stop : end) - from);
    *at = stop ? stop + 1 : end;
    return from;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static const char *const files[4][2] = {
        {"instruments.csv",
         "symbol,locate,channel,multiplier,start_price,lot,currency,stale_after_ms"},
        {"portfolios.csv", "portfolio,account,desk"},
        {"positions.csv", "portfolio,symbol,quantity,average_price"},
        {"limits.csv", "scope,name,measure,soft,hard"}};
    static FILE *report;
    if (!folder[0]) {
        snprintf(folder, sizeof folder, "%s/rw_fuzz_XXXXXX",
                 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
        RW_ASSERT(mkdtemp(folder));
        atexit(remove_folder);
        report = fopen("/dev/null", "w");
    }
    const uint8_t *at = data, *end = data + size;
    for (int i = 0; i < 4; i++) {
        size_t bytes;
        const uint8_t *from = part(&at, end, &bytes);
        write_file(files[i][0], files[i][1], from, bytes);
    }
    struct rw_image *first, *second;
    int rc = rw_refdata_compile_report(folder, report, &first);
    RW_ASSERT(rc == 0 || rc == -EINVAL);
    if (rc) return 0;
    RW_ASSERT(rw_image_check(first, first->bytes) == 0);
    RW_ASSERT(rw_refdata_compile_report(folder, report, &second) == 0);
    RW_ASSERT(first->bytes == second->bytes && memcmp(first, second, first->bytes) == 0);
    free(first);
    free(second);
    return 0;
}
