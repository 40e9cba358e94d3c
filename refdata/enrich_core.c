#include "refdata/enrich_core.h"

#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/feed/directory.h"

#define SHADOW_OWN_DEPTH 32768u
#define SHADOW_LOG_DEPTH 16384u

enum phase {
    FOLLOWING, /* RECOVER, FOLLOW, or LEAD while the log copy is not complete */
    OPENING,   /* SESSION open or TAKEOVER is to be logged */
    LEADING,
    CLOSED,  /* SESSION close is in the log */
    DEPOSED, /* another role after leading: the process is about to be replaced */
};

struct channel {
    uint16_t number;
    bool own_ended;  /* the own feed has given its END */
    bool end_logged; /* the log has it */
    bool may_emit;   /* the shadow may have something to log */
    uint64_t last_sequence;
    uint64_t clock;    /* captures: all of the own feed before it was taken; else 0 */
    uint64_t ended_at; /* the clock at which the own feed ended */
    struct rw_shadow *shadow;
    uint32_t *instrument; /* [RW_FEED_LOCATES]: index in the image, 0 = not listed or not known */
    uint64_t *named;      /* bit per locate: its symbol was told */
};

struct source {
    uint64_t logged; /* last source sequence in the log */
    bool end_logged;
};

struct rw_enrich_core {
    struct rw_enrich_cfg cfg;
    struct rw_enrich_stats stats;
    enum phase phase;
    uint64_t epoch, start;
    uint64_t next_sequence;
    uint64_t event_time_ns; /* highest event time that is logged or was seen as leader */
    uint64_t clock_ns;      /* event time of the last CLOCK */
    uint64_t refresh_ns;    /* event time at which the last round of refreshes began */
    uint64_t refresh_round; /* its number */
    uint32_t refresh_next;  /* first portfolio that it has not named yet; 0: none is under way */
    bool refresh_worth;     /* something that results depend on was logged since it began */
    uint32_t ends_logged;   /* of intake sources */
    uint32_t turn;          /* channel that is looked at first among equals */
    struct channel channel[RW_ENRICH_CHANNELS_MAX];
    struct source source[RW_ENRICH_SOURCES_MAX + 1];
};

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static struct rw_shadow_cfg shadow_cfg(const struct rw_enrich_cfg *cfg, uint32_t i) {
    return (struct rw_shadow_cfg){
        .instruments = cfg->image->instruments.count,
        .own_depth = cfg->shadow_own_depth ? cfg->shadow_own_depth : SHADOW_OWN_DEPTH,
        .log_depth = cfg->shadow_log_depth ? cfg->shadow_log_depth : SHADOW_LOG_DEPTH,
        .channel = cfg->channel[i],
        .can_wait = cfg->file_ports};
}

size_t rw_enrich_footprint(const struct rw_enrich_cfg *cfg) {
    size_t bytes = rounded(sizeof(struct rw_enrich_core));
    for (uint32_t i = 0; i < cfg->channel_count; i++) {
        struct rw_shadow_cfg shadow = shadow_cfg(cfg, i);
        bytes +=
            rw_shadow_footprint(&shadow) + RW_FEED_LOCATES * sizeof(uint32_t) + RW_FEED_LOCATES / 8;
    }
    return bytes;
}

/* seed_locates takes over the locates that the image knows beforehand. Rows without a channel are
 * of the first one. */
static void seed_locates(const struct rw_image *image, struct channel *channel, bool first) {
    const struct rw_instrument_row *rows = rw_image_rows(image, &image->instruments);
    for (uint32_t i = 1; i < image->instruments.count; i++) {
        bool here = rows[i].channel == channel->number || (rows[i].channel == 0 && first);
        if (rows[i].locate == 0 || !here) continue;
        channel->instrument[rows[i].locate] = i;
        channel->named[rows[i].locate / 64] |= UINT64_C(1) << rows[i].locate % 64;
    }
}

