/* A simulated session: the market's messages go down the lines, into session.itch and, as trades,
 * to the firm's fills; now and then the market's own books are written down as truth. */
#include "tools/riskwire/gen_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "tools/riskwire/gen_lines.h"
#include "tools/riskwire/gen_market.h"
#include "tools/riskwire/gen_refs.h"
#include "tools/riskwire/gen_saying.h"
#include "tools/riskwire/gen_truth.h"

#define PATH_BYTES          4096u
#define PACKET_WAIT_NS      20000u
#define UNIT                1u /* of a feed that has units */
#define SNAPSHOT_BYTES      1400u
#define MESSAGES_A_SNAPSHOT 32u

struct session {
    const struct rw_gen_options *options;
    struct rw_gen_market *market;
    struct rw_gen_lines *lines;
    struct rw_gen_refs *refs;
    struct rw_gen_saying *saying;
    FILE *itch;
    char paths[2][PATH_BYTES];
    uint64_t made;
    uint32_t truths;
};

static int open_lines(struct session *session) {
    const struct rw_gen_options *options = session->options;
    struct rw_gen_lines_cfg cfg = {.framing = rw_gen_framing_named(options->feed),
                                   .terms.unit = UNIT,
                                   .seed = options->seed,
                                   .midnight_ns = options->midnight_ns,
                                   .vlan = options->vlan,
                                   .loss_ppm = options->loss_ppm,
                                   .reorder_ppm = options->reorder_ppm,
                                   .duplicate_ppm = options->duplicate_ppm,
                                   .skew_ns = options->skew_ns,
                                   .both_lost = options->both_lost,
                                   .messages = options->messages,
                                   .packet_wait_ns = PACKET_WAIT_NS};
    char name[RW_SESSION_BYTES + 1];
    for (uint32_t i = 0; i < 2; i++) {
        snprintf(session->paths[i], PATH_BYTES, "%s/line_%c.pcap", options->dir, "ab"[i]);
        cfg.path[i] = session->paths[i];
    }
    snprintf(name, sizeof name, "G%09" PRIu64, options->seed % 1000000000u);
    memcpy(cfg.terms.session, name, RW_SESSION_BYTES);
    return rw_gen_lines_open(&cfg, &session->lines);
}

static int open_refs(struct session *session) {
    const struct rw_gen_options *options = session->options;
    struct rw_gen_refs_cfg cfg = {.dir = options->dir,
                                  .seed = options->seed,
                                  .portfolios = options->portfolios,
                                  .holders = options->holders,
                                  .fills_percent = options->fills_percent,
                                  .scenarios = options->scenarios,
                                  .locates = options->locates};
    return rw_gen_refs_open_market(&cfg, session->market, options->symbols, &session->refs);
}

static int open_itch(struct session *session) {
    int rc = rw_gen_itch_open(session->options->dir, "session.itch", &session->itch);
    return rc == 0 ? rw_gen_truth_prepare(session->options->dir) : rc;
}

static int write_truth(struct session *session, uint64_t time_ns) {
    session->truths++;
    return rw_gen_truth_write(session->options->dir, session->market, time_ns);
}

static void show_progress(const struct session *session) {
    static const char bar[] = "########################################";
    uint64_t all = session->options->messages;
    if (session->made % (all / 100 + 1) && session->made != all) return;
    int filled = (int)(session->made * (sizeof bar - 1) / all);
    fprintf(stderr, "\rgen [%-40.*s] %3d%%%s", filled, bar, (int)(session->made * 100 / all),
            session->made == all ? "\n" : "");
}

/* The snapshot loop of a feed that has one goes on by a packet. */
static void send_snapshot(struct session *session, uint64_t time_ns) {
    uint8_t payload[SNAPSHOT_BYTES];
    if (!rw_gen_framing_named(session->options->feed)->numbers_packets) return;
    uint64_t sequence = rw_gen_lines_flush(session->lines);
    uint32_t bytes = rw_gen_saying_snapshot(session->saying, sequence, time_ns, payload);
    if (bytes) rw_gen_lines_aside(session->lines, payload, bytes);
}

