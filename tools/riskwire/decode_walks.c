/* Market data over UDP is a packet header and messages behind their lengths; order entry a stream
 * of TCP, of which each segment is taken by itself. */
#include "tools/riskwire/decode_walks.h"

#include "dataplane/feed/deep.h"
#include "dataplane/feed/iextp.h"
#include "dataplane/feed/itch50.h"
#include "dataplane/feed/memoir.h"
#include "dataplane/feed/moldudp64.h"
#include "dataplane/feed/ouch50.h"
#include "dataplane/feed/pitch.h"
#include "dataplane/record/soupbintcp.h"

/* ---- feeds whose packets are alike ---------------------------------------------------- */

/* What tells one such feed from another. */
struct venue {
    bool (*decode)(const uint8_t *bytes, size_t count, struct rw_packet *packet);
    enum rw_message_verdict (*find)(const uint8_t *message, uint32_t bytes,
                                    const struct rw_message_type **type);
    const struct rw_message_table *table;
    uint32_t body;     /* where the fields start in a message */
    uint16_t protocol; /* that the header must name */
};

/* Whole, and with a message that is known. */
static bool guess(const struct venue *venue, const struct rw_decode_packet *packet) {
    struct rw_packet opened;
    struct rw_block block;
    const struct rw_message_type *type;
    uint32_t whole;
    if (!venue->decode(packet->payload, packet->bytes, &opened) ||
        opened.protocol != venue->protocol || rw_packet_check(&opened, &whole) != RW_PACKET_FINE)
        return false;
    while (rw_blocks_next(&opened.blocks, &block))
        if (venue->find(block.bytes, block.count, &type) == RW_MESSAGE_OK) return true;
    return false;
}

static void walk(const struct venue *venue, const struct rw_decode_packet *packet,
                 struct rw_decode *decode) {
    struct rw_packet opened;
    struct rw_block block;
    const struct rw_message_type *type;
    uint32_t whole;
    if (!venue->decode(packet->payload, packet->bytes, &opened) ||
        opened.protocol != venue->protocol) {
        *(packet->cut ? &decode->tally.cut : &decode->tally.bad_packets) += 1;
        return;
    }
    enum rw_packet_fault fault = rw_packet_check(&opened, &whole);
    decode->tally.cut += fault == RW_PACKET_TRUNCATED;
    decode->tally.bad_packets += fault == RW_PACKET_TRAILING;
    decode->tally.heartbeats += opened.kind == RW_PACKET_HEARTBEAT;
    while (rw_blocks_next(&opened.blocks, &block))
        if (rw_decode_verdict(decode, venue->find(block.bytes, block.count, &type)))
            rw_decode_line(decode, block.sequence, venue->table, type, block.bytes + venue->body);
}

/* ---- ITCH 5.0 over MoldUDP64 ---------------------------------------------------------- */

static bool decode_mold(const uint8_t *bytes, size_t count, struct rw_packet *packet) {
    return rw_mold_decode(bytes, count, packet) == RW_PACKET_FINE;
}

static enum rw_message_verdict find_itch50(const uint8_t *message, uint32_t bytes,
                                           const struct rw_message_type **type) {
    return bytes ? rw_message_find(&rw_itch50_table, message[0], bytes, type)
                 : RW_MESSAGE_BAD_LENGTH;
}

static const struct venue itch50 = {decode_mold, find_itch50, &rw_itch50_table, 0, 0};

bool rw_decode_itch50_guess(const struct rw_decode_packet *packet) {
    return guess(&itch50, packet);
}

void rw_decode_itch50_walk(const struct rw_decode_packet *packet, struct rw_decode *decode) {
    walk(&itch50, packet, decode);
}

/* ---- IEX DEEP 1.0 and DEEP+ ----------------------------------------------------------- */

static enum rw_message_verdict find_deep10(const uint8_t *message, uint32_t bytes,
                                           const struct rw_message_type **type) {
    return rw_deep_find(&rw_deep10_table, message, bytes, type);
}

static enum rw_message_verdict find_deepplus(const uint8_t *message, uint32_t bytes,
                                             const struct rw_message_type **type) {
    return rw_deep_find(&rw_deepplus_table, message, bytes, type);
}

static const struct venue deep10 = {rw_iextp_decode, find_deep10, &rw_deep10_table, 0,
                                    RW_IEXTP_DEEP10};
static const struct venue deepplus = {rw_iextp_decode, find_deepplus, &rw_deepplus_table, 0,
                                      RW_IEXTP_DEEPPLUS};

/* The header says what the messages are, so a heartbeat will do. */
static bool guess_iextp(const struct rw_decode_packet *packet, uint16_t protocol) {
    struct rw_packet opened;
    uint32_t whole;
    return rw_iextp_decode(packet->payload, packet->bytes, &opened) &&
           opened.protocol == protocol && rw_packet_check(&opened, &whole) == RW_PACKET_FINE;
}

bool rw_decode_deep10_guess(const struct rw_decode_packet *packet) {
    return guess_iextp(packet, RW_IEXTP_DEEP10);
}