struct rw_enrich_core *rw_enrich_new(void *memory, const struct rw_enrich_cfg *cfg,
                                     const struct rw_enrich_stats *stats) {
    RW_ASSERT(cfg->channel_count >= 1 && cfg->channel_count <= RW_ENRICH_CHANNELS_MAX);
    RW_ASSERT(cfg->intake_ends <= RW_ENRICH_SOURCES_MAX && ((uintptr_t)memory & 63) == 0);
    memset(memory, 0, rw_enrich_footprint(cfg));
    struct rw_enrich_core *core = memory;
    core->cfg = *cfg;
    core->stats = *stats;
    core->next_sequence = 1;
    if (core->cfg.clock_interval_ns == 0) core->cfg.clock_interval_ns = RW_ENRICH_CLOCK_NS;
    uint8_t *at = (uint8_t *)memory + rounded(sizeof *core);
    for (uint32_t i = 0; i < cfg->channel_count; i++) {
        struct channel *channel = &core->channel[i];
        struct rw_shadow_cfg shadow = shadow_cfg(cfg, i);
        channel->number = cfg->channel[i];
        channel->shadow = rw_shadow_new(at, &shadow, stats->shadow[i]);
        at += rw_shadow_footprint(&shadow);
        channel->instrument = (void *)at;
        at += RW_FEED_LOCATES * sizeof(uint32_t);
        channel->named = (void *)at;
        at += RW_FEED_LOCATES / 8;
        seed_locates(cfg->image, channel, i == 0);
    }
    return core;
}

static struct channel *channel_of(struct rw_enrich_core *core, uint16_t number) {
    for (uint32_t i = 0; i < core->cfg.channel_count; i++)
        if (core->channel[i].number == number) return &core->channel[i];
    return NULL;
}

static uint16_t tick_channel(const struct rw_entry *entry) {
    uint16_t channel;
    memcpy(&channel, entry->body + offsetof(struct rw_tick_body, channel), sizeof channel);
    return channel;
}

static struct rw_end_body end_body(const struct rw_entry *entry) {
    struct rw_end_body body;
    memcpy(&body, entry->body, sizeof body);
    return body;
}

/* The identity of what intake gives stands in its first slot. */
struct identity {
    uint16_t source;
    uint64_t sequence;
};

static struct identity identity_of(const struct rw_entry *fill) {
    struct identity identity;
    memcpy(&identity.sequence, fill->body + offsetof(struct rw_fill_body, source_sequence),
           sizeof identity.sequence);
    memcpy(&identity.source, fill->body + offsetof(struct rw_fill_body, source),
           sizeof identity.source);
    return identity;
}

/* ------------------------------------------------------------------------------ the log as it
 * stands */

static void note_end(struct rw_enrich_core *core, const struct rw_entry *entry) {
    struct rw_end_body body = end_body(entry);
    if (body.source_kind == RW_END_CHANNEL) {
        struct channel *channel = channel_of(core, body.source);
        RW_ASSERT(channel && !channel->end_logged);
        channel->end_logged = true;
        channel->last_sequence = body.last_sequence;
    } else {
        RW_ASSERT(body.source <= RW_ENRICH_SOURCES_MAX);
        RW_ASSERT(!core->source[body.source].end_logged);
        core->source[body.source].end_logged = true;
        core->ends_logged++;
    }
}

static void note_fill(struct rw_enrich_core *core, const struct rw_entry *head) {
    struct identity identity = identity_of(head);
    RW_ASSERT(identity.source <= RW_ENRICH_SOURCES_MAX);
    RW_ASSERT(identity.sequence > core->source[identity.source].logged);
    core->source[identity.source].logged = identity.sequence;
}

/* note_refresh keeps how far the rounds are. A round that a dead leader has left unfinished is not
 * finished by the next, which begins one of its own. */
static void note_refresh(struct rw_enrich_core *core, const struct rw_entry *head) {
    if (head->type == RW_ENTRY_TICK || rw_entry_from_intake(head->type)) core->refresh_worth = true;
    if (head->type != RW_ENTRY_REFRESH) return;
    struct rw_refresh_body body;
    memcpy(&body, head->body, sizeof body);
    core->refresh_round = body.round;
    core->refresh_ns = head->event_time_ns;
}

