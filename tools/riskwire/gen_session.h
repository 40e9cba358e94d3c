/* What `riskwire gen` makes: a simulated session, or the files that go beside a capture. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Of the day that sessions are of: 2025-01-06 00:00 in New York. */
#define RW_GEN_MIDNIGHT_NS (UINT64_C(1736139600) * 1000000000u)

struct rw_gen_options {
    const char *dir, *capture; /* capture NULL: simulate */
    const char *feed;          /* of the lines, RW_GEN_FRAMING_NAMES */
    uint64_t seed, messages, duration_ns, midnight_ns;
    uint32_t symbols, portfolios, holders, fills_percent, truths, scenarios;
    uint32_t loss_ppm, reorder_ppm, duplicate_ppm, skew_ns, both_lost;
    uint16_t vlan;
    bool locates;
    bool listed; /* symbols and prices come from the seed `listing` */
    uint64_t listing;
};

/* rw_gen_session simulates a session and writes line_a.pcap, line_b.pcap, session.itch, truth/
 * and the CSV files into options->dir, which exists. rw_gen_for_capture writes the CSV files for
 * a capture: its symbols, start prices as it shows them, one holder each, fills of its trades;
 * and, when the capture is a length-prefixed file, the two lines that carry its messages. Both
 * return 0 or -errno with an error set, and tell what they made on stderr. */
int rw_gen_session(const struct rw_gen_options *options);
int rw_gen_for_capture(const struct rw_gen_options *options);