/* The message as the session's feed says it, which may take several or none. */
static void send_message(struct session *session, const struct rw_gen_message *message) {
    struct rw_gen_said said;
    rw_gen_saying_say(session->saying, message->message, message->bytes, &said);
    for (uint32_t i = 0; i < said.count; i++)
        rw_gen_lines_add(session->lines, message->time_ns, said.message[i], said.bytes[i]);
    if (session->made % MESSAGES_A_SNAPSHOT == 0) send_snapshot(session, message->time_ns);
}

/* Truth is written at times after which the next message is later, so that `--at` includes all of
 * it. */
static int make_messages(struct session *session) {
    struct rw_gen_message message;
    const struct rw_gen_options *options = session->options;
    bool terminal = isatty(STDERR_FILENO);
    int rc = 0;
    while (rc == 0 && rw_gen_market_next(session->market, &message)) {
        session->made++;
        send_message(session, &message);
        rc = rw_gen_itch_put(session->itch, message.message, message.bytes);
        if (message.trade_shares)
            rw_gen_refs_trade(session->refs, message.time_ns, message.symbol, message.trade_shares,
                              message.trade_price, message.match_number);
        uint64_t due = options->messages / (options->truths + 1ull) * (session->truths + 1ull);
        if (rc == 0 && session->truths < options->truths && session->made >= due &&
            rw_gen_market_time(session->market) > message.time_ns)
            rc = write_truth(session, message.time_ns);
        if (terminal) show_progress(session);
    }
    if (rc == 0) rc = write_truth(session, message.time_ns);
    return rc;
}

static void print_summary(const struct session *session, const struct rw_gen_lines_count *lines,
                          const struct rw_gen_refs_count *refs) {
    fprintf(stderr,
            "riskwire gen: %" PRIu64 " messages in %" PRIu64 " packets, %" PRIu32
            " live orders at the end, %" PRIu32 " truth books\n",
            lines->messages, lines->packets, rw_gen_market_live(session->market), session->truths);
    for (uint32_t i = 0; i < 2; i++)
        fprintf(stderr,
                "  line %c: %" PRIu64 " packets lost, %" PRIu64 " held back, %" PRIu64 " doubled\n",
                "ab"[i], lines -> lost[i], lines -> reordered[i], lines -> duplicated[i]);
    fprintf(stderr, "  lost on both lines: %" PRIu64 " packets with %" PRIu64 " messages\n",
            lines->both_lost, lines->both_lost_messages);
    fprintf(stderr,
            "  %" PRIu64 " positions, %" PRIu64 " limits, %" PRIu64 " fills (%" PRIu64
            " sent twice, %" PRIu64 " corrected or taken back), %" PRIu64 " events of orders\n",
            refs->positions, refs->limits, refs->fills, refs->repeated_fills, refs->corrections,
            refs->orders);
}

/* Closes what is open, in any state; the first error stays the result. */
static int close_session(struct session *session, int rc) {
    struct rw_gen_lines_count lines = {0};
    struct rw_gen_refs_count refs = {0};
    int closed = 0;
    if (session->lines) closed = rw_gen_lines_close(session->lines, &lines);
    if (rc == 0) rc = closed;
    if (session->refs) closed = rw_gen_refs_close(session->refs, &refs);
    if (rc == 0) rc = closed;
    if (session->itch) closed = rw_gen_itch_close(session->itch);
    if (rc == 0) rc = closed;
    if (rc == 0) print_summary(session, &lines, &refs);
    rw_gen_saying_free(session->saying);
    rw_gen_market_free(session->market);
    return rc;
}

int rw_gen_session(const struct rw_gen_options *options) {
    struct session session = {.options = options};
    struct rw_gen_market_cfg cfg = {.seed = options->seed,
                                    .messages = options->messages,
                                    .symbols = options->symbols,
                                    .duration_ns = options->duration_ns,
                                    .listed = options->listed,
                                    .listing = options->listing};
    session.market = rw_gen_market_new(&cfg);
    session.saying = rw_gen_saying_new(options->feed, options->messages, options->midnight_ns);
    int rc = open_refs(&session);
    if (rc == 0) rc = open_lines(&session);
    if (rc == 0) rc = open_itch(&session);
    if (rc == 0) rc = make_messages(&session);
    return close_session(&session, rc);
}
