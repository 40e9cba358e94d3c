/* Records whose every word follows from their sequence, so a test sees a torn or foreign one. */
#pragma once

#include <stdbool.h>
#include <string.h>

#include "dataplane/record/result.h"
#include "dataplane/record/result_end.h"

static inline struct rw_result make_result(uint64_t sequence, uint64_t input) {
    struct rw_result record = {
        .block_length = RW_RESULT_BLOCK_LENGTH,
        .template_id = RW_RESULT_TEMPLATE,
        .schema_id = RW_RESULT_SCHEMA,
        .schema_version = RW_RESULT_SCHEMA_VERSION,
        .result_sequence = sequence,
        .input_sequence = input,
        .event_time_ns = sequence * 1000,
        .portfolio = (uint32_t)sequence,
        .instrument = (uint32_t)(sequence >> 7),
        .kind = RW_RESULT_PORTFOLIO,
        .position = (int64_t)(sequence * 3),
        .mark = (int64_t)(sequence * 5),
        .realised_pnl = (int64_t)(sequence * 7),
        .unrealised_pnl = (int64_t)(sequence * 11),
        .gross = (int64_t)(sequence * 13),
        .net = (int64_t)(sequence * 17),
        .open_buys = (int64_t)(sequence * 19),
        .open_sells = (int64_t)(sequence * 23),
    };
    return record;
}

/* is_result: the record is the one that make_result makes of its sequence and input. */
static inline bool is_result(const struct rw_result *record, uint64_t sequence) {
    struct rw_result expected = make_result(sequence, record->input_sequence);
    return memcmp(record, &expected, sizeof expected) == 0;
}

static inline struct rw_result make_end(uint64_t input, uint64_t count, uint64_t last) {
    union {
        struct rw_result slot;
        struct rw_result_end end;
    } both = {0};
    both.end.kind = RW_RESULT_END;
    both.end.input_sequence = input;
    both.end.count = count;
    both.end.last_result = last;
    both.end.rh_low = input * 0x9E3779B97F4A7C15ull;
    both.end.rh_high = ~input;
    return both.slot;
}