/* note_time keeps what a new leader must know to go on with event time. */
static void note_time(struct rw_enrich_core *core, const struct rw_entry *head) {
    bool of_market = head->type == RW_ENTRY_TICK || head->type == RW_ENTRY_CLOCK;
    if (of_market && head->event_time_ns > core->event_time_ns)
        core->event_time_ns = head->event_time_ns;
    if (head->type == RW_ENTRY_CLOCK) core->clock_ns = head->event_time_ns;
    note_refresh(core, head);
}

void rw_enrich_logged(struct rw_enrich_core *core, const struct rw_entry *head) {
    if (core->phase == DEPOSED) return;
    RW_ASSERT(core->phase == FOLLOWING || core->phase == CLOSED);
    RW_ASSERT(head->sequence == core->next_sequence);
    core->next_sequence++;
    rw_stat_add(&core->stats.enrich->log_copies, 1);
    note_time(core, head);
    if (head->type == RW_ENTRY_TICK) {
        struct channel *channel = channel_of(core, tick_channel(head));
        RW_ASSERT(channel);
        rw_shadow_logged(channel->shadow, head);
    } else if (rw_entry_from_intake(head->type)) {
        note_fill(core, head);
    } else if (head->type == RW_ENTRY_END) {
        note_end(core, head);
    } else if (head->type == RW_ENTRY_SESSION) {
        if (head->body[offsetof(struct rw_session_body, event)] == RW_SESSION_CLOSE)
            core->phase = CLOSED;
    }
}

/* -------------------------------------------------------------------------------------------- the
 * role */

static void begin_to_lead(struct rw_enrich_core *core) {
    RW_ASSERT(core->next_sequence <= core->start);
    if (core->next_sequence < core->start || core->phase != FOLLOWING) return;
    core->phase = OPENING;
    for (uint32_t i = 0; i < core->cfg.channel_count; i++) {
        struct channel *channel = &core->channel[i];
        if (channel->end_logged) continue;
        rw_shadow_lead(channel->shadow);
        channel->may_emit = true;
    }
}

void rw_enrich_role(struct rw_enrich_core *core, enum rw_role role, uint64_t epoch,
                    uint64_t start) {
    rw_stat_set(&core->stats.enrich->next_sequence, core->next_sequence);
    if (core->phase == OPENING || core->phase == LEADING) {
        core->epoch = epoch;
        if (role != RW_ROLE_LEAD) core->phase = DEPOSED;
        return;
    }
    core->epoch = epoch;
    core->start = start;
    if (role == RW_ROLE_LEAD && core->phase == FOLLOWING) begin_to_lead(core);
}

bool rw_enrich_leads(const struct rw_enrich_core *core) {
    return core->phase == OPENING || core->phase == LEADING;
}

uint64_t rw_enrich_next_sequence(const struct rw_enrich_core *core) { return core->next_sequence; }

uint64_t rw_enrich_live(const struct rw_enrich_core *core) {
    uint64_t live = 0;
    for (uint32_t i = 0; i < core->cfg.channel_count; i++)
        if (rw_shadow_is_live(core->channel[i].shadow)) live |= UINT64_C(1) << i;
    return live;
}

bool rw_enrich_hurry(const struct rw_enrich_core *core) {
    if (core->phase == CLOSED || core->phase == DEPOSED) return false;
    for (uint32_t i = 0; i < core->cfg.channel_count; i++) {
        const struct channel *channel = &core->channel[i];
        bool matters = !rw_shadow_is_live(channel->shadow) && !channel->end_logged;
        if (matters && rw_shadow_is_behind(channel->shadow)) return true;
    }
    return false;
}

/* ------------------------------------------------------------------------------------ what comes
 * next */

static bool all_channels_ended(const struct rw_enrich_core *core) {
    for (uint32_t i = 0; i < core->cfg.channel_count; i++)
        if (!core->channel[i].end_logged) return false;
    return true;
}

static bool all_ended(const struct rw_enrich_core *core) {
    return all_channels_ended(core) && core->ends_logged >= core->cfg.intake_ends;
}

/* end_is_due: nothing of the channel is left to log but its END. */
static bool end_is_due(const struct channel *channel) {
    return channel->own_ended && !channel->end_logged && !channel->may_emit;
}

