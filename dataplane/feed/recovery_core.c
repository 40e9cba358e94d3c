#include "dataplane/feed/recovery_core.h"

#include "dataplane/base/assert.h"
#include "dataplane/feed/moldudp64.h"

#define LOOK_NS         UINT64_C(200000) /* the gaps are walked at most so often without cause */
#define SETTLE_MIN_NS   UINT64_C(200000) /* a packet may follow the one before it */
#define PASS_OVER_MAX   8u               /* time-outs for which a silent server is passed over */
#define BROKEN_ATTEMPTS 1u               /* what the books lack anyway is not waited for long */

/* A request on its way. */
struct request {
    bool used;
    bool probe; /* only to see whether the server is back: another was asked for the same */
    uint32_t server;
    struct rw_line_range range;
    uint64_t got; /* what of the range came from the server lies below */
    uint64_t sent_ns, deadline_ns;
};

struct server {
    uint32_t silent;       /* requests not answered in a row */
    uint32_t at_once;      /* messages it is asked for in one request */
    uint64_t answer_ns;    /* time to its last answer */
    uint64_t pass_over_ns; /* it is passed over until then */
};

enum phase { IDLE, REQUEST, SNAPSHOT };

struct rw_recovery {
    struct rw_recovery_cfg cfg;
    struct rw_recovery_stats stats;
    enum phase phase;
    bool broken;
    bool abandon;      /* the snapshot under way is to be ended */
    bool between;      /* phase SNAPSHOT: waiting for the next try */
    bool looked;       /* ranges are those of now, give or take what has come since */
    uint64_t look_ns;  /* look again then */
    uint64_t quiet_ns; /* nobody is asked until then */
    bool started;      /* the channel has begun */
    uint64_t first;    /* first missing message when attempts began to count */
    uint32_t attempts; /* requests for it */
    uint64_t snapshot; /* number of the current or last one */
    uint32_t snapshot_tries;
    uint64_t snapshot_ns; /* deadline, or when to try next; 0: whenever one is needed */
    uint32_t range_count;
    struct rw_line_range range[RW_RECOVERY_RANGES_MAX];
    struct request request[RW_RECOVERY_REQUESTS_MAX];
    struct server server[RW_LINE_SERVERS_MAX];
};

size_t rw_recovery_footprint(void) { return (sizeof(struct rw_recovery) + 63) & ~(size_t)63; }

struct rw_recovery *rw_recovery_new(void *memory, const struct rw_recovery_cfg *cfg,
                                    const struct rw_recovery_stats *stats) {
    RW_ASSERT(cfg->servers <= RW_LINE_SERVERS_MAX && ((uintptr_t)memory & 63) == 0);
    RW_ASSERT(cfg->outstanding >= 1 && cfg->outstanding <= RW_RECOVERY_REQUESTS_MAX);
    RW_ASSERT(cfg->request_messages >= 1 && cfg->request_messages <= RW_MOLD_COUNT_MAX);
    struct rw_recovery *core = memory;
    *core = (struct rw_recovery){.cfg = *cfg, .stats = *stats};
    for (uint32_t i = 0; i < cfg->servers; i++) core->server[i].at_once = cfg->request_messages;
    return core;
}

static void count(rw_stat *cell) { rw_stat_add(cell, 1); }

/* ---- Requests ------------------------------------------------------------------------------- */

static void give_back(struct rw_recovery *core, struct request *request) {
    request->used = false;
    core->looked = false;
}

static void give_back_all(struct rw_recovery *core) {
    for (uint32_t i = 0; i < RW_RECOVERY_REQUESTS_MAX; i++) core->request[i].used = false;
    core->range_count = 0;
    core->looked = false;
}

static void set_silent(struct rw_recovery *core, uint32_t server, uint32_t silent) {
    core->server[server].silent = silent;
    rw_stat_set(&core->stats.server[server]->silent, silent);
}

/* The first silence may be a lost packet: the server is asked again at once if there is no other.
 * After that it is passed over for 1, 2, 4, … time-outs. */
static void note_silence(struct rw_recovery *core, uint32_t server, uint64_t now_ns) {
    uint32_t silent = core->server[server].silent + 1;
    uint32_t shift = silent > 1 ? silent - 2 : 0;
    uint64_t pass_over = silent == 1 ? 0 : shift < 4 ? 1u << shift : PASS_OVER_MAX;
    if (pass_over > PASS_OVER_MAX) pass_over = PASS_OVER_MAX;
    set_silent(core, server, silent < UINT32_MAX ? silent : UINT32_MAX - 1);
    core->server[server].pass_over_ns = now_ns + pass_over * core->cfg.timeout_ns;
}

