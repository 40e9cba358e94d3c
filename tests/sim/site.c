/* A site: carries out the core's actions on a simulated disk and a simulated computation. */
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/record/entry.h"
#include "tests/sim/sim.h"

uint32_t sim_entry_bytes(const struct sim_item *item, uint64_t sequence, uint8_t out[192]) {
    memset(out, 0, 192);
    rw_store_le64(out, sequence);
    out[offsetof(struct rw_entry, slots)] = (uint8_t)(item->bytes / RW_SLOT_BYTES);
    rw_store_le64(out + offsetof(struct rw_entry, body), item->nonce);
    return item->bytes;
}

static struct rw_pair_cfg cfg_of(struct sim *sim, const struct sim_site *site) {
    struct rw_pair_cfg cfg = {.site = site->index,
                              .policy = sim->weather.policy,
                              .named_leader = site->index == 0,
                              .window = 2048,
                              .anchors = SIM_LOG_MAX / RW_REPL_ANCHOR_EVERY,
                              .dead_ns = 40 * SIM_MS,
                              .hello_ns = 8 * SIM_MS,
                              .heartbeat_ns = 2 * SIM_MS,
                              .retransmit_ns = sim->weather.stream ? 0 : 12 * SIM_MS,
                              .commit_sync_ns = 60 * SIM_MS,
                              .join_lag = 64,
                              .fresh_lineage = {.low = 7 + site->index, .high = sim->seed}};
    cfg.fresh_store = (sim->seed << 8 | site->life << 1 | site->index) + 1;
    return cfg;
}

static void act(struct sim *sim, struct sim_site *site, const struct rw_pair_event *event,
                const struct rw_pair_actions *actions);

void sim_site_step(struct sim *sim, struct sim_site *site, struct rw_pair_event event) {
    /* One at a time, and read out before the next: the core writes into the caller's actions. */
    struct rw_pair_actions actions;
    event.now_ns = sim->now_ns;
    event.room_bytes = sim->weather.credit_bytes;
    rw_pair_step(site->pair, &event, &actions);
    act(sim, site, &event, &actions);
}

void sim_site_start(struct sim *sim, struct sim_site *site) {
    site->life++;
    site->running = true;
    site->restarting = false;
    site->halted = RW_PAIR_NONE;
    site->paused_until_ns = 0;
    site->op_head = site->op_tail = 0;
    site->super_writing = site->super_waits = site->computing = site->preparing = false;
    memset(&site->counters, 0, sizeof site->counters);
    struct rw_pair_cfg cfg = cfg_of(sim, site);
    if (!site->pair) site->pair = aligned_alloc(64, rw_pair_footprint(&cfg));
    rw_pair_new(site->pair, &cfg, &site->super_disk, &site->counters);
    memcpy(site->log, site->disk, (site->disk_last + 1) * sizeof site->disk[0]);
    site->last = site->persist_upto = site->journaled = site->disk_last;
    site->apply_upto = site->applied = site->released = 0;
    for (uint64_t n = 1; n <= site->last; n++)
        RW_ASSERT(rw_pair_index(site->pair, n, site->log[n].chain, site->log[n].bytes));
    sim_trace(sim, "site %d starts with %lu entries", site->index, site->last);
    struct rw_pair_actions actions;
    rw_pair_start(site->pair, false, &actions);
    act(sim, site, &(struct rw_pair_event){0}, &actions);
    sim_post(sim, 1, SIM_TICK, site->index, site->life, NULL);
}

void sim_site_crash(struct sim *sim, struct sim_site *site, bool wipe) {
    if (!site->running) return;
    /* What is being written may be there in part, or not at all. */
    if (site->op_tail != site->op_head) {
        const struct sim_disk_op *op = &site->op[site->op_tail % SIM_DISK_OPS];
        uint64_t upto =
            op->first <= op->upto ? op->first - 1 + sim_below(sim, op->upto - op->first + 2) : 0;
        for (uint64_t n = op->first; n <= upto; n++) {
            site->disk[n] = site->flight[n];
            site->disk_last = n;
        }
    }
    if (site->super_writing && sim_chance(sim, 50)) {
        sim_judge_super(sim, site, &site->super_flight);
        site->super_disk = site->super_flight;
    }
    if (wipe) {
        memset(&site->super_disk, 0, sizeof site->super_disk);
        site->disk_last = 0;
    }
    site->running = false;
    site->life++;
    sim->crashes++;
    sim_trace(sim, "site %d crashes%s with %lu on disk", site->index,
              wipe ? ", disk replaced," : "", site->disk_last);
}

