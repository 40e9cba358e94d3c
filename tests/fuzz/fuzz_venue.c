/* What anybody can send to the simulated venue: request datagrams, bytes on its two SoupBinTCP
 * services, membership reports, lines of its control pipe. Nothing is read outside, nothing is
 * said that is too long, and every datagram is accounted for.
 *
 *   input: ┌ kind u8 ┬ length u8 ┬ bytes ┐ …  */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "tools/riskwire/venue_control.h"
#include "tools/riskwire/venue_glimpse.h"
#include "tools/riskwire/venue_join.h"
#include "tools/riskwire/venue_requests.h"
#include "tools/riskwire/venue_soup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECOND_NS 1000000000ull
#define SYMBOLS   8u

enum kind { REQUEST, SOUP, JOIN, LINE, MANNER, TIME, KINDS };

static const struct rw_venue_soup_cfg soup_cfg = {
    .username = "", .password = "", .heartbeat_ns = SECOND_NS, .silence_ns = 15 * SECOND_NS};

struct target {
    const struct rw_venue_core *venue;
    struct rw_venue_requests *requests;
    struct rw_venue_soup soup;
    struct rw_venue_line_reader reader;
    uint64_t now_ns;
};

/* One small day, the same for all inputs; the message log is what is asked for. */
static struct rw_venue_core *the_venue(struct rw_venue_log *snapshot) {
    static struct rw_venue_core *venue;
    static struct rw_venue_log log;
    static struct rw_venue_packet packet;
    if (!venue) {
        struct rw_venue_cfg cfg = {.seed = 1,
                                   .messages = 600,
                                   .duration_ns = SECOND_NS,
                                   .symbols = SYMBOLS,
                                   .speed_permille = 1000,
                                   .packet_bytes = RW_VENUE_PAYLOAD_MAX,
                                   .packet_wait_ns = 20000,
                                   .heartbeat_ns = SECOND_NS};
        struct rw_venue_glimpse_cfg form = {0};
        venue = rw_venue_new(&cfg);
        rw_venue_begin(venue, 0);
        while (rw_venue_messages(venue, 0)->count < 500 || !rw_venue_is_whole(venue))
            rw_venue_next(venue, &packet);
        struct rw_venue_glimpse *glimpse = rw_venue_glimpse_new(venue, SYMBOLS, &form);
        rw_venue_glimpse_write(glimpse, &log);
        rw_venue_glimpse_free(glimpse);
    }
    *snapshot = log;
    return venue;
}

static void answer(struct target *target) {
    struct rw_venue_answer reply;
    while (rw_venue_requests_next(target->requests, target->now_ns, &reply))
        RW_ASSERT(reply.bytes <= RW_VENUE_PAYLOAD_MAX);
    const struct rw_venue_requests_counters *c = rw_venue_requests_counted(target->requests);
    RW_ASSERT(rw_stat_get(&c->received) == rw_stat_get(&c->not_understood) +
                                               rw_stat_get(&c->foreign) + rw_stat_get(&c->beyond) +
                                               rw_stat_get(&c->unheard) + rw_stat_get(&c->overrun) +
                                               rw_stat_get(&c->queued) + rw_stat_get(&c->answered));
}

/* What the server says is SoupBinTCP, whatever the client said. */
static void fill(struct target *target, const struct rw_venue_log *log, size_t room) {
    uint8_t to[2048];
    struct rw_soup_packet packet;
    room %= sizeof to + 1;
    size_t bytes =
        rw_venue_soup_fill(&target->soup, "V000001001", log, false, target->now_ns, to, room);
    RW_ASSERT(bytes <= room);
    for (size_t at = 0; at < bytes;) {
        int length = rw_soup_parse(to + at, bytes - at, &packet);
        RW_ASSERT(length > 0 && strchr("AJSHZ", packet.type));
        at += (size_t)length;
    }
}

static void feed(struct target *target, const struct rw_venue_log *log, uint8_t kind,
                 const uint8_t *bytes, size_t count) {
    static const struct rw_address from = {.bytes = "fuzz", .length = 4};
    struct rw_venue_command command;
    switch (kind % KINDS) {
    case REQUEST:
        rw_venue_requests_take(target->requests, target->now_ns, &from, bytes, count);
        answer(target);
        return;
    case SOUP:
        rw_venue_soup_take(&target->soup, bytes, count, target->now_ns);
        fill(target, log, kind * 37u);
        return;
    case JOIN:
        rw_venue_join_heard(bytes, count, 0xEF4D0001, 0x0A4D0001);
        return;
    case LINE:
        for (size_t i = 0; i < count; i++)
            if (rw_venue_line_take(&target->reader, (char)bytes[i]))
                rw_venue_command_read(target->reader.line, &command);
        return;
    case MANNER:
        rw_venue_requests_behave(target->requests,
                                 (enum rw_venue_manner)(count % RW_VENUE_MANNERS));
        return;
    default:
        target->now_ns += count * (SECOND_NS / 20);
        answer(target);
        fill(target, log, count * 11);
        return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct rw_venue_requests_cfg cfg = {.seed = 1,
                                        .datagram_bytes = RW_VENUE_PAYLOAD_MAX,
                                        .slow_ns = SECOND_NS / 4,
                                        .partial_max = 3,
                                        .lies_percent = 75};
    struct rw_venue_log log;
    struct target target = {.venue = the_venue(&log)};
    target.requests = rw_venue_requests_new(target.venue, &cfg);
    rw_venue_soup_open(&target.soup, &soup_cfg, 0);
    while (size >= 2) {
        size_t count = data[1] < size - 2 ? data[1] : size - 2;
        uint8_t *exact = malloc(count ? count : 1);
        RW_ASSERT(exact);
        memcpy(exact, data + 2, count);
        feed(&target, &log, data[0], exact, count);
        free(exact);
        data += 2 + count;
        size -= 2 + count;
    }
    rw_venue_requests_free(target.requests);
    return 0;
}