/* expire ends a request whose time is up: nothing came, or nothing more after a part. */
static void expire(struct rw_recovery *core, struct request *request, uint64_t now_ns) {
    struct rw_request_counters *counters = core->stats.server[request->server];
    if (request->got > request->range.from) {
        uint64_t sent = request->got - request->range.from;
        count(&counters->partial);
        core->server[request->server].at_once = (uint32_t)sent;
    } else {
        count(&counters->timeouts);
        note_silence(core, request->server, now_ns);
    }
    give_back(core, request);
}

static void expire_all(struct rw_recovery *core, uint64_t now_ns) {
    for (uint32_t i = 0; i < RW_RECOVERY_REQUESTS_MAX; i++) {
        struct request *request = &core->request[i];
        if (request->used && now_ns >= request->deadline_ns) expire(core, request, now_ns);
    }
}

/* settle_ns is how long a packet may follow the one before it. */
static uint64_t settle_ns(const struct rw_recovery *core, uint32_t server) {
    uint64_t ns = 4 * core->server[server].answer_ns, most = core->cfg.timeout_ns / 4;
    if (ns < SETTLE_MIN_NS) ns = SETTLE_MIN_NS;
    return ns < most ? ns : most;
}

/* take_part notes what of a request has come. */
static void take_part(struct rw_recovery *core, struct request *request,
                      const struct rw_line_range *range, uint64_t now_ns) {
    struct server *server = &core->server[request->server];
    if (range->to > request->got) request->got = range->to;
    core->looked = false;
    if (request->got >= request->range.to) {
        if (request->range.to - request->range.from >= server->at_once)
            server->at_once += server->at_once / 8 + 1;
        if (server->at_once > core->cfg.request_messages)
            server->at_once = core->cfg.request_messages;
        give_back(core, request);
        return;
    }
    request->deadline_ns = now_ns + settle_ns(core, request->server);
}

static void take_refusal(struct rw_recovery *core, struct request *request, uint64_t now_ns) {
    count(&core->stats.server[request->server]->refused);
    core->server[request->server].pass_over_ns = now_ns + core->cfg.timeout_ns;
    give_back(core, request);
}

/* request_of finds the request to which a packet of a server belongs, NULL when there is none. */
static struct request *request_of(struct rw_recovery *core, uint32_t server,
                                  const struct rw_line_range *range) {
    for (uint32_t i = 0; i < RW_RECOVERY_REQUESTS_MAX; i++) {
        struct request *request = &core->request[i];
        if (request->used && request->server == server && range->from >= request->range.from &&
            range->from < request->range.to)
            return request;
    }
    return NULL;
}

bool rw_recovery_takes_answers(const struct rw_recovery *core, uint64_t now_ns) {
    return now_ns >= core->quiet_ns;
}

void rw_recovery_answer(struct rw_recovery *core, uint32_t server, enum rw_line_answer answer,
                        const struct rw_line_range *range, uint64_t now_ns) {
    RW_ASSERT(server < core->cfg.servers);
    if (answer == RW_LINE_ANSWER_USELESS) return;
    struct request *request = request_of(core, server, range);
    if (!request) { /* slow, not dead: asked again, if there is no better one */
        count(&core->stats.recovery->late_answers);
        core->server[server].pass_over_ns = 0;
        core->looked = false;
        return;
    }
    if (request->got == request->range.from) {
        core->server[server].answer_ns = now_ns - request->sent_ns;
        rw_stat_set(&core->stats.server[server]->answer_ns, now_ns - request->sent_ns);
    }
    set_silent(core, server, 0);
    core->server[server].pass_over_ns = 0;
    if (answer == RW_LINE_ANSWER_MESSAGES)
        take_part(core, request, range, now_ns);
    else if (range->from == request->range.from && request->got == range->from)
        take_refusal(core, request, now_ns);
}

/* ---- What to ask for ------------------------------------------------------------------------ */

static bool meets(const struct rw_line_range *a, const struct rw_line_range *b) {
    return a->from < b->to && b->from < a->to;
}

