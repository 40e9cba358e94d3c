/* A stream of SoupBinTCP packets in both directions: no byte outside the buffer is read, and
 * what is understood means the same after it was written and read again. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/record/soupbintcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_login(const struct rw_soup_packet *packet) {
    struct rw_soup_login login, again;
    if (rw_soup_read_login(packet, &login)) return;
    uint8_t bytes[RW_SOUP_LOGIN_BYTES];
    struct rw_soup_packet copy;
    RW_ASSERT(rw_soup_write_login(bytes, &login) == sizeof bytes);
    RW_ASSERT(rw_soup_parse(bytes, sizeof bytes, &copy) == (int)sizeof bytes);
    RW_ASSERT(!rw_soup_read_login(&copy, &again));
    RW_ASSERT(again.sequence == login.sequence);
    RW_ASSERT(!strcmp(again.username, login.username) && !strcmp(again.session, login.session));
}

static void check_accept(const struct rw_soup_packet *packet) {
    char session[11], session_again[11];
    uint64_t sequence, sequence_again;
    if (rw_soup_read_accept(packet, session, &sequence)) return;
    uint8_t bytes[RW_SOUP_ACCEPT_BYTES];
    struct rw_soup_packet copy;
    RW_ASSERT(rw_soup_write_accept(bytes, session, sequence) == sizeof bytes);
    RW_ASSERT(rw_soup_parse(bytes, sizeof bytes, &copy) == (int)sizeof bytes);
    RW_ASSERT(!rw_soup_read_accept(&copy, session_again, &sequence_again));
    RW_ASSERT(sequence_again == sequence && !strcmp(session_again, session));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_soup_packet packet;
    for (size_t at = 0; at < size;) {
        int length = rw_soup_parse(data + at, size - at, &packet);
        if (length <= 0) break;
        RW_ASSERT((size_t)length <= size - at);
        RW_ASSERT(packet.payload_bytes + RW_SOUP_HEAD_BYTES == (uint32_t)length);
        RW_ASSERT(packet.payload + packet.payload_bytes == data + at + length);
        /* every reader on every packet: the caller may have mistaken the type */
        check_login(&packet);
        check_accept(&packet);
        at += (size_t)length;
    }
    return 0;
}
