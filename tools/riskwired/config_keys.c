/* The table of configuration keys: the one place a key is named, ranged and explained. */
#include <stddef.h>

#include "dataplane/feed/venue.h"
#include "dataplane/nic/nic.h"
#include "risk/bar_setting.h"
#include "tools/riskwired/config.h"

#define TEXT(path, field, required, must_match, unset, words, help)                           \
    {                                                                                         \
        path, RW_CONFIG_TEXT, offsetof(struct rw_config, field), required, must_match, unset, \
            words, 0, 0, "", help                                                             \
    }
#define SECRET(path, field, help)                                                                \
    {                                                                                            \
        path, RW_CONFIG_SECRET, offsetof(struct rw_config, field), false, false, "", NULL, 0, 0, \
            "", help                                                                             \
    }
#define NUMBER(path, field, must_match, unset, min, max, unit, help)                               \
    {                                                                                              \
        path, RW_CONFIG_NUMBER, offsetof(struct rw_config, field), false, must_match, unset, NULL, \
            min, max, unit, help                                                                   \
    }

static const struct rw_config_key keys[] = {
    TEXT("site", site, true, false, "a", "a|b", "which of the two sites this is"),
    TEXT("profile", profile, false, false, "laptop", "laptop|host",
         "laptop: no root, NIC or huge pages; host: huge pages and isolated cores"),
    TEXT("run_dir", run_dir, false, false, RW_RUN_DIR_DEFAULT, NULL,
         "run-time files of all sites on this host: <run_dir>/<site>/{control.sock,stats,results}"),
    TEXT("session", session, true, true, "2601020001", NULL,
         "YYMMDD and four base-36 digits: trading day and number of the session"),
    TEXT("leader", leader, false, true, "a", "a|b", "the site that leads when both start"),
    NUMBER("cores", cores, false, "1", 1, 64, "cores",
           "stage threads; stages are packed on the first cores this process may use"),
    TEXT("cpus", cpus, false, false, "", NULL,
         "CPUs to use, as a list like 2-4,8, one core each; empty: chosen by the host's layout"),
    TEXT("idle", idle, false, false, "backoff", "spin|yield|backoff",
         "what a core does when no stage had work: backoff sleeps up to 50 us and spares a laptop"),
    TEXT("reference_dir", reference_dir, true, false, ".", NULL,
         "folder with instruments.csv, portfolios.csv, positions.csv, limits.csv"),
    TEXT("intake_file", intake_file, false, false, "", NULL,
         "inputs.csv with fills, replayed in event-time order; empty: no fills"),

    TEXT("feed.venue", feed[0].venue, false, true, "itch50", RW_VENUE_NAMES,
         "whose protocol both lines speak; header, session, restart and books follow from it"),
    TEXT("feed.line_a", feed[0].line_a, true, false, "line_a.pcap", NULL,
         "capture file, or DPDK device string, of line A"),
    TEXT("feed.line_b", feed[0].line_b, false, false, "", NULL,
         "the same of line B; empty: one line only"),
    NUMBER("feed.channel", feed[0].channel, true, "0", 0, 65535, "",
           "number of the channel in the log, another one in each section"),
    TEXT("feed.group", feed[0].group, false, false, "", NULL,
         "multicast group (a.b.c.d) of line A, joined on a live port; empty: any, none is joined"),
    TEXT("feed.group_b", feed[0].group_b, false, false, "", NULL,
         "multicast group of line B; empty: the same as of line A"),
    TEXT("feed.source_a", feed[0].source_a, false, false, "", NULL,
         "address of the venue's sender on line A: the join names it, others are dropped; empty: "
         "any"),
    TEXT("feed.source_b", feed[0].source_b, false, false, "", NULL, "the same of line B"),
    NUMBER("feed.udp_port", feed[0].udp_port, false, "0", 0, 65535, "", "UDP port; 0: any"),
    TEXT(
        "feed.group_loop", feed[0].group_loop, false, false, "", NULL,
        "group of the snapshot loop (mdp3) on line A's port, from any source; empty: as the lines"),
    TEXT("feed.group_loop_b", feed[0].group_loop_b, false, false, "", NULL,
         "the same on line B's port; empty: the same as of line A"),
    NUMBER("feed.loop_port", feed[0].loop_port, false, "0", 0, 65535, "",
           "UDP port of the snapshot loop; 0: any"),
    TEXT("feed.address_a", feed[0].address_a, false, false, "", NULL,
         "own IPv4 address of line A's live port: it answers ARP and its joins come from there; "
         "empty: 0.0.0.0, which some switches ignore"),
    TEXT("feed.address_b", feed[0].address_b, false, false, "", NULL, "the same of line B's port"),
    NUMBER(
        "feed.vlan", feed[0].vlan, false, "0", 0, 4094, "",
        "VLAN tag of what the live ports send themselves; 0: none. What comes in may have 0 to 2"),
    TEXT("feed.venue_session", feed[0].venue_session, false, true, "", NULL,
         "MoldUDP64 session, PITCH unit or the number another venue names its session by; empty: "
         "the "
         "first one seen"),
    TEXT("feed.zone", feed[0].zone, false, true, "-05:00", NULL,
         "the exchange's time zone on the session day, for venues that tell Unix time: New York is "
         "-05:00, in summer -04:00"),
    TEXT("feed.unsequenced", feed[0].unsequenced, false, true, "reject", "reject|accept",
         "packets without a number: accept applies them as they come"),
    NUMBER("feed.speed", feed[0].speed, false, "1", 0, 1000000, "x",
           "pace of capture files: N times capture time; 0: as fast as possible"),
    NUMBER("feed.gap_timeout_us", feed[0].gap_timeout_us, true, "5000", 1, 10000000, "us",
           "how long a gap on both lines is waited for; about the skew between the lines"),
    NUMBER("feed.orders", feed[0].orders, false, "1000000", 1024, 16777216, "orders",
           "live orders the books have room for; more are counted as overflow"),
    NUMBER(
        "feed.instruments", feed[0].instruments, false, "0", 0, 65535, "",
        "instruments a venue without numbers for them may have, more are counted; 0: all that go "
        "into 16 bits, mdp3 16,384"),
    NUMBER(
        "feed.queue_mib", feed[0].queue_mib, false, "0", 0, 16384, "MiB",
        "live ports: trades that may wait while risk is busy, and twice that in the shadow; full: "
        "a gap; 0: 512 for profile host, else 16"),

    TEXT(
        "feed.request_servers", feed[0].request_servers, false, false, "", NULL,
        "up to four HOST:PORT,HOST:PORT that send lost messages again (MoldUDP64), in the order in "
        "which they are asked; the peer's feed.serve first; empty: none"),
    TEXT("feed.serve", feed[0].serve, false, false, "", NULL,
         "ADDRESS:PORT where the peer may ask for messages it has lost; only hosts that stand in "
         "request_servers are answered; empty: nowhere"),
    NUMBER("feed.store_mib", feed[0].store_mib, false, "32", 1, 65536, "MiB",
           "messages kept for the peer; about 30,000 a MiB"),
    NUMBER("feed.request_timeout_ms", feed[0].request_timeout_ms, false, "250", 1, 10000, "ms",
           "after which a request is sent to the next server, and a silent one is passed over"),
    NUMBER("feed.request_attempts", feed[0].request_attempts, false, "12", 1, 1000, "requests",
           "for the first missing message, before a snapshot is taken or the gap given up"),
    NUMBER("feed.request_messages", feed[0].request_messages, false, "1024", 1, 65534, "messages",
           "that one request asks for at most"),
    NUMBER("feed.request_max", feed[0].request_max, false, "100000", 1, 1000000000, "messages",
           "with more missing a snapshot is taken at once; also after a late start"),
    TEXT("feed.snapshot_server", feed[0].snapshot_server, false, false, "", NULL,
         "HOST:PORT of the venue's GLIMPSE server; empty: none; only for venue itch50"),
    TEXT("feed.snapshot_user", feed[0].snapshot_user, false, false, "", NULL,
         "user name there, at most 6 characters"),
    SECRET("feed.snapshot_password", feed[0].snapshot_password,
           "password there, at most 10 characters"),
    TEXT("feed.snapshot_end", feed[0].snapshot_end, false, false, "ascii", "ascii|binary",
         "how a snapshot writes its sequence: 20 characters or 8 bytes"),
    TEXT("feed.snapshot_next", feed[0].snapshot_next, false, false, "same", "same|plus_one",
         "same: that is the first message behind the snapshot; plus_one: the last one in it"),
    NUMBER("feed.snapshot_timeout_ms", feed[0].snapshot_timeout_ms, false, "5000", 10, 600000, "ms",
           "without a message of it, after which a snapshot has failed"),
    NUMBER("feed.snapshot_attempts", feed[0].snapshot_attempts, false, "3", 1, 1000, "snapshots",
           "in a row, before the channel goes on without: stale, its BBOs not told"),
    NUMBER("feed.snapshot_retry_ms", feed[0].snapshot_retry_ms, false, "10000", 10, 3600000, "ms",
           "after which such a channel tries again"),
    NUMBER("feed.reorder_packets", feed[0].reorder_packets, false, "0", 0, 65536, "packets",
           "held while a message is missing, 2 KiB each; 0: 1024, with servers 8192"),

    NUMBER("port.descriptors", port_descriptors, false, "1024", 64, 32768, "packets",
           "receive queue of a live port: what it holds while rx is elsewhere; more costs cache"),
    NUMBER("port.queues", port_queues, false, "1", 1, RW_NIC_QUEUES_MAX, "queues",
           "receive queues of a live port; its groups are spread over them where the device can"),
    NUMBER("port.stamp_hz", port_stamp_hz, false, "0", 0, 10000000000, "Hz",
           "rate of the clock with which live ports stamp arrivals: 1000000000 for stamps in ns; "
           "0: arrivals are timed by the TSC"),

    NUMBER("risk.shards", risk_shards, false, "2", 1, 8, "shards",
           "risk stages; results are the same for any number"),
    NUMBER("risk.positions", risk_positions, true, "65536", 16, 16777216, "positions",
           "(portfolio, instrument) pairs there is room for"),
    NUMBER("risk.fills", risk_fills, true, "262144", 16, 67108864, "fills",
           "executions remembered by id, so that a repeated one is ignored"),
    NUMBER(
        "refresh.interval_ms", refresh_interval_ms, false, "100", 0, 60000, "ms",
        "event time between two rounds of VaR and ES, with returns.csv; 0: only when a limit may "
        "be near"),
    NUMBER("refresh.portfolios", refresh_portfolios, false, "64", 1, 100000, "portfolios",
           "portfolios of one refresh; more make other results wait longer behind it"),

    TEXT("bars.lengths_s", bars_lengths_s, false, true, RW_BAR_LENGTHS_DEFAULT, NULL,
         "lengths of bars in whole seconds, ascending, at most 4; 0: no bars"),
    NUMBER("bars.bound_ms", bars_bound_ms, true, "100", 0, RW_BAR_MS_MAX, "ms",
           "how far trades may be out of order in event time: a bar is told that much later"),
    NUMBER(
        "bars.lateness_ms", bars_lateness_ms, true, "10000", 0, RW_BAR_MS_MAX, "ms",
        "how long a bar that was told is corrected by trades that come later still; costs memory"),

    TEXT("journal.dir", journal_dir, true, false, "journal", NULL,
         "folder of log/ and results/; on the disk whose flushes you trust"),
    NUMBER("journal.segment_mib", journal_segment_mib, false, "16", 1, 1024, "MiB",
           "size of one pre-zeroed segment"),
    NUMBER("journal.segments", journal_segments, false, "2", 2, 64, "segments",
           "spare segments kept ready; intake is refused when none is left"),

    TEXT("peer.policy", peer_policy, false, true, "disk", "disk|mem",
         "what the peer must hold before release: disk = durable and computed, mem = in memory and "
         "computed"),
    TEXT("peer.listen", peer_listen, true, false, "127.0.0.1:7401", NULL,
         "ADDRESS:PORT on which this site waits for its peer"),
    TEXT("peer.connect", peer_connect, true, false, "127.0.0.1:7402", NULL,
         "ADDRESS:PORT of the peer"),
    TEXT("peer.certificate", peer_certificate, true, false, "site.crt", NULL,
         "PEM certificate of this site"),
    TEXT("peer.key", peer_key, true, false, "site.key", NULL, "PEM private key of this site"),
    TEXT("peer.ca", peer_ca, true, false, "ca.crt", NULL, "PEM certificate that signs both sites"),
    TEXT("peer.name", peer_name, true, false, "b", NULL, "name in the peer's certificate"),
    NUMBER("peer.dead_ms", peer_dead_ms, true, "150", 10, 60000, "ms",
           "silence after which the peer counts as gone and release stops"),

    TEXT("delivery.soup", delivery_soup, false, false, "127.0.0.1:0", NULL,
         "ADDRESS:PORT of the SoupBinTCP server; port 0: any free one, shown by stat"),
    NUMBER("delivery.ring", delivery_ring, false, "65536", 1024, 16777216, "records",
           "records in the shared-memory ring, a power of two; older ones come from the result "
           "journal"),
    NUMBER("delivery.clients", delivery_clients, false, "64", 1, 64, "clients",
           "SoupBinTCP clients served at once"),

    NUMBER("capture.ring_kib", capture_ring_kib, false, "1024", 0, 4194304, "KiB",
           "shared memory of each tap, a power of two from 64 on: what `riskwire capture` may fall "
           "behind; 0: no taps"),
    {NULL, RW_CONFIG_TEXT, 0, false, false, NULL, NULL, 0, 0, NULL, NULL},
};

const struct rw_config_key *rw_config_keys(void) { return keys; }
