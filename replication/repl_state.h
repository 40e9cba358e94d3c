/* The inside of the replication stage, shared by its files and by nobody else.
 *
 *   repl_stage.c   contract: plan, init, poll, fini        repl_flow.c   entries in and out:
 *    links, journal, peer
 *   repl_act.c     what the protocol core orders */
#pragma once

#include "dataplane/io/file.h"
#include "dataplane/journal/reader.h"
#include "dataplane/journal/superblock.h"
#include "replication/log_memory.h"
#include "replication/repl_stage.h"
#include "replication/throttle_core.h"
#include "replication/transport.h"

/* Messages taken from the peer, and result hashes read, in one visit. */
#define RW_REPL_MESSAGES_A_VISIT 64u
#define RW_REPL_RESULTS_A_VISIT  512u
#define RW_REPL_PUSHES_A_VISIT   512u
/* Busy visits after which the journal is served all the same. */
#define RW_REPL_JOURNAL_VISITS 8u

/* A position in the journal: the record being taken apart. */
struct rw_repl_replay {
    struct rw_reader *reader;
    struct rw_journal_record record; /* count 0: none */
};

struct rw_repl {
    struct rw_repl_cfg cfg;
    struct rw_pair *pair;
    struct rw_log_memory *log;
    struct rw_transport *transport;
    struct rw_disk *disk;
    struct rw_journal *journal;
    struct rw_superblock *superblock;
    struct rw_repl_replay push, resend;
    uint64_t resend_turn;

    struct rw_ring *from_enrich, *from_cold;
    struct rw_ring *to_risk[RW_SHARDS_MAX], *to_enrich, *to_cold;
    struct rw_watermarks *watermarks;
    struct rw_repl_counters *counters;
    struct rw_repl_gauges *gauges;
    struct rw_hist *latency;

    struct rw_hash chain;  /* after entry `last` */
    uint64_t last;         /* end of the log */
    uint64_t journaled;    /* handed to the journal */
    uint64_t reported;     /* PERSISTED was said up to here */
    uint64_t persist_upto; /* ordered */
    uint64_t apply_upto;   /* may be pushed */
    uint64_t pushed;       /* handed to risk and enrich, or logged by our own sequencer */
    uint64_t applied;      /* APPLIED was said up to here */
    uint64_t released;     /* the commit watermark */
    uint64_t role_start;   /* leader: first entry it may log */
    enum rw_role role;
    bool cut_pending; /* the journal could not take the truncation yet */
    uint64_t cut_to;
    struct rw_hash cut_chain;                 /* after entry cut_to */
    uint64_t super_version, super_generation; /* being written; version 0 = none */
    bool super_dirty;
    uint8_t super[RW_SUPERBLOCK_PAYLOAD];
    bool restart, halted, io_error_said;
    uint32_t journal_visits; /* busy ones since the journal was last served */
    uint64_t store_id;       /* of the journal, kept in the superblock */
    uint64_t now_ns;
    struct rw_message message; /* being processed, or being sent */
    uint64_t stalled_since;    /* 0 = release is not waiting */
    struct rw_throttle throttle;

    struct rw_stream *closing;     /* to be told to the cold thread */
    struct rw_repl_notice outcome; /* kind 0 = none waits */
    struct rw_pair_actions actions;
    struct rw_pair_action refusal; /* of the step last taken; kind 0 = none */
    bool commanded; /* that step is an operator's: its outcome says what was refused */
    uint8_t payload[RW_TRANSPORT_PAYLOAD_MAX];
};

/* rw_repl_step gives the core one event (now and room are filled in) and carries out what it
 * orders. */
void rw_repl_step(struct rw_repl *repl, struct rw_pair_event event);
/* rw_repl_act carries out one action. */
void rw_repl_act(struct rw_repl *repl, const struct rw_pair_action *action);
/* The flows; each returns the work done. */
uint32_t rw_repl_take_input(struct rw_repl *repl, uint32_t budget);
uint32_t rw_repl_receive(struct rw_repl *repl);
uint32_t rw_repl_take_results(struct rw_repl *repl);
uint32_t rw_repl_write_journal(struct rw_repl *repl);
uint32_t rw_repl_push(struct rw_repl *repl);
uint32_t rw_repl_send(struct rw_repl *repl);
/* rw_repl_finish brings the log to disk and says so in the superblock, for a process that ends in
 * order. Waits, at most two seconds; on the stage's thread, after its last visit. */
void rw_repl_finish(struct rw_repl *repl);
/* rw_repl_drop_session ends the session with the peer, if there is one. */
void rw_repl_drop_session(struct rw_repl *repl);
/* rw_repl_refresh writes the gauges. */
void rw_repl_refresh(struct rw_repl *repl);