static void start_disk_op(struct sim *sim, struct sim_site *site) {
    if (site->op_tail != site->op_head)
        sim_post(sim, 1 + sim_below(sim, sim->weather.disk_max_ns), SIM_DISK, site->index,
                 site->life, NULL);
}

static void queue_op(struct sim *sim, struct sim_site *site, uint64_t first, uint64_t upto) {
    bool idle = site->op_tail == site->op_head;
    RW_ASSERT(site->op_head - site->op_tail < SIM_DISK_OPS);
    site->op[site->op_head++ % SIM_DISK_OPS] =
        (struct sim_disk_op){.first = first, .upto = upto, .report = upto};
    for (uint64_t n = first; n <= upto; n++) site->flight[n] = site->log[n];
    if (idle) start_disk_op(sim, site);
}

/* One write takes all that waits: group commit. */
static void write_journal(struct sim *sim, struct sim_site *site) {
    if (site->op_head - site->op_tail > 1 || site->journaled >= site->persist_upto) return;
    queue_op(sim, site, site->journaled + 1, site->persist_upto);
    site->journaled = site->persist_upto;
}

static void on_disk(struct sim *sim, struct sim_site *site) {
    struct sim_disk_op op = site->op[site->op_tail++ % SIM_DISK_OPS];
    if (op.first > op.upto) {
        site->disk_last = op.upto < site->disk_last ? op.upto : site->disk_last;
    } else {
        for (uint64_t n = op.first; n <= op.upto; n++) site->disk[n] = site->flight[n];
        site->disk_last = op.upto;
    }
    start_disk_op(sim, site);
    if (op.first <= op.upto && op.first <= op.report)
        sim_site_step(sim, site,
                      (struct rw_pair_event){.kind = RW_PAIR_PERSISTED, .upto = op.report});
    write_journal(sim, site);
}

static void write_super(struct sim *sim, struct sim_site *site) {
    site->super_writing = true;
    site->super_flight = site->super_next;
    site->super_waits = false;
    sim_post(sim, 1 + sim_below(sim, sim->weather.disk_max_ns), SIM_SUPER, site->index, site->life,
             NULL);
}

static void on_super(struct sim *sim, struct sim_site *site) {
    sim_judge_super(sim, site, &site->super_flight);
    site->super_disk = site->super_flight;
    site->super_writing = false;
    uint64_t version = site->super_flight.version;
    sim_trace(sim, "site %d disk: promise %lu.%d member %d of %lu.%d commit %lu alone %lu",
              site->index, rw_epoch_number(site->super_disk.epoch),
              rw_epoch_site(site->super_disk.epoch), site->super_disk.member,
              rw_epoch_number(site->super_disk.member_epoch),
              rw_epoch_site(site->super_disk.member_epoch), site->super_disk.commit,
              site->super_disk.alone_upto);
    if (site->super_waits) write_super(sim, site);
    sim_site_step(sim, site,
                  (struct rw_pair_event){.kind = RW_PAIR_SUPER_SYNCED, .version = version});
}

static void compute_later(struct sim *sim, struct sim_site *site) {
    if (site->computing || site->applied >= site->apply_upto) return;
    site->computing = true;
    sim_post(sim, 1 + sim_below(sim, sim->weather.compute_max_ns), SIM_COMPUTE, site->index,
             site->life, NULL);
}

static void on_compute(struct sim *sim, struct sim_site *site) {
    site->computing = false;
    uint64_t upto = site->applied + 1 + sim_below(sim, site->apply_upto - site->applied);
    for (uint64_t n = site->applied + 1; n <= upto; n++) {
        uint64_t value = site->log[n].nonce + (n == site->wrong_at);
        site->results[n] = rw_hash_chain(site->results[n - 1], &value, sizeof value);
        rw_pair_result(site->pair, n, site->results[n]);
    }
    site->applied = upto;
    struct rw_pair_event event = {.kind = RW_PAIR_APPLIED};
    event.result = (struct rw_point){.sequence = upto, .hash = site->results[upto]};
    sim_site_step(sim, site, event);
    compute_later(sim, site);
}

