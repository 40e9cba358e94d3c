/* Packets of MDP 3.0 of both framings: nothing is read past a packet, every message found is
 * accounted for, and the JSON of whatever passes fits its bound.
 *
 * The input is a list of packets: two bytes of length (the top bit: TCP), the payload. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/feed/mdp3.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void check_accounts(const struct rw_mdp3_counters *c) {
    uint64_t sum = rw_stat_get(&c->messages) + rw_stat_get(&c->cut) + rw_stat_get(&c->bad_size);
    sum += rw_stat_get(&c->other_schema) + rw_stat_get(&c->unknown_template);
    sum += rw_stat_get(&c->bad_root) + rw_stat_get(&c->bad_group);
    RW_ASSERT(sum == rw_stat_get(&c->found));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    static char text[RW_MDP3_JSON_MAX];
    struct rw_mdp3_counters counters = {0};
    for (size_t at = 0; at + 2 <= count;) {
        uint32_t control = rw_load_le16(bytes + at), length = control & 0x7fff;
        at += 2;
        if (length > count - at) length = (uint32_t)(count - at);
        uint8_t *exact =
            malloc(length + !length); /* its own block, so that a read too far is seen */
        RW_ASSERT(exact);
        memcpy(exact, bytes + at, length);
        struct rw_mdp3_packet packet;
        struct rw_mdp3_message message;
        if (rw_mdp3_open(&packet, exact, length, control >> 15 ? RW_MDP3_TCP : RW_MDP3_UDP,
                         &counters))
            while (rw_mdp3_next(&packet, &message, &counters)) {
                uint32_t written = rw_mdp3_json(text, &message);
                RW_ASSERT(written < sizeof text && text[written] == '\0');
            }
        check_accounts(&counters);
        free(exact);
        at += length;
    }
    return 0;
}
