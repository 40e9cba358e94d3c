#include "tools/riskwired/wiring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "risk/bar_setting.h"
#include "tools/riskwired/recovery_terms.h"
#include "tools/riskwired/venue_terms.h"

static_assert(RW_CONFIG_FEEDS_MAX == RW_ENRICH_CHANNELS_MAX, "a section is a channel");
static_assert(RW_CONFIG_FEEDS_MAX == RW_RECOVER_CHANNELS_MAX, "a section is a channel");
static_assert(RW_CONFIG_FEEDS_MAX * RW_LINES * 2 <= RW_RX_ROWS_MAX, "of two lines and their loop");

/* Bumped whenever the same log would give other results. */
#define CALCULATION_VERSION 2u
/* Unreleased results kept in memory, some milliseconds' worth; more are read back from the journal.
 * All of it passes through the cache, so it is no larger than that. */
#define PENDING_RECORDS 16384u

/* address_of reads an IPv4 address in host byte order; 0 for an empty text and for what is none,
 * which check_addresses has refused. */
static uint32_t address_of(const char *text) {
    struct in_addr address = {0};
    if (inet_pton(AF_INET, text, &address) != 1) return 0;
    return ntohl(address.s_addr);
}

/* One line of a feed: 0 is A, 1 is B. */
struct line {
    const char *device, *group, *source, *address, *group_loop;
};

static struct line line_of(const struct rw_config_feed *feed, uint32_t line) {
    if (line == 0)
        return (struct line){feed->line_a, feed->group, feed->source_a, feed->address_a,
                             feed->group_loop};
    return (struct line){feed->line_b, *feed->group_b ? feed->group_b : feed->group, feed->source_b,
                         feed->address_b,
                         *feed->group_loop_b ? feed->group_loop_b : feed->group_loop};
}

static void add_row(struct rw_rx_cfg *rx, const struct rw_rx_row *row, const char *device) {
    rx->row[rx->row_count] = *row;
    snprintf(rx->row[rx->row_count++].device, sizeof row->device, "%s", device);
}

/* add_port notes what a port is besides its rows. Lines that share a port must agree. */
static int add_port(struct rw_rx_cfg *rx, const char *device, uint32_t address, uint16_t vlan) {
    struct rw_rx_port *port = rx->port;
    while (port < rx->port + rx->port_count && strcmp(port->device, device)) port++;
    if (port == rx->port + rx->port_count) {
        rx->port_count++;
        *port = (struct rw_rx_port){.address = address, .vlan = vlan};
        snprintf(port->device, sizeof port->device, "%s", device);
    }
    if (port->address == address && port->vlan == vlan) return 0;
    int rc = rw_err_set(EINVAL, "two lines give port %s different addresses or VLANs", device);
    rw_err_fix("give its lines the same address_a or address_b, and the same vlan");
    return rc;
}

static int make_rx(struct rw_wiring *wiring, const struct rw_config *config) {
    int rc = 0;
    wiring->rx.speed = (uint32_t)config->feed[0].speed;
    for (uint16_t i = 0; i < config->feeds; i++) {
        const struct rw_config_feed *feed = &config->feed[i];
        for (uint16_t line = 0; rc == 0 && line < RW_LINES; line++) {
            struct line of = line_of(feed, line);
            if (!*of.device) continue;
            struct rw_rx_row row = {.feed = i,
                                    .channel = (uint16_t)feed->channel,
                                    .line = line,
                                    .group = address_of(of.group_loop),
                                    .udp_port = (uint16_t)feed->loop_port,
                                    .aside = true};
            if (row.group) add_row(&wiring->rx, &row, of.device);
            row.aside = false;
            row.group = address_of(of.group);
            row.source = address_of(of.source);
            row.udp_port = (uint16_t)feed->udp_port;
            add_row(&wiring->rx, &row, of.device);
            rc = add_port(&wiring->rx, of.device, address_of(of.address), (uint16_t)feed->vlan);
        }
    }
    return rc;
}