/* intake_is_logged: the log has this message already, or nothing can come of it. */
static bool intake_is_logged(const struct rw_enrich_core *core, const struct rw_entry *intake) {
    if (rw_entry_from_intake(intake->type)) {
        struct identity identity = identity_of(intake);
        return identity.source > RW_ENRICH_SOURCES_MAX ||
               identity.sequence <= core->source[identity.source].logged;
    }
    uint16_t source = end_body(intake).source;
    return source > RW_ENRICH_SOURCES_MAX || core->source[source].end_logged;
}

/* intake_is_due: the log has reached the fill's event time, or the market will not come any
 * further. */
static bool intake_is_due(const struct rw_enrich_core *core, const struct rw_entry *intake) {
    return intake->type == RW_ENTRY_END || intake->event_time_ns <= core->event_time_ns ||
           all_channels_ended(core);
}

static bool shadow_has_room(const struct channel *channel) {
    return channel->end_logged || rw_shadow_is_live(channel->shadow) ||
           rw_shadow_room(channel->shadow);
}

/* is_over: nothing more of the channel is to be logged by this site now. */
static bool is_over(const struct rw_enrich_core *core, const struct channel *channel) {
    return channel->end_logged || (channel->own_ended && core->phase != LEADING);
}

/* place_of returns where in the order of the captures the next of a channel stands, or where it may
 * still come. Live channels stand at 0, and so does what a take-over has to say first. */
static uint64_t place_of(const struct channel *channel) {
    if (channel->clock > 0 && channel->may_emit) return rw_shadow_stamp(channel->shadow);
    return channel->own_ended ? channel->ended_at : channel->clock;
}

/* gives_nothing: the message at the front may be taken out of turn, because nothing of it is
 * logged. */
static bool gives_nothing(const struct rw_enrich_core *core, const struct channel *channel,
                          const struct rw_entry *front) {
    return front && (front->type == RW_FEED_CLOCK || core->phase == CLOSED ||
                     (is_over(core, channel) && shadow_has_room(channel)));
}

static bool has_own(const struct channel *channel) {
    return channel->may_emit || end_is_due(channel);
}

/* pick_channel finds the channel that comes next: the one least far, of equal ones the first that
 * has something. */
static enum rw_enrich_pick pick_channel(const struct rw_enrich_core *core,
                                        const struct rw_enrich_heads *heads, uint32_t *channel) {
    const struct channel *first = NULL;
    uint64_t place = UINT64_MAX;
    bool ready = false;
    for (uint32_t n = 0, i = core->turn; n < core->cfg.channel_count; n++, i++) {
        if (i == core->cfg.channel_count) i = 0;
        const struct channel *here = &core->channel[i];
        if (gives_nothing(core, here, heads->feed[i])) {
            *channel = i;
            return RW_ENRICH_FEED;
        }
        if (is_over(core, here)) continue;
        uint64_t at = place_of(here);
        bool here_ready = has_own(here) || (heads->feed[i] && shadow_has_room(here));
        if (first && (at > place || (at == place && (ready || !here_ready)))) continue;
        first = here;
        place = at;
        ready = here_ready;
        *channel = i;
    }
    if (!ready) return RW_ENRICH_WAIT;
    return has_own(first) ? RW_ENRICH_OWN : RW_ENRICH_FEED;
}

/* refresh_is_due: a round is under way, or it is time for the next. */
static bool refresh_is_due(const struct rw_enrich_core *core) {
    if (core->refresh_next) return true;
    return core->cfg.refresh_interval_ns && core->refresh_worth &&
           (core->event_time_ns >= core->refresh_ns + core->cfg.refresh_interval_ns ||
            all_ended(core));
}

static bool intake_is_known(const struct rw_enrich_core *core, const struct rw_entry *intake) {
    return intake || core->cfg.accept_late_intake || core->ends_logged >= core->cfg.intake_ends;
}

