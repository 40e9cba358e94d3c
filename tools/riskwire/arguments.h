/* Values of command-line options, read strictly: anything else ends the program with the reason. */
#pragma once

#include <argp.h>
#include <stdint.h>

#include "dataplane/feed/venue.h"

/* rw_argument_number reads a whole number in low..high; name is the option's, without dashes. */
uint64_t rw_argument_number(struct argp_state *state, const char *name, const char *text,
                            uint64_t low, uint64_t high);
/* rw_argument_decimal reads a number with up to so many decimals (≤ 9), exactly, as a whole number
 * of 10^-decimals in low..high. */
uint64_t rw_argument_decimal(struct argp_state *state, const char *name, const char *text,
                             uint32_t decimals, uint64_t low, uint64_t high);
/* rw_argument_percent reads a percentage in 0..50 with up to four decimals, exactly, into parts per
 * million. */
uint32_t rw_argument_percent(struct argp_state *state, const char *name, const char *text);
/* rw_argument_feed reads the name of a venue's feed, as feed.venue has it. */
const struct rw_venue *rw_argument_feed(struct argp_state *state, const char *text);