/* check_addresses refuses a text that is no address, by the name of its key. */
static int check_addresses(const struct rw_config_feed *feed, const char *name) {
    const struct {
        const char *key, *text;
    } addresses[] = {{"group", feed->group},           {"group_b", feed->group_b},
                     {"source_a", feed->source_a},     {"source_b", feed->source_b},
                     {"address_a", feed->address_a},   {"address_b", feed->address_b},
                     {"group_loop", feed->group_loop}, {"group_loop_b", feed->group_loop_b}};
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        if (*addresses[i].text && !address_of(addresses[i].text))
            return rw_err_set(EINVAL, "%s.%s is '%s', wanted an address like 233.252.1.1", name,
                              addresses[i].key, addresses[i].text);
    return 0;
}

static bool is_file(const char *device) {
    return !*device || rw_nic_device_kind(device) == RW_NIC_DEVICE_FILE;
}

/* What must hold between the sections: two feeds of one site are two channels of one clock. */
static int check_feeds(const struct rw_config *config) {
    char name[RW_CONFIG_FEED_NAME_BYTES], other_name[RW_CONFIG_FEED_NAME_BYTES];
    const struct rw_config_feed *first = &config->feed[0];
    for (uint32_t i = 1; i < config->feeds; i++) {
        const struct rw_config_feed *feed = &config->feed[i];
        rw_config_feed_name(i, name);
        if (is_file(feed->line_a) != is_file(first->line_a)) {
            int rc =
                rw_err_set(EINVAL, "feed.line_a and %s.line_a are a capture and a live port", name);
            rw_err_why("one runs in capture time, the other in real time");
            rw_err_fix("use captures for all feeds, or ports for all");
            return rc;
        }
        if (feed->speed != first->speed) {
            int rc = rw_err_set(EINVAL, "%s.speed is %" PRIu64 " but feed.speed is %" PRIu64, name,
                                feed->speed, first->speed);
            rw_err_why("the captures of all feeds are merged by capture time and have one pace");
            rw_err_fix("give all sections the same speed");
            return rc;
        }
        for (uint32_t k = 0; k < i; k++) {
            if (config->feed[k].channel != feed->channel) continue;
            rw_config_feed_name(k, other_name);
            int rc = rw_err_set(EINVAL, "%s.channel is %" PRIu64 ", which %s has already", name,
                                feed->channel, other_name);
            rw_err_fix("give each channel a number of its own, the same at both sites");
            return rc;
        }
    }
    return 0;
}

static int make_feed(struct rw_feed_cfg *feed, const struct rw_config_feed *config,
                     const char *name, const char *session) {
    bool file = is_file(config->line_a);
    if (*config->line_b && is_file(config->line_b) != file) {
        int rc =
            rw_err_set(EINVAL, "%s.line_a and %s.line_b are a capture and a live port", name, name);
        rw_err_why("one runs in capture time, the other in real time");
        rw_err_fix("use two captures or two ports");
        return rc;
    }
    int rc = check_addresses(config, name);
    if (rc) return rc;
    const struct rw_venue *venue = rw_venue_named(config->venue);
    RW_ASSERT(venue); /* the table of keys lets no other word pass */
    feed->channel = (uint16_t)config->channel;
    feed->line = (struct rw_line_cfg){.venue = venue,
                                      .gap_timer_ns = config->gap_timeout_us * 1000,
                                      .packet_bytes = RW_FRAME_SLOT_BYTES,
                                      .session_switch_packets = 64,
                                      .lines = *config->line_b ? 2 : 1,
                                      .file_ports = file,
                                      .accept_unsequenced = !strcmp(config->unsequenced, "accept")};
    feed->books.book = (struct rw_book_cfg){.orders_max = (uint32_t)config->orders,
                                            .levels_max = (uint32_t)config->orders / 2 + 1024};
    feed->books.instruments_max = (uint32_t)config->instruments;
    rc = rw_venue_terms_session(venue, config->venue_session, name, feed->line.session);
    if (rc) return rc;
    return rw_venue_terms_midnight(session, config->zone, name, &feed->books.midnight_ns);
}

/* Of what waits at a live feed and is not conflated: seconds of trades on a host, and what a laptop
 * can spare. */
static uint64_t queue_bytes(const struct rw_config *config, const struct rw_config_feed *feed) {
    if (feed->queue_mib) return feed->queue_mib << 20;
    return UINT64_C(1) << (!strcmp(config->profile, "host") ? 29 : 24);
}

