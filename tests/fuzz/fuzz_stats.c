/* The reader of the statistics file: any bytes are refused, or walked to their end without harm. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/stats/stats.h"
#include "tools/riskwire/loss_report.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static volatile uint64_t read_all; /* keeps the reads from being left out */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    int fd = memfd_create("stats", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, count) != (ssize_t)count) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct rw_stats *stats = rw_stats_open(path);
    uint64_t at = 0, rows = 0, sum = 0;
    struct rw_stats_item item;
    while (stats && rw_stats_next(stats, &at, &item)) {
        sum += strlen(item.block) + strlen(item.name) + strlen(item.unit) + strlen(item.help);
        sum += item.hist ? rw_hist_quantile(item.hist, 99, 100) : item.value;
        if (++rows > count) abort(); /* more rows than bytes: a walk without end */
    }
    if (stats && !memchr(rw_stats_site(stats), 0, 32)) abort();
    if (stats) rw_stats_alive(stats);
    if (stats && rows < 300) { /* what is printed of it reads each block many times */
        FILE *nowhere = fopen("/dev/null", "w");
        rw_loss_report_table(nowhere, stats);
        rw_loss_report_csv(nowhere, stats);
        fclose(nowhere);
    }
    rw_stats_close(stats);
    close(fd);
    read_all = sum;
    return 0;
}