/* drop_filled gives back the requests of which nothing is missing any more. */
static void drop_filled(struct rw_recovery *core) {
    bool all = core->range_count < RW_RECOVERY_RANGES_MAX;
    uint64_t seen_to = core->range_count ? core->range[core->range_count - 1].to : 0;
    for (uint32_t i = 0; i < RW_RECOVERY_REQUESTS_MAX; i++) {
        struct request *request = &core->request[i];
        bool missing = !all && request->range.to > seen_to;
        for (uint32_t k = 0; k < core->range_count && !missing; k++)
            missing = meets(&request->range, &core->range[k]);
        if (!request->used || missing) continue;
        count(&core->stats.recovery->came_meanwhile);
        request->used = false;
    }
}

/* look brings the ranges up to date, and with them the phase. */
static void look(struct rw_recovery *core, const struct rw_line_core *lines, uint64_t now_ns) {
    core->range_count = rw_line_missing(lines, core->range, RW_RECOVERY_RANGES_MAX);
    core->looked = true;
    core->look_ns = now_ns + LOOK_NS;
    if (core->range_count == 0) {
        drop_filled(core);
        core->phase = IDLE;
        return;
    }
    if (core->phase == IDLE) {
        core->phase = REQUEST;
        count(&core->stats.recovery->recoveries);
    }
    if (core->first != core->range[0].from) {
        core->first = core->range[0].from;
        core->attempts = 0;
    }
    drop_filled(core);
}

static uint64_t missing_messages(const struct rw_recovery *core) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < core->range_count; i++) sum += core->range[i].to - core->range[i].from;
    return sum;
}

/* cover moves `range` behind what is on its way, to the first part that nobody was asked for. */
static bool cover(const struct rw_recovery *core, struct rw_line_range *range) {
    for (uint32_t i = 0; i < RW_RECOVERY_REQUESTS_MAX; i++) {
        const struct request *request = &core->request[i];
        if (!request->used || request->probe || !meets(&request->range, range)) continue;
        if (request->range.from > range->from) {
            range->to = request->range.from;
            continue;
        }
        range->from = request->range.to;
        return range->from < range->to;
    }
    return false;
}

/* not_asked_for finds the lowest part that is missing and not on its way. */
static bool not_asked_for(const struct rw_recovery *core, const struct rw_line_core *lines,
                          struct rw_line_range *part) {
    for (uint32_t i = 0; i < core->range_count; i++) {
        struct rw_line_range rest = core->range[i];
        while (rest.from < rest.to) { /* each turn passes a request or a held packet */
            *part = rest;
            while (cover(core, part)) continue;
            if (part->from < part->to && rw_line_trim(lines, part)) return true;
            rest.from = part->to > rest.from ? part->to : rest.to;
        }
    }
    return false;
}

/* best_server returns the first server that answers; else the least silent; -1 when all are passed
 * over for now. */
static int best_server(const struct rw_recovery *core, uint64_t now_ns) {
    int best = -1;
    for (uint32_t i = 0; i < core->cfg.servers; i++) {
        if (now_ns < core->server[i].pass_over_ns) continue;
        if (best < 0 || core->server[i].silent < core->server[best].silent) best = (int)i;
    }
    return best;
}

/* has_first is true when the first missing message is in a range. */
static bool has_first(const struct rw_recovery *core, const struct rw_line_range *range) {
    return range->from <= core->first && core->first < range->to;
}

static struct request *free_request(struct rw_recovery *core) {
    struct request *found = NULL;
    uint32_t used = 0;
    for (uint32_t i = 0; i < RW_RECOVERY_REQUESTS_MAX; i++) {
        if (core->request[i].used)
            used++;
        else
            found = &core->request[i];
    }
    return used < core->cfg.outstanding ? found : NULL;
}

static void send(struct rw_recovery *core, struct request *request, uint32_t server,
                 const struct rw_line_range *range, bool probe, uint64_t now_ns,
                 struct rw_recovery_act *act) {
    struct rw_request_counters *counters = core->stats.server[server];
    *request = (struct request){.used = true,
                                .probe = probe,
                                .server = server,
                                .range = *range,
                                .got = range->from,
                                .sent_ns = now_ns,
                                .deadline_ns = now_ns + core->cfg.timeout_ns};
    *act = (struct rw_recovery_act){.kind = RW_RECOVERY_ASK, .server = server, .range = *range};
    count(&core->stats.recovery->requests);
    count(&counters->requests);
    if (probe) count(&counters->probes);
    if (!probe && has_first(core, range)) core->attempts++;
    rw_stat_add(&counters->wanted, range->to - range->from);
}

