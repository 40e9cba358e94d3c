#include "dataplane/nic/arp_core.h"

#include <string.h>

#include "dataplane/base/assert.h"

#define MS 1000000ull

#define ANNOUNCES           2u
#define ANNOUNCE_SPACING_NS (2000 * MS)
#define TOKEN_NS            (100 * MS)

#define ARP_BYTES  28u
#define ETHERNET   1u
#define OP_REQUEST 1u
#define OP_REPLY   2u
#define SENDER_MAC 8u /* offsets in the packet */
#define SENDER     14u
#define TARGET_MAC 18u
#define TARGET     24u

static void set_due(struct rw_arp_core *core);

void rw_arp_init(struct rw_arp_core *core, const struct rw_ether_self *self,
                 struct rw_arp_counters *counters) {
    *core = (struct rw_arp_core){.self = *self,
                                 .counters = counters,
                                 .tokens = RW_ARP_ANSWERS_MAX,
                                 .announce_ns = RW_ARP_NEVER,
                                 .due_ns = RW_ARP_NEVER};
}

void rw_arp_announce(struct rw_arp_core *core, uint64_t now_ns) {
    if (core->self.address == 0) return;
    core->announces_left = ANNOUNCES;
    core->announce_ns = now_ns;
    set_due(core);
}

static void set_due(struct rw_arp_core *core) {
    core->due_ns = core->asker_count ? 0 : core->announce_ns;
}

/* take_token lets an answer through while there are tokens; one comes back each 100 ms. */
static bool take_token(struct rw_arp_core *core, uint64_t now_ns) {
    uint64_t earned = now_ns > core->token_ns ? (now_ns - core->token_ns) / TOKEN_NS : 0;
    core->token_ns += earned * TOKEN_NS;
    core->tokens = earned + core->tokens > RW_ARP_ANSWERS_MAX ? RW_ARP_ANSWERS_MAX
                                                              : core->tokens + (uint32_t)earned;
    if (core->tokens == 0) return false;
    core->tokens--;
    return true;
}

void rw_arp_take(struct rw_arp_core *core, const uint8_t *packet, size_t bytes, uint64_t now_ns) {
    struct rw_arp_counters *counters = core->counters;
    if (bytes < ARP_BYTES || rw_load_be16(packet) != ETHERNET ||
        rw_load_be16(packet + 2) != RW_ETHER_IPV4 || packet[4] != RW_ETHER_ADDRESS_BYTES ||
        packet[5] != 4 || (packet[SENDER_MAC] & 1)) {
        rw_stat_add(&counters->not_understood, 1);
        return;
    }
    uint16_t operation = rw_load_be16(packet + 6);
    uint32_t sender = rw_load_be32(packet + SENDER), target = rw_load_be32(packet + TARGET);
    bool own = !memcmp(packet + SENDER_MAC, core->self.mac, RW_ETHER_ADDRESS_BYTES);
    if (core->self.address && sender == core->self.address) {
        if (!own) rw_stat_add(&counters->address_conflicts, 1);
        return;
    }
    if (core->self.address == 0 || operation != OP_REQUEST || target != core->self.address) {
        rw_stat_add(&counters->others, 1);
        return;
    }
    rw_stat_add(&counters->requests, 1);
    if (core->asker_count == RW_ARP_ANSWERS_MAX || !take_token(core, now_ns)) {
        rw_stat_add(&counters->requests_limited, 1);
        return;
    }
    struct rw_arp_asker *asker = &core->asker[core->asker_count++];
    memcpy(asker->mac, packet + SENDER_MAC, sizeof asker->mac);
    asker->address = sender;
    set_due(core);
}

/* write_frame writes a packet from this port; `to` NULL = to everybody. */
static size_t write_frame(const struct rw_arp_core *core, uint16_t operation, const uint8_t *to,
                          uint32_t target, uint8_t *frame) {
    static const uint8_t everybody[] = {255, 255, 255, 255, 255, 255};
    memset(frame, 0, RW_ARP_FRAME_BYTES);
    size_t at = rw_ether_begin(frame, &core->self, to ? to : everybody, RW_ETHER_ARP);
    uint8_t *packet = frame + at;
    rw_store_be16(packet, ETHERNET);
    rw_store_be16(packet + 2, RW_ETHER_IPV4);
    packet[4] = RW_ETHER_ADDRESS_BYTES;
    packet[5] = 4;
    rw_store_be16(packet + 6, operation);
    memcpy(packet + SENDER_MAC, core->self.mac, RW_ETHER_ADDRESS_BYTES);
    rw_store_be32(packet + SENDER, core->self.address);
    if (to) memcpy(packet + TARGET_MAC, to, RW_ETHER_ADDRESS_BYTES);
    rw_store_be32(packet + TARGET, target);
    return RW_ARP_FRAME_BYTES;
}

size_t rw_arp_next(struct rw_arp_core *core, uint64_t now_ns, uint8_t frame[RW_ARP_FRAME_BYTES]) {
    if (now_ns < core->due_ns) return 0;
    size_t bytes;
    if (core->asker_count) {
        struct rw_arp_asker asker = core->asker[--core->asker_count];
        rw_stat_add(&core->counters->answer_frames, 1);
        bytes = write_frame(core, OP_REPLY, asker.mac, asker.address, frame);
    } else {
        /* RFC 5227: a request for the own address by itself, so that tables and switches learn */
        bool more = --core->announces_left > 0;
        core->announce_ns = more ? now_ns + ANNOUNCE_SPACING_NS : RW_ARP_NEVER;
        rw_stat_add(&core->counters->announce_frames, 1);
        bytes = write_frame(core, OP_REQUEST, NULL, core->self.address, frame);
    }
    set_due(core);
    return bytes;
}