static int make_feeds(struct rw_wiring *wiring, const struct rw_config *config) {
    char name[RW_CONFIG_FEED_NAME_BYTES];
    int rc = check_feeds(config);
    wiring->feeds = wiring->recover.channels = config->feeds;
    for (uint32_t i = 0; rc == 0 && i < config->feeds; i++) {
        rw_config_feed_name(i, name);
        rc = make_feed(&wiring->feed[i], &config->feed[i], name, config->session);
        wiring->feed[i].queue_bytes = queue_bytes(config, &config->feed[i]);
        wiring->feed[i].tells_clock = wiring->feed[i].line.file_ports && config->feeds > 1;
        if (!rc)
            rc = rw_recovery_terms(&config->feed[i], name, &wiring->feed[i],
                                   &wiring->recover.channel[i]);
        wiring->recovers |= rw_recovery_is_wanted(&wiring->feed[i]);
    }
    return rc;
}

/* The words that decide how a log becomes results: another value computes other bytes. */
static struct rw_hash kernel_hash(void) {
    static const char kernel[] = "lane A: integers 1e-4, half-even; no floating point";
    return rw_hash_bytes(kernel, sizeof kernel);
}

static void make_repl(struct rw_wiring *wiring, const struct rw_config *config,
                      const struct rw_image *image) {
    struct rw_repl_cfg *repl = &wiring->repl;
    repl->site = (uint8_t)(config->site[0] - 'a');
    repl->named_leader = !strcmp(config->site, config->leader);
    repl->policy = strcmp(config->peer_policy, "mem") ? RW_PAIR_DISK : RW_PAIR_MEM;
    snprintf(wiring->log_dir, sizeof wiring->log_dir, "%s/log", config->journal_dir);
    snprintf(wiring->superblock, sizeof wiring->superblock, "%s/superblock", config->journal_dir);
    repl->log_dir = wiring->log_dir;
    repl->superblock = wiring->superblock;
    repl->segment_bytes = config->journal_segment_mib << 20;
    repl->segments_ahead = (uint32_t)config->journal_segments;
    repl->dead_ns = config->peer_dead_ms * 1000000;
    repl->shards = wiring->shards;
    repl->terms = (struct rw_terms){.kernel = kernel_hash(),
                                    .keys = rw_config_match_hash(config),
                                    .calculation_version = CALCULATION_VERSION,
                                    .wire_lowest = RW_WIRE_VERSION,
                                    .wire_highest = RW_WIRE_VERSION};
    memcpy(&repl->terms.image, image->hash, sizeof repl->terms.image);
    memcpy(repl->session, config->session, sizeof repl->session);
}

/* What may wait at the leader's feed, the follower must be able to log after a take-over. 0: the
 * default, for captures. */
static uint32_t shadow_depth(const struct rw_wiring *wiring) {
    uint64_t most = 0;
    for (uint32_t i = 0; i < wiring->feeds; i++) {
        if (wiring->feed[i].line.file_ports) continue;
        struct rw_conflate_cfg waiting = {.queue_bytes = wiring->feed[i].queue_bytes};
        uint64_t slots = rw_conflate_queue_slots(&waiting);
        if (slots > most) most = slots;
    }
    return (uint32_t)most;
}

static void make_enrich(struct rw_wiring *wiring, const struct rw_config *config,
                        const struct rw_image *image, const struct rw_intake_file *intake) {
    wiring->enrich =
        (struct rw_enrich_cfg){.image = image,
                               .site = (uint8_t)(config->site[0] - 'a'),
                               .file_ports = wiring->feed[0].line.file_ports,
                               .channel_count = wiring->feeds,
                               .intake_ends = rw_intake_ends(intake),
                               .refresh_portfolios = (uint32_t)config->refresh_portfolios};
    bool vectors = image->scenarios && image->portfolios.count > 1;
    if (vectors) wiring->enrich.refresh_interval_ns = config->refresh_interval_ms * 1000000;
    for (uint32_t i = 0; i < wiring->feeds; i++)
        wiring->enrich.channel[i] = wiring->feed[i].channel;
    memcpy(wiring->enrich.session, config->session, sizeof wiring->enrich.session);
    wiring->enrich.shadow_own_depth = shadow_depth(wiring);
}