enum rw_enrich_pick rw_enrich_pick(const struct rw_enrich_core *core,
                                   const struct rw_enrich_heads *heads, uint32_t *channel) {
    const struct rw_entry *intake = heads->intake;
    *channel = RW_ENRICH_CHANNELS_MAX;
    if (core->phase == CLOSED)
        return intake ? RW_ENRICH_INTAKE : pick_channel(core, heads, channel);
    if (core->phase == DEPOSED) return RW_ENRICH_WAIT;
    if (core->phase == OPENING) return RW_ENRICH_OWN;
    if (intake && intake_is_logged(core, intake)) return RW_ENRICH_INTAKE;
    if (core->phase == LEADING) {
        if (refresh_is_due(core)) return RW_ENRICH_OWN;
        if (intake && intake_is_due(core, intake)) return RW_ENRICH_INTAKE;
        if (!intake_is_known(core, intake)) return RW_ENRICH_WAIT;
        if (all_ended(core)) return RW_ENRICH_OWN;
    }
    return pick_channel(core, heads, channel);
}

/* --------------------------------------------------------------------------------------------
 * logging */

static void log_slot(struct rw_enrich_core *core, const struct rw_entry *entry,
                     struct rw_enrich_out *out) {
    RW_ASSERT(out->slots < RW_ENRICH_FAN_OUT);
    struct rw_entry *slot = &out->slot[out->slots++];
    *slot = *entry;
    slot->sequence = core->next_sequence++;
    if (entry->type == RW_ENTRY_TICK || rw_entry_from_intake(entry->type))
        core->refresh_worth = true;
    rw_stat_add(&core->stats.enrich->logged, 1);
}

static void log_tick(struct rw_enrich_core *core, const struct rw_entry *tick,
                     struct rw_enrich_out *out) {
    out->arrival_ns = tick->sequence;
    if (tick->event_time_ns > core->event_time_ns) core->event_time_ns = tick->event_time_ns;
    if (core->event_time_ns >= core->clock_ns + core->cfg.clock_interval_ns) {
        struct rw_entry clock = {.event_time_ns = core->event_time_ns,
                                 .type = RW_ENTRY_CLOCK,
                                 .slots = 1,
                                 .version = RW_ENTRY_VERSION};
        core->clock_ns = core->event_time_ns;
        rw_stat_add(&core->stats.enrich->clocks, 1);
        log_slot(core, &clock, out);
    }
    rw_stat_add(&core->stats.enrich->ticks, 1);
    log_slot(core, tick, out);
}

static void log_body(struct rw_enrich_core *core, enum rw_entry_type type, const void *body,
                     struct rw_enrich_out *out) {
    struct rw_entry entry = {.event_time_ns = core->event_time_ns,
                             .type = (uint8_t)type,
                             .slots = 1,
                             .version = RW_ENTRY_VERSION};
    memcpy(entry.body, body, sizeof entry.body);
    log_slot(core, &entry, out);
}

static void log_session(struct rw_enrich_core *core, enum rw_session_event event,
                        struct rw_enrich_out *out) {
    struct rw_session_body body = {.event = (uint8_t)event};
    memcpy(body.session, core->cfg.session, sizeof body.session);
    memcpy(body.image_hash, core->cfg.image->hash, sizeof body.image_hash);
    log_body(core, RW_ENTRY_SESSION, &body, out);
}

static void log_opening(struct rw_enrich_core *core, struct rw_enrich_out *out) {
    core->phase = LEADING;
    if (core->next_sequence == 1) {
        log_session(core, RW_SESSION_OPEN, out);
        return;
    }
    struct rw_takeover_body body = {.epoch = core->epoch, .site = core->cfg.site};
    log_body(core, RW_ENTRY_TAKEOVER, &body, out);
    rw_stat_add(&core->stats.enrich->takeovers, 1);
}

static void log_channel_end(struct rw_enrich_core *core, struct channel *channel,
                            struct rw_enrich_out *out) {
    struct rw_end_body body = {.source_kind = RW_END_CHANNEL,
                               .source = channel->number,
                               .last_sequence = channel->last_sequence};
    channel->end_logged = true;
    log_body(core, RW_ENTRY_END, &body, out);
}

