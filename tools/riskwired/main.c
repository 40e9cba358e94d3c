/* riskwired: the daemon of one site. arguments → config → check → plan → map → init → seal → run →
 * stop.
 *
 * main reads as a table of contents; each step either succeeds or leaves an error that says cause
 * and cure. The process's first thread becomes the cold thread. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/base/log.h"
#include "dataplane/io/tls_memory.h"
#include "dataplane/nic/nic_dpdk.h"
#include "refdata/compile.h"
#include "tools/riskwire/verbs.h"
#include "tools/riskwired/cold.h"
#include "tools/riskwired/instance.h"
#include "tools/riskwired/tapping.h"
#include "tools/riskwired/wiring.h"

struct arguments {
    const char *config;
};

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case 'c':
        arguments->config = value;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->config) argp_error(state, "--config FILE is missing");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"config", 'c', "FILE", 0, "the site's YAML file (riskwire config defaults)", 0}, {0}};
static const struct argp argp = {
    options, parse,
    NULL,    "Runs one site of Riskwire until SIGTERM.\vExample: riskwired --config a/site.yaml",
    NULL,    NULL,
    NULL};

struct site {
    struct rw_config config;
    struct rw_image *image;
    struct rw_intake_file intake;
    struct rw_clock clock;
    struct rw_stats *stats;
    struct rw_nic *nic;
    struct rw_port_watch ports;
    struct rw_tapping tapping;
    struct rw_wiring wiring;
    struct rw_topology *topology;
    struct rw_cold cold;
};

/* Everything that can be found wrong before memory is mapped or a device opened. */
static int prepare(struct site *site) {
    int rc = rw_instance_lock(&site->config);
    if (!rc) rc = rw_instance_folders(&site->config);
    if (!rc) rc = rw_refdata_compile(site->config.reference_dir, &site->image);
    if (!rc) rc = rw_intake_load(&site->intake, site->config.intake_file, site->image, stderr);
    return rc;
}

static int open_ports(struct site *site) {
    struct rw_nic_dpdk_cfg cfg;
    rw_wiring_ports(&site->config, &cfg);
    if (cfg.huge && rw_nic_dpdk_check(&cfg) == -ENOMEM) {
        rw_warning("packet buffers use 4 KiB pages: %s", rw_err_text());
        cfg.huge = false;
    }
    int rc = rw_nic_dpdk_start(&cfg, &site->nic);
    if (rc) return rc;
    rw_wiring_set_nic(&site->wiring, site->nic);
    rw_port_watch_open(&site->ports, site->nic, site->stats, "rx");
    return 0;
}

static int place(struct site *site) {
    struct rw_cpus *cpus = malloc(sizeof *cpus); /* too large for a small stack */
    uint32_t list[RW_TOPOLOGY_CORES_MAX];
    if (!cpus) return rw_err_set(ENOMEM, "no memory for the CPU description");
    int count = 0, rc = rw_cpus_read(cpus, "");
    rw_cpus_keep_allowed(cpus);
    if (!rc && *site->config.cpus) {
        count = rw_cpu_list(site->config.cpus, list, RW_TOPOLOGY_CORES_MAX);
        if (count < 0) rc = rw_err_add(count, "cpus");
    }
    struct rw_place_wish wish = {.list = count > 0 ? list : NULL,
                                 .list_count = (uint32_t)(count > 0 ? count : 0),
                                 .cores = (uint32_t)site->config.cores,
                                 .pin = true};
    struct rw_placement placement;
    if (!rc) rc = rw_topology_place(site->topology, cpus, &wish, &placement);
    if (!rc && *placement.warning) rw_warning("%s", placement.warning);
    free(cpus);
    return rc;
}

static int build(struct site *site) {
    char path[512];
    struct rw_plan *plan;
    site->clock = rw_clock_tsc();
    int rc = rw_wiring_make(&site->wiring, &site->config, site->image, &site->intake);
    if (rc) return rc;
    site->topology = rw_wiring_topology(&site->wiring);
    if (!site->topology) return -EINVAL;
    rc = rw_topology_plan(site->topology, &plan);
    if (!rc) rc = rw_tapping_plan(&site->tapping, &site->config, site->topology, plan);
    if (!rc) rc = place(site);
    if (!rc) rc = rw_config_site_path(&site->config, "stats", path, sizeof path);
    if (rc) return rc;
    /* Before the statistics: a living site that has none has no taps. */
    rc = rw_tapping_make(&site->tapping, &site->clock);
    if (rc) return rc;
    site->stats = rw_stats_create(path, site->config.site, (uint64_t)getpid());
    if (!site->stats) return -errno;
    struct rw_topology_env env = {.clock = &site->clock,
                                  .stats = site->stats,
                                  .taps = rw_tapping_taps(&site->tapping),
                                  .huge = !strcmp(site->config.profile, "host"),
                                  .idle = rw_wiring_idle(&site->config)};
    rc = open_ports(site);
    if (!rc) rc = rw_topology_build(site->topology, &env);
    if (!rc) rc = rw_topology_init_priv(site->topology);
    if (!rc) rc = rw_topology_init(site->topology);
    /* Only now: a log that does not belong to this image must keep its own for the report. */
    return rc ? rc : rw_instance_save(&site->config, "image.bin", site->image, site->image->bytes);
}

static int run(struct site *site) {
    int rc = rw_cold_open(&site->cold, &site->config, site->topology, &site->clock, site->stats);
    if (rc) return rc;
    site->cold.tapping = &site->tapping;
    site->cold.ports = &site->ports;
    rw_seal();
    rc = rw_topology_start(site->topology);
    if (!rc) rc = rw_cold_run(&site->cold);
    rw_topology_stop(site->topology);
    rw_port_watch_counters(&site->ports); /* nothing is taken any more: they are final */
    rw_cold_close(&site->cold);
    rw_topology_fini(site->topology);
    if (site->nic) site->nic->ops->close(site->nic);
    rw_topology_free(site->topology);
    rw_tapping_end(&site->tapping);
    rw_stats_close(site->stats);
    return rc;
}

static int exit_code_of(int rc) {
    switch (-rc) {
    case ENOENT:
        return RW_EXIT_NO_INPUT;
    case EACCES:
    case EPERM:
        return RW_EXIT_PERMISSION;
    case EINVAL:
        return RW_EXIT_CONFIG;
    default:
        return RW_EXIT_FAILED;
    }
}

int main(int argc, char **argv) {
    struct arguments arguments = {0};
    static struct site site;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    rw_log_setup("riskwired", RW_LOG_INFO);
    int rc = rw_tls_memory_setup();
    if (!rc) rc = rw_cold_block_signals();
    if (!rc) rc = rw_config_load(arguments.config, &site.config, stderr);
    if (rc) {
        rw_err_print("riskwired");
        return RW_EXIT_CONFIG;
    }
    rc = prepare(&site);
    if (!rc) rc = build(&site);
    if (!rc) rc = run(&site);
    if (rc == RW_COLD_RESTART) {
        /* The log parted from the new leader's below what was computed: computed state cannot be
         * undone, so the process replaces itself and rebuilds it from the journal. */
        rw_info("restarting to follow the new leader");
        execv("/proc/self/exe", argv);
        rc = rw_err_set(errno, "cannot replace the process: %s", strerror(errno));
    }
    if (rc) {
        rw_err_print("riskwired");
        return exit_code_of(rc);
    }
    return RW_EXIT_OK;
}
