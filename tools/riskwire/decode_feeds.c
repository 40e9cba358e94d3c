/* The table of feeds stands first; behind it the way from a capture to packets. */
#include "tools/riskwire/decode_feeds.h"

#include <errno.h>
#include <string.h>

#include "dataplane/base/err.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/tcp.h"
#include "dataplane/nic/udp.h"
#include "tools/riskwire/decode_walks.h"

#define GUESS_PACKETS_MAX 64u /* that carry something */
#define GUESS_FRAMES_MAX  4096u

/* In the order of certainty: of two feeds that fit equally many packets the first is taken. */
#define FEEDS(X)                                   \
    X("deep10", RW_DECODE_UDP, deep10)             \
    X("deepplus", RW_DECODE_UDP, deepplus)         \
    X("itch50", RW_DECODE_UDP, itch50)             \
    X("mdp3", RW_DECODE_UDP | RW_DECODE_TCP, mdp3) \
    X("ouch50", RW_DECODE_TCP, ouch50)             \
    X("pitch", RW_DECODE_UDP, pitch)               \
    X("memoir", RW_DECODE_UDP, memoir)

#define FEED_ROW(name, transports, stem) \
    {name, transports, rw_decode_##stem##_guess, rw_decode_##stem##_walk},
static const struct rw_decode_feed feeds[] = {FEEDS(FEED_ROW)};
#define FEED_COUNT (sizeof feeds / sizeof *feeds)

const struct rw_decode_feed *rw_decode_feed_named(const char *name) {
    for (uint32_t i = 0; i < FEED_COUNT; i++)
        if (!strcmp(feeds[i].name, name)) return &feeds[i];
    return NULL;
}

const char *rw_decode_feed_names(void) {
#define FEED_NAME(name, transports, stem) "|" name
    return &(FEEDS(FEED_NAME))[1]; /* without the first bar */
}

void rw_decode_text(struct rw_decode *decode, const char *text, uint32_t bytes) {
    bool written = fwrite(text, 1, bytes, decode->out) == bytes && putc('\n', decode->out) != EOF;
    if (!written && !decode->write_error) decode->write_error = errno;
    decode->tally.messages++;
}

void rw_decode_line(struct rw_decode *decode, uint64_t sequence,
                    const struct rw_message_table *table, const struct rw_message_type *type,
                    const uint8_t *message) {
    char text[RW_MESSAGE_JSON_MAX];
    rw_decode_text(decode, text, rw_message_json(text, sequence, table, type, message));
}

bool rw_decode_verdict(struct rw_decode *decode, enum rw_message_verdict verdict) {
    if (verdict == RW_MESSAGE_UNKNOWN_TYPE) decode->tally.unknown_types++;
    if (verdict == RW_MESSAGE_BAD_LENGTH) decode->tally.bad_lengths++;
    return verdict == RW_MESSAGE_OK;
}

/* Sets *packet to what the frame carries; false when it is neither UDP nor TCP. */
static bool open_frame(const struct rw_pcap_record *record, struct rw_decode_packet *packet) {
    struct rw_udp udp;
    struct rw_tcp tcp;
    enum rw_udp_verdict verdict =
        rw_udp_parse(record->frame, record->bytes, RW_UDP_CHECK_NONE, &udp);
    if (verdict == RW_UDP_accepted || verdict == RW_UDP_cut_payload) {
        *packet = (struct rw_decode_packet){.payload = udp.payload,
                                            .bytes = udp.bytes,
                                            .source = udp.source,
                                            .destination = udp.destination,
                                            .source_port = udp.source_port,
                                            .destination_port = udp.destination_port,
                                            .transport = RW_DECODE_UDP,
                                            .cut = verdict == RW_UDP_cut_payload};
        return true;
    }
    enum rw_tcp_verdict found = rw_tcp_parse(record->frame, record->bytes, &tcp);
    if (found == RW_TCP_NONE) return false;
    *packet = (struct rw_decode_packet){.payload = tcp.payload,
                                        .bytes = tcp.bytes,
                                        .source = tcp.source,
                                        .destination = tcp.destination,
                                        .source_port = tcp.source_port,
                                        .destination_port = tcp.destination_port,
                                        .transport = RW_DECODE_TCP,
                                        .cut = found == RW_TCP_CUT};
    return true;
}

int rw_decode_guess(const char *path, const struct rw_decode_feed **feed) {
    uint32_t fits[FEED_COUNT] = {0}, packets = 0, best = 0;
    struct rw_pcap_record record;
    struct rw_decode_packet packet;
    struct rw_pcap *pcap;
    *feed = NULL;
    int rc = rw_pcap_open(path, &pcap);
    if (rc < 0) return rc;
    for (uint32_t frames = 0; frames < GUESS_FRAMES_MAX && packets < GUESS_PACKETS_MAX; frames++) {
        rc = rw_pcap_next(pcap, &record);
        if (rc <= 0) break;
        if (!open_frame(&record, &packet) || packet.bytes == 0) continue;
        packets++;
        for (uint32_t i = 0; i < FEED_COUNT; i++)
            fits[i] += (packet.transport & feeds[i].transports) && feeds[i].guess(&packet);
    }
    rw_pcap_close(pcap);
    for (uint32_t i = 0; i < FEED_COUNT; i++) {
        if (fits[i] <= best) continue;
        best = fits[i];
        *feed = &feeds[i];
    }
    return 0; /* a fault of the file is told by the walk, behind what could be read */
}

int rw_decode_capture(const char *path, const struct rw_decode_feed *feed,
                      struct rw_decode *decode) {
    struct rw_pcap_record record;
    struct rw_decode_packet packet;
    struct rw_pcap *pcap;
    int rc = rw_pcap_open(path, &pcap);
    if (rc < 0) return rc;
    while (!decode->write_error && (rc = rw_pcap_next(pcap, &record)) > 0) {
        decode->tally.frames++;
        if (!open_frame(&record, &packet) || !(packet.transport & feed->transports))
            decode->tally.foreign_frames++;
        else
            feed->walk(&packet, decode);
    }
    rw_pcap_close(pcap);
    if (decode->write_error)
        return rw_err_set(decode->write_error, "cannot write: %s", strerror(decode->write_error));
    return rc;
}
