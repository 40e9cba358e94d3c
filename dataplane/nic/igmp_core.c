/* Two runs over all groups (changes, answers to general queries) and one timer per group (answers
 * to group queries). due_ns is the earliest of them all, so that a port with nothing to say costs
 * one comparison. */
#include "dataplane/nic/igmp_core.h"

#include <errno.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/nic/ipv4.h"

#define MS 1000000ull
#define S  1000000000ull

#define FRAME_SPACING_NS  (1 * MS)
#define ANSWER_SPACING_NS (100 * MS)
#define CHANGE_SPACING_NS (1 * S) /* the RFC's unsolicited report interval */
#define ROBUSTNESS        2u
#define QUERY_INTERVAL_NS (125 * S)
#define INTERVAL_MAX_NS   (3600 * S) /* a code can say nine hours: so long no IGMPv2 shall last */

#define TYPE_QUERY     0x11u
#define TYPE_V1_REPORT 0x12u
#define TYPE_V2_REPORT 0x16u
#define TYPE_V2_LEAVE  0x17u
#define TYPE_V3_REPORT 0x22u

#define IP_BYTES       24u /* with the router-alert option */
#define MESSAGE_BYTES  8u  /* of IGMPv2; also the head of a report of IGMPv3 */
#define V3_QUERY_BYTES 12u
#define RECORD_BYTES   8u
#define RECORD_MAX     (RECORD_BYTES + 4u * RW_IGMP_SOURCES_MAX)

enum record {
    IS_INCLUDE = 1,
    IS_EXCLUDE = 2,
    TO_INCLUDE = 3,
    TO_EXCLUDE = 4,
    ALLOW_SOURCES = 5,
    BLOCK_SOURCES = 6,
};

/* What a frame says about a group. */
enum saying { STATE, ASKED, JOIN, LEAVE };

static_assert(RW_ETHER_BYTES + RW_ETHER_VLAN_BYTES + IP_BYTES + MESSAGE_BYTES + RECORD_MAX <=
                  RW_IGMP_FRAME_BYTES,
              "the largest record fits");

static void set_due(struct rw_igmp_core *core);
static size_t write_frame(struct rw_igmp_core *core, enum saying saying, uint32_t *group,
                          uint64_t now_ns, uint8_t *frame);

void rw_igmp_init(struct rw_igmp_core *core, const struct rw_ether_self *self,
                  struct rw_igmp_counters *counters) {
    *core = (struct rw_igmp_core){.self = *self,
                                  .counters = counters,
                                  .robustness = ROBUSTNESS,
                                  .query_interval_ns = QUERY_INTERVAL_NS,
                                  .change.due_ns = RW_IGMP_NEVER,
                                  .answer.due_ns = RW_IGMP_NEVER,
                                  .answer_again_ns = RW_IGMP_NEVER,
                                  .due_ns = RW_IGMP_NEVER};
    rw_rng_seed(&core->rng, (uint64_t)rw_load_be32(self->mac + 2) << 32 | self->address);
}

static struct rw_igmp_group *group_of(struct rw_igmp_core *core, uint32_t address) {
    for (uint32_t i = 0; i < core->group_count; i++)
        if (core->group[i].address == address) return &core->group[i];
    return NULL;
}

/* add_once appends a source to a list unless it stands there; false when the list is full. */
static bool add_once(uint32_t *list, uint32_t *count, uint32_t source) {
    for (uint32_t i = 0; i < *count; i++)
        if (list[i] == source) return true;
    if (*count == RW_IGMP_SOURCES_MAX) return false;
    list[(*count)++] = source;
    return true;
}

int rw_igmp_want(struct rw_igmp_core *core, uint32_t group, uint32_t source) {
    RW_ASSERT(!core->joined);
    if (group >> 28 != 14 || group >> 8 == RW_IGMP_ALL_HOSTS >> 8) return -EINVAL;
    struct rw_igmp_group *known = group_of(core, group);
    if (!known) {
        if (core->group_count == RW_IGMP_GROUPS_MAX) return -ENOSPC;
        known = &core->group[core->group_count++];
        *known = (struct rw_igmp_group){.address = group, .due_ns = RW_IGMP_NEVER};
    } else if (known->source_count == 0 || source == 0) {
        known->source_count = 0;
        return 0;
    }
    if (source && !add_once(known->source, &known->source_count, source)) return -ENOSPC;
    return 0;
}

