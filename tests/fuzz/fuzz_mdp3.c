/* Packets of MDP 3.0 of both framings, decoded, printed and put into small books: nothing is read
 * past a packet, every message found is accounted for, the JSON of whatever passes fits its bound,
 * and no side is deeper than planned.
 *
 * The input is a list of packets: two bytes of length (the top bit: TCP), the payload. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/feed/mdp3_levels.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void check_accounts(const struct rw_mdp3_counters *c) {
    uint64_t sum = rw_stat_get(&c->messages) + rw_stat_get(&c->cut) + rw_stat_get(&c->bad_size);
    sum += rw_stat_get(&c->other_schema) + rw_stat_get(&c->unknown_template);
    sum += rw_stat_get(&c->bad_root) + rw_stat_get(&c->bad_group);
    RW_ASSERT(sum == rw_stat_get(&c->found));
}

#define INSTRUMENTS 8u
#define DEPTH       4u

static struct rw_mbp *books(struct rw_mbp_counters *counters) {
    static _Alignas(64) uint8_t memory[16 << 10];
    struct rw_mbp_cfg cfg = {.instruments_max = INSTRUMENTS, .depth = DEPTH};
    RW_ASSERT(rw_mbp_footprint(&cfg) <= sizeof memory);
    return rw_mbp_new(memory, &cfg, counters);
}

static void use(struct rw_mbp *mbp, const struct rw_mdp3_message *message) {
    static char text[RW_MDP3_JSON_MAX];
    const struct rw_mbp_level *levels;
    uint32_t written = rw_mdp3_json(text, message);
    RW_ASSERT(written < sizeof text && text[written] == '\0');
    rw_mdp3_apply(mbp, message);
    uint32_t it = rw_mbp_instrument(mbp, 77);
    for (uint32_t side = 0; it != RW_MBP_NONE && side < RW_MBP_SIDES; side++)
        RW_ASSERT(rw_mbp_levels(mbp, it, side, &levels) <= DEPTH);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    struct rw_mbp_counters book_counters = {0};
    struct rw_mbp *mbp = books(&book_counters);
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
            while (rw_mdp3_next(&packet, &message, &counters)) use(mbp, &message);
        check_accounts(&counters);
        free(exact);
        at += length;
    }
    return 0;
}