/* probe asks a silent server, when its time has come, for what another one was asked for. */
static bool probe(struct rw_recovery *core, uint64_t now_ns, struct rw_recovery_act *act) {
    struct request *request = free_request(core);
    const struct request *asked = NULL;
    for (uint32_t i = 0; i < RW_RECOVERY_REQUESTS_MAX; i++)
        if (core->request[i].used && !core->request[i].probe) asked = &core->request[i];
    if (!request || !asked) return false;
    for (uint32_t i = 0; i < core->cfg.servers; i++) {
        const struct server *server = &core->server[i];
        bool under_way = server->silent == 0 || now_ns < server->pass_over_ns;
        for (uint32_t k = 0; k < RW_RECOVERY_REQUESTS_MAX && !under_way; k++)
            under_way = core->request[k].used && core->request[k].server == i;
        if (under_way) continue;
        struct rw_line_range range = asked->range;
        if (range.to - range.from > server->at_once) range.to = range.from + server->at_once;
        send(core, request, i, &range, true, now_ns, act);
        return true;
    }
    return false;
}

/* ask sends the next request, if there is room, a server and anything to ask for. */
static bool ask(struct rw_recovery *core, const struct rw_line_core *lines, uint64_t now_ns,
                struct rw_recovery_act *act) {
    struct request *request = free_request(core);
    struct rw_line_range part;
    int server = best_server(core, now_ns);
    if (request && server >= 0 && not_asked_for(core, lines, &part)) {
        uint32_t at_once = core->server[server].at_once;
        if (part.to - part.from > at_once) part.to = part.from + at_once;
        send(core, request, (uint32_t)server, &part, false, now_ns, act);
        return true;
    }
    return probe(core, now_ns, act);
}

/* ---- When nobody can be asked any more ------------------------------------------------------ */

/* waits_for_first is true while a request for the first missing message is on its way. */
static bool waits_for_first(const struct rw_recovery *core) {
    for (uint32_t i = 0; i < RW_RECOVERY_REQUESTS_MAX; i++)
        if (core->request[i].used && has_first(core, &core->request[i].range)) return true;
    return false;
}

/* is_hopeless is true when the first gap will not be filled by requests. Broken books are not made
 * whole by it, so nobody is waited for then. */
static bool is_hopeless(struct rw_recovery *core, uint64_t now_ns) {
    struct rw_recovery_counters *counters = core->stats.recovery;
    if (core->cfg.servers == 0) return true;
    if (missing_messages(core) > core->cfg.request_max) {
        count(&counters->gaps_too_large);
        return true;
    }
    if (waits_for_first(core)) return false;
    if (core->broken && best_server(core, now_ns) < 0) return true;
    if (core->attempts < (core->broken ? BROKEN_ATTEMPTS : core->cfg.attempts)) return false;
    count(&counters->attempts_used_up);
    return true;
}

static bool begin_snapshot(struct rw_recovery *core, uint64_t now_ns, struct rw_recovery_act *act) {
    give_back_all(core);
    core->phase = SNAPSHOT;
    core->between = false;
    core->snapshot_ns = now_ns + core->cfg.snapshot_timeout_ns;
    *act = (struct rw_recovery_act){.kind = RW_RECOVERY_SNAPSHOT, .snapshot = ++core->snapshot};
    count(&core->stats.recovery->snapshots);
    return true;
}

static bool give_up(struct rw_recovery *core, uint64_t now_ns, struct rw_recovery_act *act) {
    if (now_ns >= core->snapshot_ns) core->snapshot_ns = now_ns + core->cfg.snapshot_retry_ns;
    give_back_all(core);
    core->broken = true;
    core->phase = IDLE;
    *act = (struct rw_recovery_act){.kind = RW_RECOVERY_GIVE_UP};
    count(&core->stats.recovery->given_up);
    return true;
}

/* end_of_tries: no snapshot can be had for now. */
static bool end_of_tries(struct rw_recovery *core, uint64_t now_ns, struct rw_recovery_act *act) {
    core->snapshot_tries = 0;
    core->phase = IDLE;
    core->snapshot_ns = now_ns + core->cfg.snapshot_retry_ns;
    *act = (struct rw_recovery_act){.kind = RW_RECOVERY_RELEASE};
    return true;
}

static bool next_of_snapshot(struct rw_recovery *core, uint64_t now_ns,
                             struct rw_recovery_act *act) {
    if (now_ns < core->snapshot_ns) return false;
    if (!core->between) {
        rw_recovery_failed(core, core->snapshot, false, now_ns);
        core->abandon = true;
        return false;
    }
    if (core->snapshot_tries >= core->cfg.snapshot_attempts) return end_of_tries(core, now_ns, act);
    return begin_snapshot(core, now_ns, act);
}

