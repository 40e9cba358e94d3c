/* The reader of taps: any bytes are refused, or read to their end without harm. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/link/tap_reader.h"
#include "tools/riskwire/capture_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static volatile uint64_t read_all; /* keeps the reads from being left out */

/* The rings are large: what is given stands at the front, the rest of the file is zero. */
#define FILE_BYTES (4096u + 128 + 4 * 384 + 4096 + 4 * RW_TAP_RING_BYTES_MIN)

static void walk(struct rw_tap_reader *reader, uint32_t tap) {
    static uint8_t buffer[RW_TAP_RECORD_BYTES_MAX];
    struct rw_capture_source source;
    struct rw_tap_record record;
    struct rw_pcapng_packet packet;
    const struct rw_tap_row *row = rw_tap_reader_row(reader, tap);
    rw_capture_begin(&source, row, rw_tap_reader_passed(reader, tap));
    read_all += strlen(row->name) + strlen(row->detail);
    for (int i = 0; i < 100; i++) {
        int got = rw_tap_reader_next(reader, tap, &record, buffer);
        if (got == 0) break;
        if (got < 0) {
            rw_capture_overrun(&source);
            continue;
        }
        if (record.bytes > sizeof buffer) abort();
        if (rw_capture_take(&source, &record, buffer, &packet)) {
            const uint8_t *at = packet.bytes;
            if (packet.count > packet.original) abort();
            for (uint32_t k = 0; k < packet.count; k++) read_all += at[k];
        }
    }
    rw_capture_end(&source, rw_tap_reader_passed(reader, tap));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    int fd = memfd_create("taps", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, FILE_BYTES) || write(fd, bytes, count) != (ssize_t)count) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct rw_tap_reader *reader;
    if (!rw_tap_reader_open(path, &reader)) {
        for (uint32_t tap = 0; tap < rw_tap_reader_count(reader); tap++) walk(reader, tap);
        if (!memchr(rw_tap_reader_site(reader), 0, 32)) abort();
        rw_tap_reader_close(reader);
    }
    close(fd);
    return 0;
}
