/* The judge knows nothing of epochs and rules but this: what left one site must never differ from
 * what left any site at any time, nothing that left may be missing from the log of a site that
 * leads, nobody leads an epoch that somebody else led, the durable epoch never falls, and after
 * the storm both sites hold and release the same. */
#include <string.h>

#include "tests/sim/sim.h"

static bool same_item(const struct sim_item *a, const struct sim_item *b) {
    return a->nonce == b->nonce && rw_hash_equal(a->chain, b->chain);
}

void sim_judge_release(struct sim *sim, const struct sim_site *site, uint64_t from, uint64_t upto) {
    if (from != site->released + 1 || upto < from) sim_fail(sim, "released out of order");
    for (uint64_t n = from; n <= upto; n++) {
        if (n > site->applied)
            sim_fail(sim, "site %d released %lu before it was computed", site->index, n);
        if (n > sim->gold_last) {
            sim->gold[n] = site->log[n];
            sim->gold_result[n] = site->results[n];
            sim->gold_last = n;
            sim->releases++;
        } else if (!same_item(&sim->gold[n], &site->log[n]) ||
                   !rw_hash_equal(sim->gold_result[n], site->results[n])) {
            if (!sim->weather.reckless)
                sim_fail(sim, "site %d released another content of %lu", site->index, n);
            sim->conflict = true;
        }
    }
    if (upto > sim->gold_upto[site->index]) sim->gold_upto[site->index] = upto;
}

void sim_judge_seat(struct sim *sim, const struct sim_site *site, uint64_t epoch) {
    uint64_t *life = &sim->seated_life[site->index][rw_epoch_number(epoch) & 255];
    if (rw_epoch_site(epoch) != site->index)
        sim_fail(sim, "site %d leads a foreign epoch", site->index);
    if (*life != 0 && *life != site->life)
        sim_fail(sim, "epoch %lu of site %d is led a second time", rw_epoch_number(epoch),
                 site->index);
    *life = site->life;
    sim->heads++;
    /* One that comes late, after a newer leader, can release nothing: it is fenced. */
    if (sim->weather.reckless || epoch < sim->newest_epoch) return;
    sim->newest_epoch = epoch;
    for (uint64_t n = 1; n <= sim->gold_last; n++)
        if (n > site->last || !same_item(&sim->gold[n], &site->log[n]))
            sim_fail(sim, "site %d leads without the released entry %lu of %lu", site->index, n,
                     sim->gold_last);
}

void sim_judge_super(struct sim *sim, const struct sim_site *site,
                     const struct rw_pair_super *super) {
    if (super->epoch < site->super_disk.epoch)
        sim_fail(sim, "the durable epoch of site %d fell", site->index);
    if (super->identity.incarnation < site->super_disk.identity.incarnation)
        sim_fail(sim, "the incarnation of site %d fell", site->index);
}

static void must_agree(struct sim *sim, const struct sim_site *a, const struct sim_site *b) {
    struct rw_pair_view x, y;
    rw_pair_view(a->pair, sim->now_ns, &x);
    rw_pair_view(b->pair, sim->now_ns, &y);
    if (x.role != RW_ROLE_LEAD || y.role != RW_ROLE_FOLLOW || x.mode != RW_MODE_DUAL || !y.matched)
        sim_fail(sim,
                 "no convergence: roles %d/%d modes %d/%d epochs %lu/%lu claiming %d/%d "
                 "members %d(%lu)/%d(%lu) last %lu/%lu alive %d/%d matched %d/%d stopped %d/%d",
                 x.role, y.role, x.mode, y.mode, x.epoch, y.epoch, x.claiming, y.claiming, x.member,
                 x.member_epoch, y.member, y.member_epoch, x.last, y.last, x.peer_alive,
                 y.peer_alive, x.peer_matched, y.matched, x.stopped, y.stopped);
    if (a->last != b->last || x.released != a->last || y.released != b->last)
        sim_fail(sim,
                 "not all is released: last %lu/%lu released %lu/%lu durable %lu/%lu applied "
                 "%lu/%lu verified %lu sent %lu equal %lu credit %lu flight %lu",
                 a->last, b->last, x.released, y.released, x.durable, y.durable, x.applied,
                 y.applied, y.verified, x.sent, x.peer_equal, x.credit_bytes, x.inflight_bytes);
    for (uint64_t n = 1; n <= a->last; n++)
        if (!same_item(&a->log[n], &b->log[n])) sim_fail(sim, "the logs differ at %lu", n);
    if (sim->gold_last > a->last) sim_fail(sim, "released entries are lost");
}

void sim_judge_end(struct sim *sim) {
    struct sim_site *a = &sim->site[0], *b = &sim->site[1];
    bool wrong = a->wrong_at || b->wrong_at;
    if (sim->conflict) {
        /* They have met since: that must have stopped them, whatever was done afterwards. */
        if (!sim->histories_halts) sim_fail(sim, "two histories were released and nobody halted");
        return;
    }
    if (a->halted || b->halted) {
        bool diverged = a->halted == RW_PAIR_DIVERGED || b->halted == RW_PAIR_DIVERGED;
        if (wrong && diverged) return;
        if (sim->weather.reckless) return;
        sim_fail(sim, "halted without need: %s / %s", rw_pair_reason_text(a->halted),
                 rw_pair_reason_text(b->halted));
    }
    struct rw_pair_view view;
    rw_pair_view(a->pair, sim->now_ns, &view);
    if (view.role == RW_ROLE_LEAD)
        must_agree(sim, a, b);
    else
        must_agree(sim, b, a);
}