static void store(struct sim_site *site, const struct rw_pair_action *action,
                  const uint8_t *payload) {
    const uint8_t *at = payload + action->offset;
    for (uint64_t n = action->first; n <= action->upto; n++) {
        struct sim_item *item = &site->log[n];
        item->bytes = at[offsetof(struct rw_entry, slots)] * RW_SLOT_BYTES;
        item->nonce = rw_load_le64(at + offsetof(struct rw_entry, body));
        item->chain = rw_hash_chain(site->log[n - 1].chain, at, item->bytes);
        at += item->bytes;
    }
    site->last = action->upto;
}

static void truncate_log(struct sim *sim, struct sim_site *site, uint64_t to) {
    sim_trace(sim, "site %d cuts its log from %lu to %lu", site->index, site->last, to);
    site->last = to;
    if (site->persist_upto > to) site->persist_upto = to;
    if (site->journaled <= to) return;
    site->journaled = to;
    for (uint32_t i = site->op_tail; i != site->op_head; i++) {
        struct sim_disk_op *op = &site->op[i % SIM_DISK_OPS];
        if (op->report > to) op->report = to;
    }
    queue_op(sim, site, to + 1, to);
}

static void perform(struct sim *sim, struct sim_site *site, const struct rw_pair_event *event,
                    const struct rw_pair_action *action) {
    switch (action->kind) {
    case RW_PAIR_SEND:
        sim_network_send(sim, site->index, &action->message);
        break;
    case RW_PAIR_SYNC_SUPER:
        site->super_next = action->super;
        site->super_waits = true;
        if (!site->super_writing) write_super(sim, site);
        break;
    case RW_PAIR_STORE:
        store(site, action, event->message->append.payload);
        break;
    case RW_PAIR_PERSIST:
        site->persist_upto = action->upto;
        write_journal(sim, site);
        break;
    case RW_PAIR_TRUNCATE:
        truncate_log(sim, site, action->upto);
        break;
    case RW_PAIR_APPLY:
        site->apply_upto = action->upto;
        compute_later(sim, site);
        break;
    case RW_PAIR_RELEASE:
        sim_judge_release(sim, site, site->released + 1, action->upto);
        site->released = action->upto;
        sim_trace(sim, "site %d releases up to %lu", site->index, action->upto);
        break;
    case RW_PAIR_ROLE:
        sim_trace(sim, "site %d role %d mode %d epoch %lu.%d last %lu", site->index, action->role,
                  action->mode, rw_epoch_number(action->epoch), rw_epoch_site(action->epoch),
                  site->last);
        if (action->role == RW_ROLE_LEAD) sim_judge_seat(sim, site, action->epoch);
        break;
    case RW_PAIR_RESTART:
        site->restarting = true;
        break;
    case RW_PAIR_HALT:
        site->halted = action->reason;
        sim->histories_halts += action->reason == RW_PAIR_HISTORIES;
        break;
    case RW_PAIR_REFUSE:
        site->refusals++;
        break;
    }
}

static void act(struct sim *sim, struct sim_site *site, const struct rw_pair_event *event,
                const struct rw_pair_actions *actions) {
    for (uint32_t i = 0; i < actions->count; i++) perform(sim, site, event, &actions->item[i]);
}

