/* rw_sim: plays seeds of the two-site world, with the rules as they are or with one of them
 * switched off.
 *
 *   rw_sim --seeds 2000 --seed 1          every seed must pass; a failure prints seed and command
 *   rw_sim --mutation N --seeds 3000      some seed must fail, or the rule is not covered
 *   rw_sim --seed S --seeds 1 --trace 1   tells the story of one seed */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replication/pair_state.h"
#include "tests/sim/sim.h"

static struct sim sim;

static int play_all(uint64_t first, uint64_t seeds) {
    uint64_t releases = 0, promotions = 0, crashes = 0, leaders = 0;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        if (!sim_run(&sim, seed)) {
            printf("seed %lu failed %s\nagain: rw_sim --seed %lu --seeds 1\n", seed, sim.why, seed);
            return 1;
        }
        releases += sim.releases;
        promotions += sim.promotions;
        crashes += sim.crashes;
        leaders += sim.heads;
    }
    printf("%lu seeds passed: %lu entries released, %lu leaders, %lu promotions, %lu crashes\n",
           seeds, releases, leaders, promotions, crashes);
    return 0;
}

static int must_be_caught(int mutation, uint64_t first, uint64_t seeds) {
    rw_pair_mutation = mutation;
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        if (sim_run(&sim, seed)) continue;
        printf("mutation %d caught by seed %lu %s\n", mutation, seed, sim.why);
        return 0;
    }
    printf("mutation %d was not caught by %lu seeds from %lu\n", mutation, seeds, first);
    return 1;
}

int main(int argc, char **argv) {
    uint64_t seed = 1, seeds = 300;
    int mutation = 0;
    for (int i = 1; i + 1 < argc; i += 2) {
        uint64_t value = strtoull(argv[i + 1], NULL, 10);
        if (!strcmp(argv[i], "--seed"))
            seed = value;
        else if (!strcmp(argv[i], "--seeds"))
            seeds = value;
        else if (!strcmp(argv[i], "--trace"))
            sim_tracing = value != 0;
        else if (!strcmp(argv[i], "--mutation"))
            mutation = (int)value;
        else
            return 64;
    }
    int status = mutation ? must_be_caught(mutation, seed, seeds) : play_all(seed, seeds);
    sim_end(&sim);
    return status;
}
