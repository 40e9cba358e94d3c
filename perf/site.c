#include "perf/site.h"

#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/feed/moldudp64.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/nic_mem.h"
#include "dataplane/nic/udp.h"
#include "perf/bench.h"
#include "refdata/compile.h"
#include "tools/riskwire/gen_session.h"
#include "tools/riskwired/instance.h"

#define HEAD_START_NS     1000000000ull /* capture time at which messages set apart begin */
#define MESSAGES_A_PACKET 64u           /* at most, in what gen makes */

void site_die(const char *what) {
    fprintf(stderr, "benchmark: %s: %s\n", what, rw_err_text());
    exit(1);
}

void site_generate(const char *dir, uint64_t messages, uint64_t duration_ns, uint32_t symbols) {
    char capture[96], command[128];
    snprintf(capture, sizeof capture, "%s/capture", dir);
    if (!access(capture, F_OK)) return;
    snprintf(command, sizeof command, "mkdir -p %s/truth", capture);
    if (system(command)) site_die("folders");
    struct rw_gen_options options = {.dir = capture,
                                     .feed = "itch50",
                                     .seed = 1,
                                     .messages = messages,
                                     .duration_ns = duration_ns,
                                     .midnight_ns = 1736139600ull * 1000000000,
                                     .symbols = symbols,
                                     .portfolios = 100,
                                     .holders = 5,
                                     .fills_percent = 25,
                                     .truths = 1,
                                     .skew_ns = 20000,
                                     .locates = true};
    if (rw_gen_session(&options)) site_die("gen");
}

/* Hands a packet on as one packet per message, `spacing_ns` apart by sequence. */
static void feed_apart(struct rw_nic *nic, uint32_t port, const struct rw_pcap_record *record,
                       uint64_t spacing_ns) {
    uint8_t payload[2048], frame[2048 + RW_UDP_HEADERS_BYTES];
    struct rw_udp udp;
    struct rw_packet packet;
    struct rw_block message;
    if (rw_udp_parse(record->frame, record->bytes, RW_UDP_CHECK_NONE, &udp) != RW_UDP_accepted ||
        rw_mold_decode(udp.payload, udp.bytes, &packet) != RW_PACKET_FINE)
        site_die("a packet of the capture");
    uint64_t next = packet.blocks.sequence;
    while (rw_blocks_next(&packet.blocks, &message)) {
        struct rw_mold_writer writer;
        rw_mold_begin(&writer, payload, sizeof payload, packet.session, message.sequence);
        rw_mold_add(&writer, message.bytes, (uint16_t)message.count);
        udp.payload = payload;
        udp.bytes = (uint16_t)rw_mold_end(&writer);
        size_t bytes = rw_udp_build(&udp, frame);
        rw_nic_mem_feed(nic, port, HEAD_START_NS + message.sequence * spacing_ns, frame,
                        (uint32_t)bytes, 0);
    }
    if (packet.kind != RW_PACKET_DATA)
        rw_nic_mem_feed(nic, port, HEAD_START_NS + next * spacing_ns, record->frame, record->bytes,
                        0);
}

/* Opens a line; feeds it to a port unless nic is NULL. Returns the packets of the capture. */
static uint32_t read_line(struct rw_nic *nic, uint32_t port, const char *line,
                          uint64_t spacing_ns) {
    struct rw_pcap *reader;
    struct rw_pcap_record record;
    if (rw_pcap_open(line, &reader)) site_die("capture");
    while (rw_pcap_next(reader, &record) > 0) {
        if (nic && spacing_ns)
            feed_apart(nic, port, &record, spacing_ns);
        else if (nic)
            rw_nic_mem_feed(nic, port, record.time_ns, record.frame, record.bytes, 0);
    }
    uint32_t packets = (uint32_t)rw_pcap_counted(reader).records;
    rw_pcap_close(reader);
    return packets;
}

static struct rw_nic *load_lines(const struct rw_config *config, uint64_t spacing_ns) {
    const char *lines[] = {config->feed[0].line_a, config->feed[0].line_b};
    struct rw_nic_mem_cfg cfg = {.port_count = 2};
    for (uint32_t i = 0; i < 2; i++) {
        cfg.port[i].device = lines[i];
        cfg.port[i].file = true;
        cfg.port[i].frames_max = read_line(NULL, i, lines[i], 0);
        if (spacing_ns) cfg.port[i].frames_max *= MESSAGES_A_PACKET;
    }
    struct rw_nic *nic = rw_nic_mem_new(&cfg);
    if (!nic) site_die("ports in memory");
    for (uint32_t i = 0; i < 2; i++) read_line(nic, i, lines[i], spacing_ns);
    return nic;
}

