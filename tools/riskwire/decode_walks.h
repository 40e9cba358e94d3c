/* guess and walk of each feed in decode_feeds.c: framing to messages, messages to lines or counts.
 * The promise of each function is that of its place in struct rw_decode_feed. */
#pragma once

#include "tools/riskwire/decode_feeds.h"

/* A pair for each feed: rw_decode_<feed>_guess and rw_decode_<feed>_walk. */
#define RW_DECODE_WALK(stem)                                              \
    bool rw_decode_##stem##_guess(const struct rw_decode_packet *packet); \
    void rw_decode_##stem##_walk(const struct rw_decode_packet *packet, struct rw_decode *decode)
RW_DECODE_WALK(deep10);
RW_DECODE_WALK(deepplus);
RW_DECODE_WALK(itch50);
RW_DECODE_WALK(memoir);
RW_DECODE_WALK(ouch50);
RW_DECODE_WALK(pitch);
RW_DECODE_WALK(mdp3);
