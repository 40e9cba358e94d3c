/* Fixed-width ASCII fields and a two-byte length; everything is checked before it is read. */
#include "dataplane/record/soupbintcp.h"

#include <errno.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"

#define USERNAME_BYTES       6u
#define PASSWORD_BYTES       10u
#define LOGIN_PAYLOAD_BYTES  (RW_SOUP_LOGIN_BYTES - RW_SOUP_HEAD_BYTES)
#define LOGIN_TIMEOUT_BYTES  5u /* appended by revision 4.10 */
#define ACCEPT_PAYLOAD_BYTES (RW_SOUP_ACCEPT_BYTES - RW_SOUP_HEAD_BYTES)

static void read_text(const uint8_t *field, size_t bytes, char *text);
static uint8_t *write_text(uint8_t *to, const char *text, size_t bytes);
static uint8_t *write_number(uint8_t *to, uint64_t number);

int rw_soup_parse(const uint8_t *bytes, size_t count, struct rw_soup_packet *packet) {
    if (count < 2) return 0;
    uint32_t length = rw_load_be16(bytes);
    if (length == 0) return -EPROTO;
    if (count < RW_SOUP_HEAD_BYTES || count - 2 < length) return 0;
    packet->type = bytes[2];
    packet->payload_bytes = length - 1;
    packet->payload = bytes + RW_SOUP_HEAD_BYTES;
    return (int)(2 + length);
}

int rw_soup_read_login(const struct rw_soup_packet *packet, struct rw_soup_login *login) {
    if (packet->payload_bytes != LOGIN_PAYLOAD_BYTES &&
        packet->payload_bytes != LOGIN_PAYLOAD_BYTES + LOGIN_TIMEOUT_BYTES)
        return -EPROTO;
    const uint8_t *field = packet->payload;
    read_text(field, USERNAME_BYTES, login->username);
    field += USERNAME_BYTES;
    read_text(field, PASSWORD_BYTES, login->password);
    field += PASSWORD_BYTES;
    read_text(field, RW_SOUP_SESSION_BYTES, login->session);
    field += RW_SOUP_SESSION_BYTES;
    return rw_soup_read_number(field, &login->sequence);
}

int rw_soup_read_accept(const struct rw_soup_packet *packet, char session[11], uint64_t *sequence) {
    if (packet->payload_bytes != ACCEPT_PAYLOAD_BYTES) return -EPROTO;
    read_text(packet->payload, RW_SOUP_SESSION_BYTES, session);
    return rw_soup_read_number(packet->payload + RW_SOUP_SESSION_BYTES, sequence);
}

int rw_soup_read_number(const uint8_t field[RW_SOUP_NUMBER_BYTES], uint64_t *number) {
    size_t at = 0, end = RW_SOUP_NUMBER_BYTES;
    while (at < end && field[at] == ' ') at++;
    while (end > at && field[end - 1] == ' ') end--;
    uint64_t value = 0;
    for (; at < end; at++) {
        uint8_t digit = (uint8_t)(field[at] - '0');
        if (digit > 9) return -EPROTO;
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, digit, &value))
            return -EPROTO;
    }
    *number = value;
    return 0;
}

size_t rw_soup_write_login(uint8_t *to, const struct rw_soup_login *login) {
    rw_store_be16(to, RW_SOUP_LOGIN_BYTES - 2);
    to[2] = RW_SOUP_LOGIN;
    uint8_t *field = to + RW_SOUP_HEAD_BYTES;
    field = write_text(field, login->username, USERNAME_BYTES);
    field = write_text(field, login->password, PASSWORD_BYTES);
    field = write_text(field, login->session, RW_SOUP_SESSION_BYTES);
    field = write_number(field, login->sequence);
    return (size_t)(field - to);
}

size_t rw_soup_write_accept(uint8_t *to, const char *session, uint64_t sequence) {
    rw_store_be16(to, RW_SOUP_ACCEPT_BYTES - 2);
    to[2] = RW_SOUP_ACCEPT;
    uint8_t *field = write_text(to + RW_SOUP_HEAD_BYTES, session, RW_SOUP_SESSION_BYTES);
    field = write_number(field, sequence);
    return (size_t)(field - to);
}

size_t rw_soup_write_reject(uint8_t *to, enum rw_soup_reject reason) {
    uint8_t code = (uint8_t)reason;
    return rw_soup_write(to, RW_SOUP_REJECT, &code, 1);
}

size_t rw_soup_write(uint8_t *to, enum rw_soup_type type, const void *payload, size_t bytes) {
    RW_ASSERT(bytes <= RW_SOUP_PAYLOAD_MAX);
    rw_store_be16(to, (uint16_t)(bytes + 1));
    to[2] = (uint8_t)type;
    if (bytes) memcpy(to + RW_SOUP_HEAD_BYTES, payload, bytes);
    return RW_SOUP_HEAD_BYTES + bytes;
}

/* Padding is spaces; a NUL, which some clients pad with, ends the text as well. */
static void read_text(const uint8_t *field, size_t bytes, char *text) {
    bytes = strnlen((const char *)field, bytes);
    while (bytes && field[bytes - 1] == ' ') bytes--;
    memcpy(text, field, bytes);
    text[bytes] = 0;
}

static uint8_t *write_text(uint8_t *to, const char *text, size_t bytes) {
    size_t length = strnlen(text, bytes);
    memcpy(to, text, length);
    memset(to + length, ' ', bytes - length);
    return to + bytes;
}

static uint8_t *write_number(uint8_t *to, uint64_t number) {
    memset(to, ' ', RW_SOUP_NUMBER_BYTES);
    size_t at = RW_SOUP_NUMBER_BYTES;
    do {
        to[--at] = (uint8_t)('0' + number % 10);
        number /= 10;
    } while (number);
    return to + RW_SOUP_NUMBER_BYTES;
}