/* log_refresh names the next range of the round; portfolio indices start at 1. */
static void log_refresh(struct rw_enrich_core *core, struct rw_enrich_out *out) {
    uint32_t end = core->cfg.image->portfolios.count;
    if (core->refresh_next == 0) {
        core->refresh_next = 1;
        core->refresh_round++;
        core->refresh_ns = core->event_time_ns;
        core->refresh_worth = false;
    }
    struct rw_refresh_body body = {.first = core->refresh_next,
                                   .count = core->cfg.refresh_portfolios,
                                   .round = core->refresh_round};
    if (body.count >= end - body.first) {
        body.count = end - body.first;
        core->refresh_next = 0;
    } else {
        core->refresh_next += body.count;
    }
    log_body(core, RW_ENTRY_REFRESH, &body, out);
    rw_stat_add(&core->stats.enrich->refreshes, 1);
}

/* own_until returns how far the shadow of a channel may go on before the others. */
static uint64_t own_until(const struct rw_enrich_core *core, const struct channel *channel) {
    uint64_t until = UINT64_MAX;
    if (channel->clock == 0) return until;
    for (uint32_t i = 0; i < core->cfg.channel_count; i++) {
        const struct channel *other = &core->channel[i];
        if (other == channel || is_over(core, other)) continue;
        if (place_of(other) < until) until = place_of(other);
    }
    return until;
}

static void own_of_channel(struct rw_enrich_core *core, struct channel *channel,
                           struct rw_enrich_out *out) {
    struct rw_entry tick;
    if (!channel->may_emit) {
        log_channel_end(core, channel, out);
        return;
    }
    if (!rw_shadow_next(channel->shadow, own_until(core, channel), &tick)) {
        channel->may_emit = channel->clock > 0 && rw_shadow_stamp(channel->shadow) > 0;
        return;
    }
    if (tick.event_time_ns == 0) tick.event_time_ns = core->event_time_ns;
    if (channel->clock > 0) tick.sequence = 0; /* a place in the captures: no arrival */
    log_tick(core, &tick, out);
}

void rw_enrich_own(struct rw_enrich_core *core, uint32_t channel, struct rw_enrich_out *out) {
    out->slots = 0;
    out->arrival_ns = 0;
    if (core->phase == OPENING) {
        log_opening(core, out);
        return;
    }
    RW_ASSERT(core->phase == LEADING);
    if (channel < core->cfg.channel_count) {
        own_of_channel(core, &core->channel[channel], out);
        return;
    }
    if (refresh_is_due(core)) {
        log_refresh(core, out);
        return;
    }
    RW_ASSERT(all_ended(core));
    log_session(core, RW_SESSION_CLOSE, out);
    core->phase = CLOSED;
}

/* -------------------------------------------------------------------------------------- feed and
 * intake */

/* take_directory joins a locate with its instrument; a locate may be given a new symbol. */
static void take_directory(struct rw_enrich_core *core, const struct rw_entry *message) {
    struct rw_directory_body body;
    memcpy(&body, message->body, sizeof body);
    rw_stat_add(&core->stats.enrich->directory, 1);
    struct channel *channel = channel_of(core, body.channel);
    if (!channel || message->instrument >= RW_FEED_LOCATES) {
        rw_stat_add(&core->stats.enrich->unknown_channel, 1);
        return;
    }
    uint32_t instrument = rw_image_symbol8(core->cfg.image, body.symbol);
    channel->instrument[message->instrument] = instrument;
    channel->named[message->instrument / 64] |= UINT64_C(1) << message->instrument % 64;
    if (instrument == RW_INSTRUMENT_NONE) rw_stat_add(&core->stats.enrich->unlisted_symbols, 1);
}

/* join replaces the locate of a tick by the instrument; false when there is none. */
static bool join(struct rw_enrich_core *core, const struct channel *channel,
                 struct rw_entry *tick) {
    if (tick->body[offsetof(struct rw_tick_body, kind)] == RW_TICK_CHANNEL) return true;
    uint32_t locate = tick->instrument; /* a hostile message may say 0, which stands for none */
    RW_ASSERT(locate < RW_FEED_LOCATES);
    tick->instrument = channel->instrument[locate];
    if (tick->instrument != RW_INSTRUMENT_NONE) return true;
    bool named = channel->named[locate / 64] >> locate % 64 & 1;
    rw_stat_add(named ? &core->stats.enrich->unlisted_ticks : &core->stats.enrich->unknown_locate,
                1);
    return false;
}