static void set(char field[RW_CONFIG_TEXT_BYTES], const char *dir, const char *name) {
    snprintf(field, RW_CONFIG_TEXT_BYTES, "%s/%s", dir, name);
}

static void configure(struct rw_config *config, const struct site_wish *wish) {
    char journal[32];
    rw_config_defaults(config);
    snprintf(config->site, sizeof config->site, "%s", wish->name);
    snprintf(journal, sizeof journal, "journal-%s", wish->name);
    set(config->run_dir, wish->dir, "run");
    set(config->journal_dir, wish->dir, journal);
    set(config->reference_dir, wish->dir, "capture");
    set(config->intake_file, wish->dir, "capture/inputs.csv");
    set(config->feed[0].line_a, wish->dir, "capture/line_a.pcap");
    set(config->feed[0].line_b, wish->dir, "capture/line_b.pcap");
    snprintf(config->peer_policy, sizeof config->peer_policy, "%s", wish->peer ? "mem" : "disk");
    config->peer_dead_ms = 60000; /* a busy machine is not a dead peer */
    config->journal_segments = 8;
    config->feed[0].speed = wish->spacing_ns ? 1 : 0;
}

static void place(struct site *site, const struct site_wish *wish) {
    struct rw_place_wish place = {
        .cores = 1, .pin = true, .list = wish->cpu, .list_count = wish->cpu ? 1 : 0};
    struct rw_cpus *cpus = malloc(sizeof *cpus);
    if (!cpus || rw_cpus_read(cpus, "")) site_die("CPUs");
    rw_cpus_keep_allowed(cpus);
    if (rw_topology_place(site->topology, cpus, &place, NULL)) site_die("placement");
    free(cpus);
}

void site_build(struct site *site, const struct site_wish *wish) {
    struct rw_plan *plan;
    mallopt(M_TRIM_THRESHOLD, INT_MAX); /* frames are freed one by one: that is not the pipeline */
    configure(&site->config, wish);
    site->clock = rw_clock_tsc();
    site->stats = rw_stats_create(NULL, wish->name, (uint64_t)getpid());
    if (rw_instance_lock(&site->config) || rw_instance_folders(&site->config)) site_die("folders");
    if (rw_refdata_compile(site->config.reference_dir, &site->image)) site_die("reference data");
    if (rw_intake_load(&site->intake, site->config.intake_file, site->image, stderr))
        site_die("inputs");
    if (rw_wiring_make(&site->wiring, &site->config, site->image, &site->intake))
        site_die("wiring");
    site->wiring.repl.no_peer = !wish->peer;
    site->wiring.deliver.soup_address = NULL;
    site->topology = rw_wiring_topology(&site->wiring);
    if (!site->topology || rw_topology_plan(site->topology, &plan)) site_die("topology");
    if (rw_tapping_plan(&site->tapping, &site->config, site->topology, plan) ||
        rw_tapping_make(&site->tapping, &site->clock))
        site_die("taps");
    struct rw_topology_env env = {.clock = &site->clock,
                                  .stats = site->stats,
                                  .taps = rw_tapping_taps(&site->tapping),
                                  .idle = wish->idle};
    place(site, wish);
    rw_wiring_set_nic(&site->wiring, load_lines(&site->config, wish->spacing_ns));
    if (rw_topology_build(site->topology, &env) || rw_topology_init(site->topology))
        site_die("init");
}

bool site_keep(struct site *site) {
    uint64_t now = rw_bench_now();
    struct rw_journal *log = rw_repl_journal_of(site_stage(site, "repl"));
    bool log_done = rw_journal_cold_step(log, now) > 0;
    return rw_deliver_cold_step(site_stage(site, "deliver"), now) > 0 || log_done;
}

void site_end(struct site *site) {
    rw_topology_stop(site->topology);
    rw_topology_fini(site->topology);
    rw_topology_free(site->topology);
    rw_tapping_end(&site->tapping);
    rw_stats_close(site->stats);
}

void *site_stage(const struct site *site, const char *name) {
    for (uint32_t i = 0; i < rw_topology_stage_count(site->topology); i++)
        if (!strcmp(rw_topology_stage_name(site->topology, i), name))
            return rw_topology_stage(site->topology, i);
    return NULL;
}

static bool find(const struct site *site, const char *block, const char *name,
                 struct rw_stats_item *item) {
    for (uint64_t at = 0; rw_stats_next(site->stats, &at, item);)
        if (!strcmp(item->block, block) && !strcmp(item->name, name)) return true;
    return false;
}

uint64_t site_stat(const struct site *site, const char *block, const char *name) {
    struct rw_stats_item item;
    return find(site, block, name, &item) ? item.value : 0;
}

const struct rw_hist *site_hist(const struct site *site, const char *block, const char *name) {
    struct rw_stats_item item;
    return find(site, block, name, &item) ? item.hist : NULL;
}