static int make_deliver(struct rw_wiring *wiring, const struct rw_config *config) {
    struct rw_deliver_cfg *deliver = &wiring->deliver;
    char *port;
    int rc = rw_config_site_path(config, "results", wiring->broadcast, sizeof wiring->broadcast);
    if (rc) return rc;
    snprintf(wiring->soup_host, sizeof wiring->soup_host, "%s", config->delivery_soup);
    port = strrchr(wiring->soup_host, ':');
    char *end = NULL;
    unsigned long number = port ? strtoul(port + 1, &end, 10) : 0;
    if (!port || end == port + 1 || *end || number > 65535)
        return rw_err_set(EINVAL, "delivery.soup is '%s', wanted ADDRESS:PORT",
                          config->delivery_soup);
    *port = 0;
    snprintf(wiring->results_dir, sizeof wiring->results_dir, "%s/results", config->journal_dir);
    snprintf(deliver->session, sizeof deliver->session, "%.10s", config->session);
    deliver->broadcast_path = wiring->broadcast;
    deliver->broadcast_records = config->delivery_ring;
    deliver->pending_records = PENDING_RECORDS;
    deliver->journal_dir = wiring->results_dir;
    deliver->journal_segment_bytes = config->journal_segment_mib << 20;
    deliver->soup_address = wiring->soup_host;
    deliver->soup_port = (uint16_t)number;
    deliver->soup_clients_max = (uint32_t)config->delivery_clients;
    return 0;
}

static int check_session(const struct rw_config *config) {
    size_t digits = strspn(config->session, "0123456789");
    size_t letters =
        strspn(config->session, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    if (strlen(config->session) == 10 && letters == 10 && digits >= 6) return 0;
    int rc = rw_err_set(EINVAL, "session is '%s', wanted YYMMDD and four base-36 digits",
                        config->session);
    rw_err_fix("for example session: \"2601020001\"");
    return rc;
}

int rw_wiring_make(struct rw_wiring *wiring, const struct rw_config *config,
                   const struct rw_image *image, const struct rw_intake_file *intake) {
    memset(wiring, 0, sizeof *wiring);
    wiring->shards = (uint32_t)config->risk_shards;
    wiring->intake = (struct rw_intake_cfg){.file = intake};
    wiring->risk = (struct rw_risk_stage_cfg){.image = image,
                                              .positions_max = (uint32_t)config->risk_positions,
                                              .fills_max = (uint32_t)config->risk_fills,
                                              .channels = config->feeds};
    wiring->merge = (struct rw_merge_stage_cfg){.image = image};
    wiring->risk.bars.ahead_ns = RW_ENRICH_CLOCK_NS;
    int rc = check_session(config);
    if (!rc)
        rc = rw_bar_setting(&wiring->risk.bars, config->bars_lengths_s, config->bars_bound_ms,
                            config->bars_lateness_ms);
    if (!rc) rc = make_feeds(wiring, config);
    if (!rc) rc = make_rx(wiring, config);
    if (!rc) rc = make_deliver(wiring, config);
    if (rc) return rc;
    make_enrich(wiring, config, image, intake);
    make_repl(wiring, config, image);
    return 0;
}

/* A port that several feeds share is opened once. */
static void add_device(struct rw_nic_dpdk_cfg *cfg, const char *device) {
    if (!*device) return;
    for (uint32_t i = 0; i < cfg->device_count; i++)
        if (!strcmp(cfg->device[i], device)) return;
    snprintf(cfg->device[cfg->device_count++], sizeof cfg->device[0], "%s", device);
}

void rw_wiring_ports(const struct rw_config *config, struct rw_nic_dpdk_cfg *cfg) {
    memset(cfg, 0, sizeof *cfg);
    for (uint32_t i = 0; i < config->feeds; i++) {
        add_device(cfg, config->feed[i].line_a);
        add_device(cfg, config->feed[i].line_b);
    }
    cfg->huge = !strcmp(config->profile, "host");
    cfg->live_descriptors = (uint32_t)config->port_descriptors;
    cfg->live_queues = (uint32_t)config->port_queues;
    cfg->stamp_hz = config->port_stamp_hz;
}

void rw_wiring_set_nic(struct rw_wiring *wiring, struct rw_nic *nic) { wiring->rx.nic = nic; }

enum rw_idle_policy rw_wiring_idle(const struct rw_config *config) {
    if (!strcmp(config->idle, "spin")) return RW_IDLE_SPIN;
    return strcmp(config->idle, "yield") ? RW_IDLE_BACKOFF : RW_IDLE_YIELD;
}
