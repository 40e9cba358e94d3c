/* A whole site for benchmarks: riskwired's wiring, with lines from memory instead of ports.
 *
 *   <dir>/capture (made by gen) ──► image, intake, two lines ──► topology on the CPUs wished for
 *
 * The lines are the capture's, either as fast as the pipeline takes them or message by
 * message `spacing_ns` apart. Whatever fails ends the program with a sentence. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "dataplane/base/hist.h"
#include "tools/riskwired/tapping.h"
#include "tools/riskwired/wiring.h"

struct site_wish {
    const char *dir;     /* holds capture/; run/ and journal-<name>/ are made in it */
    const char *name;    /* "a" or "b" */
    bool peer;           /* false: alone; true: policy `mem`, a session is given later */
    uint64_t spacing_ns; /* of messages, each in a packet; 0: as fast as possible */
    const uint32_t *cpu; /* the one CPU for all stages; NULL: chosen */
    enum rw_idle_policy idle;
};

struct site {
    struct rw_config config;
    struct rw_wiring wiring;
    struct rw_intake_file intake;
    struct rw_image *image;
    struct rw_clock clock;
    struct rw_stats *stats;
    struct rw_topology *topology;
    struct rw_tapping tapping; /* as in riskwired: there, and read by nobody */
};

/* site_die prints what failed, with the last error, and exits. */
_Noreturn void site_die(const char *what);
/* site_generate makes a session in <dir>/capture unless it is there: `messages` of them over
 * `duration_ns`, 100 portfolios, 5 holders per instrument on average. */
void site_generate(const char *dir, uint64_t messages, uint64_t duration_ns, uint32_t symbols);
/* site_build brings a site up to the point where its threads can be started. */
void site_build(struct site *site, const struct site_wish *wish);
/* site_keep makes journal segments ahead, as the cold thread does; false: nothing to do. */
bool site_keep(struct site *site);
/* site_end stops the threads and closes what was opened. */
void site_end(struct site *site);

/* site_stage returns the stage of a name; site_stat and site_hist a figure of its statistics, 0 or
 * NULL when there is none. */
void *site_stage(const struct site *site, const char *name);
uint64_t site_stat(const struct site *site, const char *block, const char *name);
const struct rw_hist *site_hist(const struct site *site, const char *block, const char *name);
