/* The loader of inputs.csv: any bytes are refused with findings, or give fills in event-time order
 * whose sources count 1, 2, 3, …. The image is empty but for one instrument and one portfolio,
 * when they fit. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/intake_core.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

struct tiny_image {
    struct rw_image image;
    _Alignas(64) struct rw_instrument_row instrument[2];
    _Alignas(64) struct rw_portfolio_row portfolio[2];
    _Alignas(64) uint32_t symbols[4];
    _Alignas(64) uint32_t portfolio_names[4];
};

static void make_image(struct tiny_image *tiny) {
    memset(tiny, 0, sizeof *tiny);
    memcpy(tiny->instrument[1].symbol, "AAPL", 4);
    memcpy(tiny->portfolio[1].name, "P1", 2);
    tiny->instrument[1].index = tiny->portfolio[1].index = 1;
    rw_image_index_add(tiny->symbols, 4, tiny->instrument[1].symbol, RW_SYMBOL_BYTES, 1);
    rw_image_index_add(tiny->portfolio_names, 4, tiny->portfolio[1].name, RW_NAME_BYTES, 1);
    tiny->image.instruments = (struct rw_image_table){offsetof(struct tiny_image, instrument), 2,
                                                      sizeof tiny->instrument[0]};
    tiny->image.portfolios = (struct rw_image_table){offsetof(struct tiny_image, portfolio), 2,
                                                     sizeof tiny->portfolio[0]};
    tiny->image.symbols =
        (struct rw_image_table){offsetof(struct tiny_image, symbols), 4, sizeof(uint32_t)};
    tiny->image.names =
        (struct rw_image_table){offsetof(struct tiny_image, portfolio_names), 4, sizeof(uint32_t)};
    tiny->image.bytes = sizeof *tiny;
}

static void check(const struct rw_intake_file *file) {
    uint64_t time = 0, sequence[RW_INTAKE_SOURCES_MAX + 1] = {0};
    for (uint64_t i = 0; i < file->count; i++) {
        struct rw_entry head;
        struct rw_fill_body body;
        memcpy(&head, file->fill[i].entry, sizeof head);
        memcpy(&body, file->fill[i].entry + offsetof(struct rw_entry, body), sizeof body);
        RW_ASSERT(rw_entry_from_intake(head.type) && head.event_time_ns >= time);
        time = head.event_time_ns; /* order or fill: the identity stands in one place */
        RW_ASSERT(body.source >= 1 && body.source <= RW_INTAKE_SOURCES_MAX);
        RW_ASSERT(body.source_sequence == ++sequence[body.source]);
        RW_ASSERT(head.instrument == 1 && body.portfolio == 1);
        if (head.type == RW_ENTRY_ORDER) {
            struct rw_order_body order;
            memcpy(&order, head.body, sizeof order);
            RW_ASSERT(head.slots == 1 && order.side != 0 && order.order_id > 0);
            continue;
        }
        RW_ASSERT(head.slots == 2 && (body.quantity > 0) == (body.kind != RW_FILL_BUST));
        RW_ASSERT(body.reference > 0 || body.kind == RW_FILL_NEW);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static struct tiny_image tiny;
    static FILE *nowhere;
    struct rw_intake_file file;
    char path[64];
    if (!nowhere) {
        make_image(&tiny);
        nowhere = fopen("/dev/null", "w");
    }
    int fd = memfd_create("inputs", MFD_CLOEXEC);
    if (fd < 0 || write(fd, bytes, count) != (ssize_t)count) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (rw_intake_load(&file, path, &tiny.image, nowhere) == 0) {
        check(&file);
        rw_intake_unload(&file);
    }
    close(fd);
    return 0;
}
