#include "tools/riskwired/wiring.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"

/* Bumped whenever the same log would give other results. */
#define CALCULATION_VERSION 1u
/* Unreleased results kept in memory, some milliseconds' worth; more are read back from the journal.
 * All of it passes through the cache, so it is no larger than that. */
#define PENDING_RECORDS 16384u

static uint32_t group_of(const struct rw_config *config) {
    struct in_addr address = {0};
    if (*config->feed_group && inet_pton(AF_INET, config->feed_group, &address) != 1) return 0;
    return ntohl(address.s_addr);
}

static void make_rx(struct rw_wiring *wiring, const struct rw_config *config) {
    const char *devices[] = {config->feed_line_a, config->feed_line_b};
    wiring->rx.speed = (uint32_t)config->feed_speed;
    for (uint16_t line = 0; line < 2; line++) {
        if (!*devices[line]) continue;
        struct rw_rx_row *row = &wiring->rx.row[wiring->rx.row_count++];
        snprintf(row->device, sizeof row->device, "%s", devices[line]);
        row->channel = (uint16_t)config->feed_channel;
        row->line = line;
        row->group = group_of(config);
        row->udp_port = (uint16_t)config->feed_udp_port;
    }
}

static bool is_file(const char *device) {
    return !*device || rw_nic_device_kind(device) == RW_NIC_DEVICE_FILE;
}

static int make_feed(struct rw_wiring *wiring, const struct rw_config *config) {
    struct rw_feed_cfg *feed = &wiring->feed;
    bool file = is_file(config->feed_line_a);
    if (*config->feed_line_b && is_file(config->feed_line_b) != file) {
        int rc = rw_err_set(EINVAL, "feed.line_a and feed.line_b are a capture and a live port");
        rw_err_why("one runs in capture time, the other in real time");
        rw_err_fix("use two captures or two ports");
        return rc;
    }
    if (*config->feed_group && !group_of(config))
        return rw_err_set(EINVAL, "feed.group is '%s', wanted an address like 233.252.1.1",
                          config->feed_group);
    feed->channel = (uint16_t)config->feed_channel;
    feed->line =
        (struct rw_line_cfg){.gap_timer_ns = config->feed_gap_timeout_us * 1000,
                             .reorder_packets = 1024,
                             .packet_bytes = RW_FRAME_SLOT_BYTES,
                             .session_switch_packets = 64,
                             .lines = *config->feed_line_b ? 2 : 1,
                             .file_ports = file,
                             .accept_unsequenced = !strcmp(config->feed_unsequenced, "accept")};
    size_t length = strlen(config->feed_venue_session);
    if (length > RW_MOLD_SESSION_BYTES)
        return rw_err_set(EINVAL, "feed.venue_session is '%s', wanted at most %u characters",
                          config->feed_venue_session, RW_MOLD_SESSION_BYTES);
    if (length) memset(feed->line.session, ' ', RW_MOLD_SESSION_BYTES);
    memcpy(feed->line.session, config->feed_venue_session, length);
    feed->book = (struct rw_book_cfg){.orders_max = (uint32_t)config->feed_orders,
                                      .levels_max = (uint32_t)config->feed_orders / 2 + 1024};
    return 0;
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

static void make_enrich(struct rw_wiring *wiring, const struct rw_config *config,
                        const struct rw_image *image, const struct rw_intake_file *intake) {
    wiring->enrich = (struct rw_enrich_cfg){.image = image,
                                            .site = (uint8_t)(config->site[0] - 'a'),
                                            .file_ports = wiring->feed.line.file_ports,
                                            .channel_count = 1,
                                            .channel = {(uint16_t)config->feed_channel},
                                            .intake_ends = rw_intake_ends(intake)};
    memcpy(wiring->enrich.session, config->session, sizeof wiring->enrich.session);
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
                                              .fills_max = (uint32_t)config->risk_fills};
    wiring->merge = (struct rw_merge_stage_cfg){.image = image};
    int rc = check_session(config);
    if (!rc) rc = make_feed(wiring, config);
    if (!rc) rc = make_deliver(wiring, config);
    if (rc) return rc;
    make_rx(wiring, config);
    make_enrich(wiring, config, image, intake);
    make_repl(wiring, config, image);
    return 0;
}

void rw_wiring_ports(const struct rw_config *config, struct rw_nic_dpdk_cfg *cfg) {
    const char *devices[] = {config->feed_line_a, config->feed_line_b};
    memset(cfg, 0, sizeof *cfg);
    for (uint32_t line = 0; line < 2; line++)
        if (*devices[line])
            snprintf(cfg->device[cfg->device_count++], sizeof cfg->device[0], "%s", devices[line]);
    cfg->huge = !strcmp(config->profile, "host");
}

void rw_wiring_set_nic(struct rw_wiring *wiring, struct rw_nic *nic) { wiring->rx.nic = nic; }

enum rw_idle_policy rw_wiring_idle(const struct rw_config *config) {
    if (!strcmp(config->idle, "spin")) return RW_IDLE_SPIN;
    return strcmp(config->idle, "yield") ? RW_IDLE_BACKOFF : RW_IDLE_YIELD;
}