void rw_decode_deep10_walk(const struct rw_decode_packet *packet, struct rw_decode *decode) {
    walk(&deep10, packet, decode);
}

bool rw_decode_deepplus_guess(const struct rw_decode_packet *packet) {
    return guess_iextp(packet, RW_IEXTP_DEEPPLUS);
}

void rw_decode_deepplus_walk(const struct rw_decode_packet *packet, struct rw_decode *decode) {
    walk(&deepplus, packet, decode);
}

/* ---- Cboe PITCH and MEMX MEMOIR ------------------------------------------------------- */

static const struct venue pitch = {rw_pitch_decode, rw_pitch_find, &rw_pitch_table, RW_PITCH_BODY,
                                   0};
static const struct venue memoir = {rw_memoir_decode, rw_memoir_find, &rw_memoir_table,
                                    RW_MEMOIR_BODY, 0};

bool rw_decode_pitch_guess(const struct rw_decode_packet *packet) { return guess(&pitch, packet); }

void rw_decode_pitch_walk(const struct rw_decode_packet *packet, struct rw_decode *decode) {
    walk(&pitch, packet, decode);
}

bool rw_decode_memoir_guess(const struct rw_decode_packet *packet) {
    return guess(&memoir, packet);
}

void rw_decode_memoir_walk(const struct rw_decode_packet *packet, struct rw_decode *decode) {
    walk(&memoir, packet, decode);
}

/* ---- OUCH 5.0 over SoupBinTCP --------------------------------------------------------- */

static bool is_heartbeat(uint8_t type) {
    return type == RW_SOUP_SERVER_HEARTBEAT || type == RW_SOUP_CLIENT_HEARTBEAT;
}

/* ouch_table returns the table of what a packet carries, NULL when it carries no message. */
static const struct rw_message_table *ouch_table(const struct rw_soup_packet *soup) {
    return soup->type == RW_SOUP_SEQUENCED     ? &rw_ouch50_out_table
           : soup->type == RW_SOUP_UNSEQUENCED ? &rw_ouch50_in_table
                                               : NULL;
}

bool rw_decode_ouch50_guess(const struct rw_decode_packet *packet) {
    struct rw_soup_packet soup;
    const struct rw_message_type *type;
    int bytes = rw_soup_parse(packet->payload, packet->bytes, &soup);
    if (bytes <= 0) return false;
    const struct rw_message_table *table = ouch_table(&soup);
    if (table)
        return rw_ouch50_find(table, soup.payload, soup.payload_bytes, &type) == RW_MESSAGE_OK;
    return is_heartbeat(soup.type) && soup.payload_bytes == 0;
}

/* flow_of returns the flow that the packet belongs to, NULL when it is new and add is false or the
 * table is full. */
static struct rw_decode_flow *flow_of(struct rw_decode *decode,
                                      const struct rw_decode_packet *packet, bool add) {
    uint64_t addresses = (uint64_t)packet->source << 32 | packet->destination;
    uint32_t ports = (uint32_t)packet->source_port << 16 | packet->destination_port;
    for (uint32_t i = 0; i < decode->flow_count; i++)
        if (decode->flow[i].addresses == addresses && decode->flow[i].ports == ports)
            return &decode->flow[i];
    if (!add || decode->flow_count == RW_DECODE_FLOWS_MAX) return NULL;
    struct rw_decode_flow *flow = &decode->flow[decode->flow_count++];
    *flow = (struct rw_decode_flow){.addresses = addresses, .ports = ports};
    return flow;
}

/* Sequenced packets carry no number: it is counted from the log-in's answer when the capture holds
 * that, else 0, as for what the client sends. */
static void walk_soup(const struct rw_decode_packet *packet, const struct rw_soup_packet *soup,
                      struct rw_decode *decode) {
    const struct rw_message_table *table = ouch_table(soup);
    const struct rw_message_type *type;
    char session[11];
    uint64_t sequence = 0;
    struct rw_decode_flow *flow = flow_of(decode, packet, soup->type == RW_SOUP_ACCEPT);
    if (soup->type == RW_SOUP_ACCEPT && flow && rw_soup_read_accept(soup, session, &sequence) == 0)
        flow->next = sequence;
    if (soup->type == RW_SOUP_SEQUENCED && flow && flow->next) sequence = flow->next++;
    decode->tally.heartbeats += is_heartbeat(soup->type);
    if (table &&
        rw_decode_verdict(decode, rw_ouch50_find(table, soup->payload, soup->payload_bytes, &type)))
        rw_decode_line(decode, sequence, table, type, soup->payload);
}

void rw_decode_ouch50_walk(const struct rw_decode_packet *packet, struct rw_decode *decode) {
    struct rw_soup_packet soup;
    int bytes = 0;
    for (uint32_t at = 0; at < packet->bytes; at += (uint32_t)bytes) {
        bytes = rw_soup_parse(packet->payload + at, packet->bytes - at, &soup);
        if (bytes <= 0) break;
        walk_soup(packet, &soup, decode);
    }
    decode->tally.bad_packets += bytes < 0;
    decode->tally.cut += bytes == 0 && packet->bytes > 0;
}
