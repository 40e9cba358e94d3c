/* SoupBinTCP 3.00/4.00: the framing of sequenced messages over TCP. A pure codec, both directions.
 *
 *   ┌ length u16 BE ┬ type u8 ┬ payload … ┐   length counts type and payload only
 *
 *   client: 'L' login  'U' unsequenced  'R' heartbeat  'O' logout      both: '+' debug
 *   server: 'A' accept 'J' reject  'S' sequenced  'U' unsequenced  'H' heartbeat  'Z' session end
 *
 * Sequenced packets carry no number: the receiver counts from the one in the accept. Numbers in
 * log-ins are ASCII, right-justified, padded with spaces on the left; zeroes and left-justified
 * ones are understood. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define RW_SOUP_HEAD_BYTES    3u
#define RW_SOUP_SESSION_BYTES 10u
#define RW_SOUP_NUMBER_BYTES  20u
#define RW_SOUP_LOGIN_BYTES   49u /* whole packet */
#define RW_SOUP_ACCEPT_BYTES  33u /* whole packet */
#define RW_SOUP_REJECT_BYTES  4u  /* whole packet */
#define RW_SOUP_PAYLOAD_MAX   65534u

enum rw_soup_type {
    RW_SOUP_DEBUG = '+',
    RW_SOUP_LOGIN = 'L',
    RW_SOUP_ACCEPT = 'A',
    RW_SOUP_REJECT = 'J',
    RW_SOUP_SEQUENCED = 'S',
    RW_SOUP_UNSEQUENCED = 'U',
    RW_SOUP_SERVER_HEARTBEAT = 'H',
    RW_SOUP_CLIENT_HEARTBEAT = 'R',
    RW_SOUP_END = 'Z',
    RW_SOUP_LOGOUT = 'O',
};

enum rw_soup_reject { RW_SOUP_NOT_AUTHORISED = 'A', RW_SOUP_NO_SESSION = 'S' };

struct rw_soup_packet {
    uint8_t type;           /* as received; may be none of enum rw_soup_type */
    uint32_t payload_bytes; /* 0..RW_SOUP_PAYLOAD_MAX */
    const uint8_t *payload; /* into the buffer that was parsed */
};

/* rw_soup_parse looks at the first packet of a buffer of `count` bytes. Returns the bytes of the
 * whole packet (3..65,537) and fills *packet; 0 when more bytes are needed; -EPROTO when the
 * length is 0, so that the stream can never be understood again. Any type is accepted: what to
 * do with an unknown one is the caller's decision. */
int rw_soup_parse(const uint8_t *bytes, size_t count, struct rw_soup_packet *packet);

struct rw_soup_login {
    char username[7], password[11]; /* trailing spaces removed, NUL terminated */
    char session[11];               /* "" = the current one */
    uint64_t sequence;              /* first one wanted; 0 = the next one to be generated */
};

/* rw_soup_read_login decodes the payload of 'L'. Returns 0, -EPROTO when the length is not 46
 * (or 51: revision 4.10 appends a five-character time-out, ignored) or the sequence is not a
 * number below 2^64. */
int rw_soup_read_login(const struct rw_soup_packet *packet, struct rw_soup_login *login);
/* rw_soup_read_accept decodes the payload of 'A': the session and the number of the next sequenced
 * packet. Returns 0 or -EPROTO. */
int rw_soup_read_accept(const struct rw_soup_packet *packet, char session[11], uint64_t *sequence);

/* rw_soup_read_number decodes a field of 20 characters: digits in one piece, spaces on either side,
 * blank = 0. Returns 0, or -EPROTO when it is no number below 2^64. */
int rw_soup_read_number(const uint8_t field[RW_SOUP_NUMBER_BYTES], uint64_t *number);

/* The writers fill `to`, which holds at least the bytes they return: the whole packet. None can
 * fail; strings longer than their field are cut. */
size_t rw_soup_write_login(uint8_t *to, const struct rw_soup_login *login);
size_t rw_soup_write_accept(uint8_t *to, const char *session, uint64_t sequence);
size_t rw_soup_write_reject(uint8_t *to, enum rw_soup_reject reason);
/* rw_soup_write frames a payload of up to RW_SOUP_PAYLOAD_MAX bytes under a type (asserted); for
 * packets without a payload bytes = 0. Returns 3 + bytes. */
size_t rw_soup_write(uint8_t *to, enum rw_soup_type type, const void *payload, size_t bytes);
