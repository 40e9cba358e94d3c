/* CME MDP 3.0 in datagrams, and in the segments of its TCP service where a segment begins with the
 * mark: a message that runs over into the next segment is counted as cut, and the rest of it as no
 * packet. */
#include "dataplane/feed/mdp3.h"
#include "tools/riskwire/decode_walks.h"

static bool open_packet(const struct rw_decode_packet *packet, struct rw_mdp3_packet *mdp3,
                        struct rw_mdp3_counters *counters) {
    bool tcp = packet->transport == RW_DECODE_TCP;
    return rw_mdp3_open(mdp3, packet->payload, packet->bytes, tcp ? RW_MDP3_TCP : RW_MDP3_UDP,
                        counters);
}

/* Messages of schema 1 that fill the packet to its last byte; behind a mark, of any schema. */
bool rw_decode_mdp3_guess(const struct rw_decode_packet *packet) {
    struct rw_mdp3_counters counters = {0};
    struct rw_mdp3_packet mdp3;
    struct rw_mdp3_message message;
    if (!open_packet(packet, &mdp3, &counters)) return false;
    while (rw_mdp3_next(&mdp3, &message, &counters)) continue;
    bool fills = rw_stat_get(&counters.cut) == 0 && rw_stat_get(&counters.bad_size) == 0;
    bool ours = packet->transport == RW_DECODE_TCP || rw_stat_get(&counters.other_schema) == 0;
    return fills && ours && rw_stat_get(&counters.found) > 0;
}

static void add_counts(const struct rw_mdp3_counters *counters, struct rw_decode_tally *tally) {
    tally->unknown_types += rw_stat_get(&counters->unknown_template);
    tally->unknown_types += rw_stat_get(&counters->other_schema);
    tally->bad_lengths += rw_stat_get(&counters->bad_size) + rw_stat_get(&counters->bad_root);
    tally->bad_lengths += rw_stat_get(&counters->bad_group);
    tally->bad_packets += rw_stat_get(&counters->short_packet);
    tally->cut += rw_stat_get(&counters->cut);
}

void rw_decode_mdp3_walk(const struct rw_decode_packet *packet, struct rw_decode *decode) {
    char text[RW_MDP3_JSON_MAX];
    struct rw_mdp3_counters counters = {0};
    struct rw_mdp3_packet mdp3;
    struct rw_mdp3_message message;
    if (packet->transport == RW_DECODE_TCP && packet->bytes == 0) return; /* an acknowledgement */
    if (open_packet(packet, &mdp3, &counters))
        while (rw_mdp3_next(&mdp3, &message, &counters))
            rw_decode_text(decode, text, rw_mdp3_json(text, &message));
    add_counts(&counters, &decode->tally);
}
