/* Any bytes as ITCH 5.0 messages (length byte, then the message; the length is often wrong) into
 * small books: nothing is read beyond a message, and the books stay consistent. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/itch50_book.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct rw_book *books(struct rw_book_counters *counters) {
    static void *memory;
    static struct rw_book *book;
    struct rw_book_cfg cfg = {.orders_max = 32, .levels_max = 16};
    if (!memory) RW_ASSERT(posix_memalign(&memory, 64, rw_book_footprint(&cfg)) == 0);
    book = rw_book_new(memory, &cfg, counters);
    return book;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_book_counters counters = {0};
    struct rw_book_coming coming = {0};
    struct rw_book_event event;
    struct rw_book *book = books(&counters);
    char text[RW_ITCH50_JSON_MAX];
    for (size_t at = 0; at < size;) {
        uint32_t bytes = data[at++];
        if (bytes > size - at) bytes = (uint32_t)(size - at);
        uint8_t *message = malloc(bytes); /* its own block, so that a read too far is seen */
        RW_ASSERT(message || !bytes);
        if (bytes) memcpy(message, data + at, bytes);
        rw_itch50_coming(&coming, message, bytes);
        rw_book_prefetch(book, &coming);
        if (rw_itch50_apply(book, message, bytes, &event) == RW_VENUE_OK) {
            uint32_t length = rw_itch50_json(text, at, message);
            RW_ASSERT(length < sizeof text && text[length] == '\0');
        } else {
            RW_ASSERT(event.changed == 0);
        }
        free(message);
        at += bytes;
    }
    rw_book_check(book);
    return 0;
}
