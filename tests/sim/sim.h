/* A seeded world for the pair protocol: two sites, their disks, a bad network, an operator, and a
 * judge.
 *
 *            ┌──────── operator: promote ────────┐
 *   inputs ─► site 0: rw_pair + disk + compute ◄═ network ═► site 1: rw_pair + disk + compute
 *                     │ released                                     │ released
 *                     └───────────────► judge ◄──────────────────────┘
 *
 * Nothing here knows the rules of the protocol: sites carry out actions and deliver events late,
 * in bursts, again, or not at all; the judge sees only what left a site and what stands on the
 * disks. Time is simulated; one seed, one run, whatever the host. A failed check ends the run with
 * a sentence. */
#pragma once

#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/rng.h"
#include "replication/pair_core.h"

#define SIM_LOG_MAX    6144u
#define SIM_EVENTS_MAX 16384u
#define SIM_DISK_OPS   64u
#define SIM_MS         1000000ull

/* What an entry holds, as far as the world is concerned; its bytes follow from it. */
struct sim_item {
    uint64_t nonce;
    struct rw_hash chain;
    uint32_t bytes;
};

struct sim_disk_op {
    uint64_t first, upto; /* first > upto: a cut to `upto` */
    uint64_t report;      /* up to where it may be called persisted: a cut meanwhile lowers it */
};

struct sim_site {
    uint8_t index;
    /* survives the process */
    struct rw_pair_super super_disk;
    struct sim_item disk[SIM_LOG_MAX + 1];
    uint64_t disk_last;
    /* the process; life tells its events from those of an earlier one */
    bool running, restarting;
    uint64_t life, paused_until_ns;
    struct rw_pair *pair;
    struct rw_pair_counters counters;
    struct sim_item log[SIM_LOG_MAX + 1];
    struct rw_hash results[SIM_LOG_MAX + 1];
    uint64_t last, persist_upto, journaled, apply_upto, applied, released;
    struct sim_item flight[SIM_LOG_MAX + 1]; /* content of the write under way */
    struct sim_disk_op op[SIM_DISK_OPS];
    uint32_t op_head, op_tail;
    bool super_writing, super_waits;
    struct rw_pair_super super_flight, super_next;
    bool computing, preparing;
    uint64_t prepared_turn, prepared_first, prepared_upto;
    uint64_t wrong_at; /* this site computes input `wrong_at` wrongly; 0 = never */
    enum rw_pair_reason halted;
    uint64_t refusals;
};

enum sim_event_kind {
    SIM_TICK = 1,
    SIM_MESSAGE,
    SIM_PUMP,
    SIM_DISK,
    SIM_SUPER,
    SIM_COMPUTE,
    SIM_SEND,
    SIM_PEER_UP,
    SIM_PEER_DOWN,
    SIM_START,
    SIM_FAULT,
    SIM_OPERATOR,
};

struct sim_event {
    uint64_t at_ns, order; /* order breaks ties: first made, first taken */
    enum sim_event_kind kind;
    uint8_t site;
    uint64_t life; /* of the site or of the connection; 0 = any */
    void *packet;  /* MESSAGE */
};

struct sim_packet {
    struct rw_message message;
    struct sim_packet *next, *next_made;
    uint64_t due_ns, connection;
    uint8_t payload[8192];
};

/* How bad this seed's world is. */
struct sim_weather {
    enum rw_pair_policy policy;
    bool stream;   /* connections: ordered, nothing lost until they break. Else datagrams */
    bool reckless; /* the operator may promote both sides */
    uint32_t loss_percent, duplicate_percent;
    uint64_t delay_max_ns, disk_max_ns, compute_max_ns, tick_max_ns;
    uint32_t inputs_per_tick, credit_bytes;
    uint64_t bad_until_ns, end_ns;
};

struct sim {
    uint64_t seed;
    struct rw_rng rng;
    struct sim_weather weather;
    uint64_t now_ns, order, connection;
    struct sim_event heap[SIM_EVENTS_MAX];
    uint32_t heap_count;
    struct sim_site site[2];
    bool cut_off[2]; /* what site i sends does not arrive */
    bool connected, healed;
    struct sim_packet *queue_head[2], *queue_tail[2]; /* stream: from site i */
    struct sim_packet *free_packets, *packets_made;
    bool pumping[2];
    uint64_t next_nonce;
    /* the operator's memory */
    uint64_t granted_epoch;
    uint8_t granted_site;
    /* the judge */
    struct sim_item gold[SIM_LOG_MAX + 1];
    struct rw_hash gold_result[SIM_LOG_MAX + 1];
    uint64_t gold_last, gold_upto[2], newest_epoch;
    uint64_t seated_life[2][256]; /* by epoch number: who led it */
    bool conflict;                /* reckless: two histories have left the sites */
    uint64_t histories_halts;
    uint64_t releases, promotions, crashes, heads;
    char why[256];
    jmp_buf fail;
};

/* sim_run plays one seed. Returns true, or false with sim->why set. */
bool sim_run(struct sim *sim, uint64_t seed);
/* sim_end frees what the runs have allocated. */
void sim_end(struct sim *sim);

/* world.c */
void sim_post(struct sim *sim, uint64_t delay_ns, enum sim_event_kind kind, uint8_t site,
              uint64_t life, void *packet);
uint64_t sim_below(struct sim *sim, uint64_t limit);
bool sim_chance(struct sim *sim, uint32_t percent);
/* sim_trace prints a line about the run when --trace is on. */
void sim_trace(const struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
extern bool sim_tracing;
_Noreturn void sim_fail(struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* site.c: the stage of a site, in miniature */
void sim_site_start(struct sim *sim, struct sim_site *site);
void sim_site_crash(struct sim *sim, struct sim_site *site, bool wipe);
void sim_site_event(struct sim *sim, struct sim_site *site, const struct sim_event *event);
void sim_site_step(struct sim *sim, struct sim_site *site, struct rw_pair_event event);
uint32_t sim_entry_bytes(const struct sim_item *item, uint64_t sequence, uint8_t out[192]);

/* network.c */
void sim_network_send(struct sim *sim, uint8_t from, const struct rw_message *message);
void sim_network_pump(struct sim *sim, uint8_t from);
void sim_network_break(struct sim *sim);
void sim_network_connect(struct sim *sim);
void sim_network_free(struct sim *sim, struct sim_packet *packet);

/* faults.c */
void sim_fault(struct sim *sim);
void sim_operator(struct sim *sim);
void sim_heal(struct sim *sim);

/* judge.c */
void sim_judge_release(struct sim *sim, const struct sim_site *site, uint64_t from, uint64_t upto);
void sim_judge_seat(struct sim *sim, const struct sim_site *site, uint64_t epoch);
void sim_judge_super(struct sim *sim, const struct sim_site *site,
                     const struct rw_pair_super *super);
void sim_judge_end(struct sim *sim);