/* The sending half of the stage: takes entries from the log now, or "from disk" a little later. */
static void send_entries(struct sim *sim, struct sim_site *site, bool from_disk) {
    uint64_t first, upto, bytes_max;
    static uint8_t payload[8192];
    for (int frames = 0; frames < 4; frames++) {
        if (!rw_pair_may_send(site->pair, &first, &upto, &bytes_max)) return;
        if (site->preparing && !from_disk) return;
        if (!from_disk && sim_chance(sim, 10)) {
            site->preparing = true;
            site->prepared_turn = rw_pair_send_turn(site->pair);
            sim_post(sim, 1 + sim_below(sim, sim->weather.disk_max_ns), SIM_SEND, site->index,
                     site->life, NULL);
            return;
        }
        uint32_t bytes = 0, count = 0, count_max = 1 + (uint32_t)sim_below(sim, 32);
        while (count < count_max && first + count <= upto) {
            const struct sim_item *item = &site->log[first + count];
            if (bytes + item->bytes > bytes_max || bytes + item->bytes > sizeof payload - 192)
                break;
            bytes += sim_entry_bytes(item, first + count, payload + bytes);
            count++;
        }
        struct rw_message message;
        rw_pair_append(site->pair, first, count, site->log[first - 1].chain, payload, bytes,
                       sim->now_ns, &message);
        sim_network_send(sim, site->index, &message);
        sim_site_step(sim, site,
                      (struct rw_pair_event){
                          .kind = RW_PAIR_SENT, .upto = first + count - 1, .bytes = bytes});
        from_disk = false;
    }
}

static void make_inputs(struct sim *sim, struct sim_site *site) {
    struct rw_pair_view view;
    rw_pair_view(site->pair, sim->now_ns, &view);
    uint64_t count = sim_below(sim, sim->weather.inputs_per_tick + 1);
    if (view.role != RW_ROLE_LEAD || view.stopped || count == 0) return;
    if (sim->now_ns + 400 * SIM_MS > sim->weather.end_ns) return;
    if (site->last + count > SIM_LOG_MAX - 1024) return;
    for (uint64_t i = 0; i < count; i++) {
        struct sim_item *item = &site->log[++site->last];
        uint8_t bytes[192];
        item->nonce = ++sim->next_nonce;
        item->bytes = 64 * (1 + (uint32_t)sim_below(sim, 3));
        sim_entry_bytes(item, site->last, bytes);
        item->chain = rw_hash_chain(site->log[site->last - 1].chain, bytes, item->bytes);
        RW_ASSERT(rw_pair_index(site->pair, site->last, item->chain, item->bytes));
    }
    site->apply_upto = site->last;
    sim_site_step(sim, site, (struct rw_pair_event){.kind = RW_PAIR_INPUT, .upto = site->last});
    compute_later(sim, site);
}

static void on_tick(struct sim *sim, struct sim_site *site) {
    sim_post(sim, SIM_MS / 4 + sim_below(sim, sim->weather.tick_max_ns), SIM_TICK, site->index,
             site->life, NULL);
    if (site->restarting) {
        bool busy = site->op_tail != site->op_head || site->super_writing;
        if (busy) return;
        site->running = false;
        site->life++;
        if (sim->connected && sim->weather.stream) sim_network_break(sim);
        sim_post(sim, SIM_MS, SIM_START, site->index, site->life, NULL);
        return;
    }
    make_inputs(sim, site);
    send_entries(sim, site, false);
    sim_site_step(sim, site, (struct rw_pair_event){.kind = RW_PAIR_TICK});
}

void sim_site_event(struct sim *sim, struct sim_site *site, const struct sim_event *event) {
    switch (event->kind) {
    case SIM_TICK:
        on_tick(sim, site);
        break;
    case SIM_DISK:
        on_disk(sim, site);
        break;
    case SIM_SUPER:
        on_super(sim, site);
        break;
    case SIM_COMPUTE:
        on_compute(sim, site);
        break;
    case SIM_SEND:
        site->preparing = false;
        if (site->prepared_turn == rw_pair_send_turn(site->pair)) send_entries(sim, site, true);
        break;
    case SIM_PEER_UP:
        sim_site_step(sim, site, (struct rw_pair_event){.kind = RW_PAIR_PEER_UP});
        break;
    case SIM_PEER_DOWN:
        sim_site_step(sim, site, (struct rw_pair_event){.kind = RW_PAIR_PEER_DOWN});
        break;
    case SIM_MESSAGE: {
        struct sim_packet *packet = event->packet;
        sim_site_step(sim, site,
                      (struct rw_pair_event){.kind = RW_PAIR_MSG, .message = &packet->message});
        break;
    }
    default:
        break;
    }
}
