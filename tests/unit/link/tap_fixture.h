/* Taps in a file of their own for tests of what copies to them. */
#pragma once

#include <stdio.h>
#include <unistd.h>

#include "dataplane/link/tap_reader.h"

struct tap_fixture {
    char path[64];
    struct rw_taps taps;
    struct rw_tap_reader *reader;
    struct rw_tap_record record; /* of the last one read */
    uint8_t bytes[RW_TAP_RECORD_BYTES_MAX];
};

/* tap_fixture_open makes taps of these names and a reader that asks for the first `asked` of
 * them. */
static inline int tap_fixture_open(struct tap_fixture *fixture, const char *const *names,
                                   uint32_t count, uint32_t asked) {
    static struct rw_taps_cfg cfg;
    snprintf(fixture->path, sizeof fixture->path, "/tmp/rw-taps-%d", (int)getpid());
    cfg = (struct rw_taps_cfg){
        .path = fixture->path, .site = "a", .ring_bytes = RW_TAP_RING_BYTES_MIN, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        cfg.row[i].kind = RW_TAP_FRAMES;
        snprintf(cfg.row[i].name, sizeof cfg.row[i].name, "%s", names[i]);
    }
    if (rw_taps_create(&fixture->taps, &cfg)) return -1;
    if (rw_tap_reader_open(fixture->path, &fixture->reader)) return -1;
    for (uint32_t i = 0; i < asked; i++) rw_tap_reader_ask(fixture->reader, i);
    return 0;
}

static inline int tap_fixture_next(struct tap_fixture *fixture, uint32_t index) {
    return rw_tap_reader_next(fixture->reader, index, &fixture->record, fixture->bytes);
}

static inline void tap_fixture_close(struct tap_fixture *fixture) {
    rw_tap_reader_close(fixture->reader);
    rw_taps_close(&fixture->taps, fixture->path);
}
