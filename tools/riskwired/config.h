/* The configuration of one site: a YAML file, two levels deep, driven by ONE table of keys.
 *
 *   feed:                         row {"feed.speed", kind, default, range, unit, sentence}
 *     speed: 4          ──────►     └─► struct field, `config defaults`, validation, manual
 *
 * A site with several channels has several sections of the same keys: feed, feed2, feed3, …
 *
 * Unknown keys, wrong kinds and values out of range are all reported at once, with file, line,
 * column, the value found, the value wanted and the nearest key. Keys marked `must match` are
 * hashed and compared with the peer when the sites meet. Cold path only. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataplane/base/hash.h"

#define RW_CONFIG_TEXT_BYTES 256u
/* run_dir where neither a configuration nor --run-dir says otherwise: daemon and CLI must meet. */
#define RW_RUN_DIR_DEFAULT "/tmp/riskwire"

/* Sections `feed`, `feed2`, … `feed8`: one for each channel, all with the same keys. */
#define RW_CONFIG_FEEDS_MAX       8u
#define RW_CONFIG_FEED_NAME_BYTES 8u

/* One channel. A key of it is one row "feed.<key>" of the table, at feed[0]: it then exists in all
 * sections. */
struct rw_config_feed {
    char venue[RW_CONFIG_TEXT_BYTES];
    char line_a[RW_CONFIG_TEXT_BYTES];
    char line_b[RW_CONFIG_TEXT_BYTES];
    char group[RW_CONFIG_TEXT_BYTES];
    char group_b[RW_CONFIG_TEXT_BYTES];
    char source_a[RW_CONFIG_TEXT_BYTES];
    char source_b[RW_CONFIG_TEXT_BYTES];
    char group_loop[RW_CONFIG_TEXT_BYTES];
    char group_loop_b[RW_CONFIG_TEXT_BYTES];
    char address_a[RW_CONFIG_TEXT_BYTES];
    char address_b[RW_CONFIG_TEXT_BYTES];
    char venue_session[RW_CONFIG_TEXT_BYTES];
    char zone[RW_CONFIG_TEXT_BYTES];
    char unsequenced[RW_CONFIG_TEXT_BYTES];
    uint64_t channel;
    uint64_t udp_port;
    uint64_t loop_port;
    uint64_t vlan;
    uint64_t speed;
    uint64_t gap_timeout_us;
    uint64_t orders;
    uint64_t instruments;
    uint64_t queue_mib;

    char request_servers[RW_CONFIG_TEXT_BYTES];
    char serve[RW_CONFIG_TEXT_BYTES];
    char snapshot_server[RW_CONFIG_TEXT_BYTES];
    char snapshot_user[RW_CONFIG_TEXT_BYTES];
    char snapshot_password[RW_CONFIG_TEXT_BYTES];
    char snapshot_end[RW_CONFIG_TEXT_BYTES];
    char snapshot_next[RW_CONFIG_TEXT_BYTES];
    uint64_t request_timeout_ms;
    uint64_t request_attempts;
    uint64_t request_messages;
    uint64_t request_max;
    uint64_t snapshot_timeout_ms;
    uint64_t snapshot_attempts;
    uint64_t snapshot_retry_ms;
    uint64_t store_mib;
    uint64_t reorder_packets;
};

struct rw_config {
    char site[RW_CONFIG_TEXT_BYTES];
    char profile[RW_CONFIG_TEXT_BYTES];
    char run_dir[RW_CONFIG_TEXT_BYTES];
    char session[RW_CONFIG_TEXT_BYTES];
    char leader[RW_CONFIG_TEXT_BYTES];
    uint64_t cores;
    char cpus[RW_CONFIG_TEXT_BYTES];
    char idle[RW_CONFIG_TEXT_BYTES];
    char reference_dir[RW_CONFIG_TEXT_BYTES];
    char intake_file[RW_CONFIG_TEXT_BYTES];

    struct rw_config_feed feed[RW_CONFIG_FEEDS_MAX];
    uint32_t feeds; /* sections that stand in the file; 1 for a default configuration */

    uint64_t port_descriptors;
    uint64_t port_queues;
    uint64_t port_stamp_hz;

    uint64_t risk_shards;
    uint64_t risk_positions;
    uint64_t risk_fills;
    uint64_t refresh_interval_ms;
    uint64_t refresh_portfolios;

    char bars_lengths_s[RW_CONFIG_TEXT_BYTES];
    uint64_t bars_bound_ms;
    uint64_t bars_lateness_ms;

    char journal_dir[RW_CONFIG_TEXT_BYTES];
    uint64_t journal_segment_mib;
    uint64_t journal_segments;

    char peer_policy[RW_CONFIG_TEXT_BYTES];
    char peer_listen[RW_CONFIG_TEXT_BYTES];
    char peer_connect[RW_CONFIG_TEXT_BYTES];
    char peer_certificate[RW_CONFIG_TEXT_BYTES];
    char peer_key[RW_CONFIG_TEXT_BYTES];
    char peer_ca[RW_CONFIG_TEXT_BYTES];
    char peer_name[RW_CONFIG_TEXT_BYTES];
    uint64_t peer_dead_ms;

    char delivery_soup[RW_CONFIG_TEXT_BYTES];
    uint64_t delivery_ring;
    uint64_t delivery_clients;

    uint64_t capture_ring_kib;
};

enum rw_config_kind {
    RW_CONFIG_TEXT,
    RW_CONFIG_NUMBER,
    RW_CONFIG_SECRET, /* a text that is never printed */
};

struct rw_config_key {
    const char *path; /* "site" or "feed.speed" */
    enum rw_config_kind kind;
    uint32_t offset;   /* in struct rw_config; of the first section where there are several */
    bool required;     /* no usable default: the file must set it */
    bool must_match;   /* equal at both sites */
    const char *unset; /* default, as written in the file */
    const char *words; /* text: allowed words "a|b", or NULL for any */
    uint64_t min, max; /* numbers */
    const char *unit;
    const char *help; /* one sentence: what it does and what a wrong value costs */
};

/* rw_config_keys returns the table, ended by a row with path NULL. */
const struct rw_config_key *rw_config_keys(void);
/* rw_config_feed_name writes the section's name, as it stands in the file, for index 0..: feed,
 * feed2, feed3. */
void rw_config_feed_name(uint32_t index, char name[RW_CONFIG_FEED_NAME_BYTES]);
/* rw_config_defaults fills every field with its default. */
void rw_config_defaults(struct rw_config *config);
/* rw_config_load reads a file over the defaults. Returns 0, or -errno with every finding (at most
 * 20) printed to `report` and the sum in the error text. */
int rw_config_load(const char *path, struct rw_config *config, FILE *report);
/* rw_config_print writes the whole commented file with this configuration's values: for a default
 * configuration this is the manual. */
void rw_config_print(const struct rw_config *config, FILE *out);
/* rw_config_match_hash returns the hash of the keys that must be equal at both sites. */
struct rw_hash rw_config_match_hash(const struct rw_config *config);
/* rw_config_site_path writes run_dir/site/name into path. Returns 0 or -ENAMETOOLONG with an
 * error. */
int rw_config_site_path(const struct rw_config *config, const char *name, char *path,
                        uint32_t bytes);