/* may_compare: the channel's log is complete, but the own feed can still be compared with it. */
static bool may_compare(const struct channel *channel) {
    return !rw_shadow_is_live(channel->shadow) && rw_shadow_room(channel->shadow);
}

static void take_tick(struct rw_enrich_core *core, const struct rw_entry *message,
                      struct rw_enrich_out *out) {
    struct rw_entry tick = *message;
    struct channel *channel = channel_of(core, tick_channel(message));
    if (!channel) {
        rw_stat_add(&core->stats.enrich->unknown_channel, 1);
    } else if (!join(core, channel, &tick)) {
        return; /* counted */
    } else if (channel->end_logged && !may_compare(channel)) {
        rw_stat_add(&core->stats.enrich->after_end, 1);
    } else if (rw_shadow_is_live(channel->shadow)) {
        log_tick(core, &tick, out);
    } else {
        rw_stat_add(&core->stats.enrich->shadowed, 1);
        if (channel->clock > 0) tick.sequence = channel->clock;
        rw_shadow_own(channel->shadow, &tick);
        channel->may_emit = core->phase == LEADING && !channel->end_logged;
    }
}

static void take_channel_end(struct rw_enrich_core *core, const struct rw_entry *message) {
    struct rw_end_body body = end_body(message);
    struct channel *channel = channel_of(core, body.source);
    rw_stat_add(&core->stats.enrich->ends, 1);
    if (!channel || channel->own_ended) {
        rw_stat_add(&core->stats.enrich->unknown_channel, 1);
        return;
    }
    channel->own_ended = true;
    channel->ended_at = channel->clock;
    rw_shadow_own_end(channel->shadow);
    if (channel->end_logged) return;
    channel->last_sequence = body.last_sequence;
    channel->may_emit = core->phase == LEADING;
}

void rw_enrich_feed(struct rw_enrich_core *core, uint32_t channel, const struct rw_entry *message,
                    struct rw_enrich_out *out) {
    out->slots = 0;
    out->arrival_ns = 0;
    core->turn = channel + 1 == core->cfg.channel_count ? 0 : channel + 1;
    if (message->type == RW_FEED_CLOCK) {
        RW_ASSERT(message->sequence > core->channel[channel].clock);
        core->channel[channel].clock = message->sequence;
        return;
    }
    rw_stat_add(&core->stats.enrich->received, 1);
    if (message->type == RW_FEED_DIRECTORY) {
        take_directory(core, message);
    } else if (message->type == RW_ENTRY_END) {
        take_channel_end(core, message);
    } else {
        RW_ASSERT(message->type == RW_ENTRY_TICK);
        take_tick(core, message, out);
    }
}

void rw_enrich_intake(struct rw_enrich_core *core, const struct rw_entry *first,
                      const struct rw_entry *second, struct rw_enrich_out *out) {
    out->slots = 0;
    out->arrival_ns = 0;
    if (core->phase == CLOSED || intake_is_logged(core, first)) {
        if (rw_entry_from_intake(first->type))
            rw_stat_add(&core->stats.enrich->fills_already_logged, 1);
        return;
    }
    RW_ASSERT(core->phase == LEADING);
    if (first->type == RW_ENTRY_END) {
        struct rw_end_body body = end_body(first);
        note_end(core, first);
        log_body(core, RW_ENTRY_END, &body, out);
        return;
    }
    RW_ASSERT(rw_entry_from_intake(first->type) && first->slots >= 1 && first->slots <= 2);
    RW_ASSERT(first->slots == 1 || second);
    struct identity identity = identity_of(first);
    if (identity.sequence != core->source[identity.source].logged + 1)
        rw_stat_add(&core->stats.enrich->bad_source, 1);
    note_fill(core, first);
    out->arrival_ns = first->sequence;
    log_slot(core, first, out);
    if (first->slots == 2) /* a continuation slot is body all over: no sequence of its own */
        out->slot[out->slots++] = *second;
    rw_stat_add(&core->stats.enrich->fills, 1);
}
