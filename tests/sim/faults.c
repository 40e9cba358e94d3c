/* What goes wrong, and the person who decides. Under `mem` and for a replaced disk, a site is only
 * taken away while the other one holds everything: losing both at once is outside the promise. */
#include "tests/sim/sim.h"

static struct rw_pair_view view_of(struct sim *sim, const struct sim_site *site) {
    struct rw_pair_view view = {0};
    if (site->running) rw_pair_view(site->pair, sim->now_ns, &view);
    return view;
}

static bool covered_by_other(struct sim *sim, const struct sim_site *site) {
    const struct sim_site *other = &sim->site[1 - site->index];
    struct rw_pair_view mine = view_of(sim, site), theirs = view_of(sim, other);
    return other->running && !other->restarting && theirs.member &&
           theirs.member_epoch >= mine.member_epoch && theirs.member_epoch != 0 &&
           other->super_disk.member && other->super_disk.member_epoch >= mine.member_epoch &&
           !(site->super_writing);
}

static void crash(struct sim *sim, struct sim_site *site) {
    bool covered = covered_by_other(sim, site);
    if (sim->weather.policy == RW_PAIR_MEM && !covered) return;
    /* a reckless operator's conflict must not be cured by chance */
    sim_site_crash(sim, site, covered && !sim->weather.reckless && sim_chance(sim, 15));
    if (sim->weather.stream && sim->connected) sim_network_break(sim);
    sim_post(sim, sim_below(sim, 250 * SIM_MS), SIM_START, site->index, 0, NULL);
}

void sim_fault(struct sim *sim) {
    if (sim->healed) return;
    struct sim_site *site = &sim->site[sim_below(sim, 2)];
    switch (sim_below(sim, 8)) {
    case 0:
    case 1:
        crash(sim, site);
        break;
    case 2:
        /* both machines at once, as a power cut would */
        if (sim->weather.policy == RW_PAIR_DISK && sim_chance(sim, 40)) {
            crash(sim, &sim->site[0]);
            crash(sim, &sim->site[1]);
        }
        break;
    case 3:
        sim->cut_off[site->index] = true;
        break;
    case 4:
        sim->cut_off[0] = sim->cut_off[1] = true;
        break;
    case 5:
        sim->cut_off[0] = sim->cut_off[1] = false;
        if (!sim->connected) sim_network_connect(sim);
        break;
    case 6:
        if (site->running && site->paused_until_ns < sim->now_ns)
            site->paused_until_ns = sim->now_ns + sim_below(sim, 200 * SIM_MS);
        break;
    case 7:
        if (sim->weather.stream && sim->connected) sim_network_break(sim);
        break;
    }
    if (sim_chance(sim, 40)) sim->cut_off[0] = sim->cut_off[1] = false;
    if (!sim->connected) sim_network_connect(sim);
    sim_post(sim, (5 + sim_below(sim, 100)) * SIM_MS, SIM_FAULT, 0, 0, NULL);
}

/* The operator remembers which site was last allowed to go on alone. Until the other has been a
 * member of a later epoch, it may lack what was released since, and is not promoted. */
static bool may_promote(struct sim *sim, const struct sim_site *site) {
    struct rw_pair_view view = view_of(sim, site);
    if (sim->weather.reckless) return true;
    if (sim->granted_epoch == 0 || sim->granted_site == site->index) return true;
    return view.member_epoch > sim->granted_epoch;
}

static void promote(struct sim *sim, struct sim_site *site) {
    struct rw_pair_view before = view_of(sim, site);
    if (!site->running || site->restarting || site->paused_until_ns > sim->now_ns) return;
    if (before.stopped || !may_promote(sim, site)) return;
    uint64_t refusals = site->refusals;
    sim_site_step(sim, site,
                  (struct rw_pair_event){.kind = RW_PAIR_PROMOTE, .force = sim_chance(sim, 10)});
    struct rw_pair_view after = view_of(sim, site);
    if (site->refusals != refusals) return;
    sim->promotions++;
    sim_trace(sim, "operator promotes site %d", site->index);
    sim->granted_epoch = after.epoch;
    sim->granted_site = site->index;
}

void sim_operator(struct sim *sim) {
    sim_post(sim, (20 + sim_below(sim, 80)) * SIM_MS, SIM_OPERATOR, 0, 0, NULL);
    if (sim->healed) return;
    struct sim_site *site = &sim->site[sim_below(sim, 2)];
    struct rw_pair_view view = view_of(sim, site);
    if (!site->running || view.peer_alive) {
        if (!sim_chance(sim, 3)) return;
    }
    if (sim_chance(sim, 60)) promote(sim, site);
}

void sim_heal(struct sim *sim) {
    sim->healed = true;
    sim->cut_off[0] = sim->cut_off[1] = false;
    if (sim->weather.delay_max_ns > 2 * SIM_MS) sim->weather.delay_max_ns = 2 * SIM_MS;
    if (sim->weather.disk_max_ns > 2 * SIM_MS) sim->weather.disk_max_ns = 2 * SIM_MS;
    if (sim->weather.compute_max_ns > SIM_MS) sim->weather.compute_max_ns = SIM_MS;
    if (sim->weather.credit_bytes < 8192) sim->weather.credit_bytes = 8192;
    for (uint8_t i = 0; i < 2; i++)
        if (!sim->site[i].running) sim_post(sim, SIM_MS, SIM_START, i, 0, NULL);
    if (!sim->connected) sim_network_connect(sim);
}