/* ---- what is to be said, and when
 * ------------------------------------------------------------------------------- */

static void start_change(struct rw_igmp_core *core, uint64_t now_ns) {
    core->change = (struct rw_igmp_run){.due_ns = core->group_count ? now_ns : RW_IGMP_NEVER};
    core->changes_left = core->robustness - 1;
    set_due(core);
}

void rw_igmp_join(struct rw_igmp_core *core, uint64_t now_ns) {
    core->joined = true;
    start_change(core, now_ns);
}

void rw_igmp_leave(struct rw_igmp_core *core, uint64_t now_ns) {
    if (!core->joined) return;
    core->joined = false;
    core->answer.due_ns = core->answer_again_ns = RW_IGMP_NEVER;
    for (uint32_t i = 0; i < core->group_count; i++) core->group[i].due_ns = RW_IGMP_NEVER;
    start_change(core, now_ns);
}

/* a_delay draws from (0, window]; 0 of a window of 0. */
static uint64_t a_delay(struct rw_igmp_core *core, uint64_t window_ns) {
    return window_ns ? rw_rng_below(&core->rng, window_ns) + 1 : 0;
}

static uint64_t later(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* answer_all schedules the state of all groups within the time allowed, of which the frames
 * themselves need some. */
static void answer_all(struct rw_igmp_core *core, uint64_t within_ns, uint64_t now_ns) {
    uint64_t length_ns = core->group_count * FRAME_SPACING_NS;
    uint64_t window_ns = within_ns > length_ns ? within_ns - length_ns : 0;
    uint64_t due_ns = later(now_ns + a_delay(core, window_ns), core->answer_free_ns);
    /* an answer that comes sooner tells the same, unless some groups have had their turn in it */
    uint64_t *pending_ns = core->answer.group ? &core->answer_again_ns : &core->answer.due_ns;
    if (due_ns < *pending_ns) *pending_ns = due_ns;
}

/* answer_group schedules the state of one group, as a whole or about the sources asked for: the
 * rules of RFC 3376, 5.2. */
static void answer_group(struct rw_igmp_core *core, struct rw_igmp_group *group,
                         const uint8_t *sources, uint32_t count, uint64_t within_ns,
                         uint64_t now_ns) {
    uint64_t due_ns = later(now_ns + a_delay(core, within_ns), group->free_ns);
    bool waits = group->due_ns != RW_IGMP_NEVER, whole = count == 0;
    if (core->answer.due_ns <= due_ns && core->answer.group <= group - core->group) return;
    if (waits && group->asked_count == 0) whole = true; /* it tells everything already */
    if (!waits) group->asked_count = 0;
    uint32_t asked_before = group->asked_count;
    for (uint32_t i = 0; !whole && i < count; i++) {
        uint32_t source = rw_load_be32(sources + 4 * i), k = 0;
        while (k < group->source_count && group->source[k] != source) k++;
        if (group->source_count && k == group->source_count) continue; /* not one of ours */
        /* too many to be named: say what is wanted of the whole group */
        whole = !add_once(group->asked, &group->asked_count, source);
    }
    if (whole) group->asked_count = 0;
    if (!whole && group->asked_count == asked_before && !waits) return; /* nothing to say */
    if (due_ns < group->due_ns) group->due_ns = due_ns;
}

/* set_due finds the earliest of all timers. */
static void set_due(struct rw_igmp_core *core) {
    uint64_t due_ns = core->change.due_ns;
    if (core->answer.due_ns < due_ns) due_ns = core->answer.due_ns;
    for (uint32_t i = 0; i < core->group_count; i++)
        if (core->group[i].due_ns < due_ns) due_ns = core->group[i].due_ns;
    due_ns = later(due_ns, core->frame_free_ns);
    if (core->version2 && core->joined && core->version2_until_ns < due_ns)
        due_ns = core->version2_until_ns;
    core->due_ns = due_ns;
}

/* ---- what was heard
 * ------------------------------------------------------------------------------- */

/* code_of decodes the exponential codes of IGMPv3: up to 127 itself, then a mantissa of four bits
 * and an exponent of three (RFC 3376, 4.1.1). */
static uint64_t code_of(uint8_t code) {
    return code < 128 ? code : (uint64_t)((code & 15u) | 16u) << (((code >> 4) & 7u) + 3);
}

struct query {
    uint32_t group; /* 0 = all */
    uint32_t source_count;
    const uint8_t *sources;
    uint64_t within_ns;
};

/* read_v3 takes over what the querier says about itself, and returns false when the query is
 * cut. */
static bool read_v3(struct rw_igmp_core *core, const uint8_t *message, size_t bytes,
                    struct query *query) {
    query->source_count = rw_load_be16(message + 10);
    query->sources = message + V3_QUERY_BYTES;
    if (bytes < V3_QUERY_BYTES + 4u * query->source_count) return false;
    uint32_t robustness = message[8] & 7u;
    uint64_t interval_ns = code_of(message[9]) * S;
    core->robustness = robustness ? robustness : ROBUSTNESS;
    core->query_interval_ns = interval_ns ? interval_ns : QUERY_INTERVAL_NS;
    if (interval_ns > INTERVAL_MAX_NS) core->query_interval_ns = INTERVAL_MAX_NS;
    query->within_ns = code_of(message[1]) * 100 * MS;
    return true;
}

static void take_query(struct rw_igmp_core *core, const uint8_t *message, size_t bytes,
                       uint32_t destination, uint64_t now_ns) {
    struct query query = {.group = rw_load_be32(message + 4)};
    bool version2 = bytes == MESSAGE_BYTES;
    /* a query to any other address is not one of this network (RFC 3376, 9.1) */
    bool addressed = destination == RW_IGMP_ALL_HOSTS ||
                     (query.group && destination == query.group) ||
                     (core->self.address && destination == core->self.address);
    if (!addressed || (bytes > MESSAGE_BYTES && bytes < V3_QUERY_BYTES) ||
        (!version2 && !read_v3(core, message, bytes, &query))) {
        rw_stat_add(&core->counters->not_understood, 1);
        return;
    }
    if (version2 && message[1] == 0) {
        rw_stat_add(&core->counters->version1_queries, 1);
        return;
    }
    struct rw_igmp_group *group = query.group ? group_of(core, query.group) : NULL;
    if (query.group && !group) return;
    rw_stat_add(query.group ? &core->counters->group_queries : &core->counters->general_queries, 1);
    if (version2) {
        rw_stat_add(&core->counters->version2_queries, 1);
        query.within_ns = message[1] * 100 * MS;
    }
    if (version2 && !query.group) {
        if (!core->version2 && core->joined) core->change.due_ns = RW_IGMP_NEVER;
        core->version2 = true;
        core->version2_until_ns =
            now_ns + core->robustness * core->query_interval_ns + query.within_ns;
    }
    if (core->joined && group)
        answer_group(core, group, query.sources, query.source_count, query.within_ns, now_ns);
    else if (core->joined && core->group_count)
        answer_all(core, query.within_ns, now_ns);
    set_due(core);
}

/* message_of finds the IGMP message of a packet: whole, undamaged, from this network and not from
 * this port; NULL otherwise. */
static const uint8_t *message_of(const struct rw_igmp_core *core, const uint8_t *ip, size_t bytes,
                                 size_t *message_bytes) {
    struct rw_ipv4 header;
    if (rw_ipv4_parse(ip, bytes, true, &header) != RW_IPV4_FINE || ip[9] != RW_IPV4_IGMP ||
        (rw_load_be16(ip + 6) & RW_IPV4_FRAGMENT) || header.total_bytes > bytes || ip[8] != 1)
        return NULL;
    uint32_t source = rw_load_be32(ip + 12);
    const uint8_t *message = ip + header.header_bytes;
    *message_bytes = header.total_bytes - header.header_bytes;
    if (*message_bytes < MESSAGE_BYTES || rw_ipv4_checksum(message, *message_bytes) != 0 ||
        (source && source == core->self.address))
        return NULL;
    return message;
}

void rw_igmp_take(struct rw_igmp_core *core, const uint8_t *ip, size_t bytes, uint64_t now_ns) {
    size_t message_bytes;
    const uint8_t *message = message_of(core, ip, bytes, &message_bytes);
    uint8_t type = message ? message[0] : 0;
    switch (type) {
    case TYPE_QUERY:
        take_query(core, message, message_bytes, rw_load_be32(ip + 16), now_ns);
        break;
    case TYPE_V1_REPORT:
    case TYPE_V2_REPORT:
    case TYPE_V2_LEAVE:
    case TYPE_V3_REPORT:
        rw_stat_add(&core->counters->reports_heard, 1);
        break;
    default:
        rw_stat_add(&core->counters->not_understood, 1);
    }
}

/* ---- what is said
 * ------------------------------------------------------------------------------- */

/* run_on writes the next frame of a run; at its end the run is not due any more. */
static size_t run_on(struct rw_igmp_core *core, struct rw_igmp_run *run, enum saying saying,
                     uint64_t now_ns, uint8_t *frame) {
    size_t bytes = write_frame(core, saying, &run->group, now_ns, frame);
    if (run->group == core->group_count) *run = (struct rw_igmp_run){.due_ns = RW_IGMP_NEVER};
    return bytes;
}

static size_t say_change(struct rw_igmp_core *core, uint64_t now_ns, uint8_t *frame) {
    size_t bytes = run_on(core, &core->change, core->joined ? JOIN : LEAVE, now_ns, frame);
    if (core->change.due_ns == RW_IGMP_NEVER && core->changes_left) {
        core->changes_left--;
        core->change = (struct rw_igmp_run){.due_ns = now_ns + a_delay(core, CHANGE_SPACING_NS)};
    }
    rw_stat_add(core->joined ? &core->counters->join_frames : &core->counters->leave_frames, 1);
    return bytes;
}

static size_t say_answer(struct rw_igmp_core *core, uint64_t now_ns, uint8_t *frame) {
    size_t bytes;
    if (core->answer.due_ns <= now_ns) {
        bytes = run_on(core, &core->answer, STATE, now_ns, frame);
        if (core->answer.due_ns == RW_IGMP_NEVER) {
            core->answer_free_ns = now_ns + ANSWER_SPACING_NS;
            if (core->answer_again_ns != RW_IGMP_NEVER)
                core->answer.due_ns = later(core->answer_again_ns, core->answer_free_ns);
            core->answer_again_ns = RW_IGMP_NEVER;
        }
    } else {
        uint32_t first = 0;
        while (first < core->group_count && core->group[first].due_ns > now_ns) first++;
        if (first == core->group_count) return 0;
        bytes = write_frame(core, ASKED, &first, now_ns, frame);
    }
    rw_stat_add(&core->counters->answer_frames, 1);
    return bytes;
}

size_t rw_igmp_next(struct rw_igmp_core *core, uint64_t now_ns,
                    uint8_t frame[RW_IGMP_FRAME_BYTES]) {
    if (now_ns < core->due_ns) return 0;
    if (core->version2 && now_ns >= core->version2_until_ns) {
        core->version2 = false;
        if (core->joined) start_change(core, now_ns);
    }
    size_t bytes = 0;
    if (now_ns >= core->frame_free_ns)
        bytes = core->change.due_ns <= now_ns ? say_change(core, now_ns, frame)
                                              : say_answer(core, now_ns, frame);
    if (bytes) core->frame_free_ns = now_ns + FRAME_SPACING_NS;
    set_due(core);
    RW_ASSERT(bytes <= RW_IGMP_FRAME_BYTES && (bytes || core->due_ns > now_ns));
    return bytes;
}

/* write_ip writes the headers in front of `bytes` bytes of message; returns the frame's bytes. */
static size_t write_ip(const struct rw_igmp_core *core, uint32_t to, size_t bytes, uint8_t *frame) {
    uint8_t mac[RW_ETHER_ADDRESS_BYTES];
    rw_ether_group_mac(to, mac);
    size_t at = rw_ether_begin(frame, &core->self, mac, RW_ETHER_IPV4);
    uint8_t *ip = frame + at, *message = ip + IP_BYTES;
    memset(ip, 0, IP_BYTES);
    ip[0] = 0x46;
    ip[1] = 0xC0; /* internetwork control */
    rw_store_be16(ip + 2, (uint16_t)(IP_BYTES + bytes));
    rw_store_be16(ip + 6, RW_IPV4_DF);
    ip[8] = 1;
    ip[9] = RW_IPV4_IGMP;
    rw_store_be32(ip + 12, core->self.address);
    rw_store_be32(ip + 16, to);
    rw_store_be32(ip + 20, 0x94040000); /* router alert */
    rw_store_be16(ip + 10, rw_ipv4_checksum(ip, IP_BYTES));
    rw_store_be16(message + 2, rw_ipv4_checksum(message, bytes));
    size_t total = at + IP_BYTES + bytes;
    if (total >= RW_ETHER_FRAME_MIN) return total;
    memset(frame + total, 0, RW_ETHER_FRAME_MIN - total);
    return RW_ETHER_FRAME_MIN;
}

/* write_record appends what is to be said about a group; returns its bytes. */
static size_t write_record(const struct rw_igmp_group *group, enum saying saying, uint8_t *record) {
    static const uint8_t types[][2] = {[STATE] = {IS_EXCLUDE, IS_INCLUDE},
                                       [ASKED] = {IS_EXCLUDE, IS_INCLUDE},
                                       [JOIN] = {TO_EXCLUDE, ALLOW_SOURCES},
                                       [LEAVE] = {TO_INCLUDE, BLOCK_SOURCES}};
    bool asked = saying == ASKED && group->asked_count;
    uint32_t count = asked ? group->asked_count : group->source_count;
    const uint32_t *list = asked ? group->asked : group->source;
    record[0] = types[saying][count > 0];
    record[1] = 0;
    rw_store_be16(record + 2, (uint16_t)count);
    rw_store_be32(record + 4, group->address);
    for (uint32_t i = 0; i < count; i++) rw_store_be32(record + RECORD_BYTES + 4 * i, list[i]);
    return RECORD_BYTES + 4u * count;
}

/* said notes that a group was reported: what waited for it has been answered. */
static void said(struct rw_igmp_group *group, uint64_t now_ns) {
    group->due_ns = RW_IGMP_NEVER;
    group->free_ns = now_ns + ANSWER_SPACING_NS;
}

/* write_frame says something about the groups from *group on, as many as fit (one in IGMPv2), and
 * moves *group behind them. Of ASKED only those that are due. */
static size_t write_frame(struct rw_igmp_core *core, enum saying saying, uint32_t *group,
                          uint64_t now_ns, uint8_t *frame) {
    uint8_t *message =
        frame + RW_ETHER_BYTES + (core->self.vlan ? RW_ETHER_VLAN_BYTES : 0) + IP_BYTES;
    memset(message, 0, MESSAGE_BYTES);
    if (core->version2) {
        struct rw_igmp_group *only = &core->group[(*group)++];
        bool leaves = saying == LEAVE;
        message[0] = leaves ? TYPE_V2_LEAVE : TYPE_V2_REPORT;
        rw_store_be32(message + 4, only->address);
        said(only, now_ns);
        return write_ip(core, leaves ? RW_IGMP_ALL_ROUTERS : only->address, MESSAGE_BYTES, frame);
    }
    uint8_t *end = message + MESSAGE_BYTES;
    uint16_t records = 0;
    for (; *group < core->group_count && end + RECORD_MAX <= frame + RW_IGMP_FRAME_BYTES;
         (*group)++) {
        struct rw_igmp_group *next = &core->group[*group];
        if (saying == ASKED && next->due_ns > now_ns) continue;
        end += write_record(next, saying, end);
        records++;
        said(next, now_ns);
    }
    message[0] = TYPE_V3_REPORT;
    rw_store_be16(message + 6, records);
    return write_ip(core, RW_IGMP_V3_ROUTERS, (size_t)(end - message), frame);
}