static bool next_of_request(struct rw_recovery *core, const struct rw_line_core *lines,
                            uint64_t now_ns, struct rw_recovery_act *act) {
    expire_all(core, now_ns);
    if (!core->looked || now_ns >= core->look_ns || !rw_line_is_due(lines))
        look(core, lines, now_ns);
    if (core->phase != REQUEST) return false;
    if (!is_hopeless(core, now_ns))
        return rw_recovery_takes_answers(core, now_ns) && ask(core, lines, now_ns, act);
    return core->cfg.snapshot && now_ns >= core->snapshot_ns ? begin_snapshot(core, now_ns, act)
                                                             : give_up(core, now_ns, act);
}

static bool next_abandon(struct rw_recovery *core, struct rw_recovery_act *act) {
    core->abandon = false;
    *act = (struct rw_recovery_act){.kind = RW_RECOVERY_ABANDON, .snapshot = core->snapshot};
    return true;
}

static void note_start(struct rw_recovery *core, const struct rw_line_core *lines,
                       uint64_t now_ns) {
    if (rw_line_state(lines) == RW_CHANNEL_SYNC && rw_line_expected(lines) == 1) return;
    core->started = true;
    core->quiet_ns = now_ns + core->cfg.quiet_ns;
}

bool rw_recovery_next(struct rw_recovery *core, const struct rw_line_core *lines, uint64_t now_ns,
                      struct rw_recovery_act *act) {
    act->kind = RW_RECOVERY_NOTHING;
    if (__builtin_expect(!core->started, 0)) note_start(core, lines, now_ns);
    if (core->abandon) return next_abandon(core, act);
    if (core->phase == SNAPSHOT) {
        bool acts = next_of_snapshot(core, now_ns, act);
        return core->abandon ? next_abandon(core, act) : acts;
    }
    if (core->phase == IDLE && !core->broken && !rw_line_is_due(lines)) return false;
    if (rw_line_state(lines) == RW_CHANNEL_ENDED) return false;
    if (core->phase == REQUEST || rw_line_is_due(lines))
        return next_of_request(core, lines, now_ns, act);
    if (!core->cfg.snapshot || now_ns < core->snapshot_ns) return false;
    return begin_snapshot(core, now_ns, act); /* idle and broken */
}

/* ---- Snapshots and restarts ----------------------------------------------------------------- */

static bool is_current(const struct rw_recovery *core, uint64_t snapshot) {
    return core->phase == SNAPSHOT && !core->between && snapshot == core->snapshot;
}

bool rw_recovery_loading(struct rw_recovery *core, uint64_t snapshot, uint64_t now_ns) {
    if (!is_current(core, snapshot)) return false;
    core->broken = true;
    core->snapshot_ns = now_ns + core->cfg.snapshot_timeout_ns;
    return true;
}

/* After the last try the next step comes at once; before, the server is given some time. */
bool rw_recovery_failed(struct rw_recovery *core, uint64_t snapshot, bool too_old,
                        uint64_t now_ns) {
    struct rw_recovery_counters *counters = core->stats.recovery;
    if (!is_current(core, snapshot)) return false;
    count(too_old ? &counters->snapshots_too_old : &counters->snapshots_failed);
    bool last = ++core->snapshot_tries >= core->cfg.snapshot_attempts;
    core->between = true;
    core->snapshot_ns = last ? now_ns : now_ns + core->cfg.snapshot_timeout_ns / 4;
    return true;
}

bool rw_recovery_joined(struct rw_recovery *core, uint64_t snapshot) {
    if (!is_current(core, snapshot)) return false;
    count(&core->stats.recovery->snapshot_joins);
    core->snapshot_tries = 0;
    core->snapshot_ns = 0;
    core->broken = false;
    core->phase = IDLE;
    return true;
}

void rw_recovery_mended(struct rw_recovery *core) {
    core->broken = false;
    core->snapshot_ns = 0;
}

void rw_recovery_restart(struct rw_recovery *core, bool new_session, uint64_t now_ns) {
    core->quiet_ns = new_session ? 0 : now_ns + core->cfg.quiet_ns;
    core->started = true;
    core->abandon = core->phase == SNAPSHOT && !core->between;
    give_back_all(core);
    core->phase = IDLE;
    core->broken = false;
    core->first = core->snapshot_ns = 0;
    core->attempts = core->snapshot_tries = 0;
}

bool rw_recovery_is_broken(const struct rw_recovery *core) { return core->broken; }
