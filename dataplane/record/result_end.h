/* The end marker: what merge says after the last record of an input, in the same 128-byte slots.
 *
 *   … record record [end n] record [end n'] …        merge ─► deliver, and in the result journal
 *
 * It carries the running result hash, so the result journal is its own index of (n → rh). One
 * follows each input that emitted records, and each input divisible by RW_RESULT_END_EVERY even
 * when it emitted none. It is never delivered and not part of the hash. `kind` stands where a
 * record has its kind. */
#pragma once

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/record/result.h"

#define RW_RESULT_END       255u  /* value of kind */
#define RW_RESULT_END_EVERY 1024u /* an end at each n divisible by this, records or not */

struct rw_result_end {
    uint16_t block_length, template_id, schema_id, schema_version; /* as in struct rw_result */
    uint64_t count;          /* records that input_sequence emitted, 0.. */
    uint64_t input_sequence; /* n */
    uint64_t last_result;    /* highest result sequence emitted up to and with n, 0 = none yet */
    uint8_t reserved0[8];
    uint8_t kind; /* RW_RESULT_END */
    uint8_t reserved1[7];
    uint64_t rh_low, rh_high; /* running result hash rh(n) */
    uint8_t reserved2[64];
};
static_assert(sizeof(struct rw_result_end) == RW_RESULT_BYTES, "an end fills a record's slot");
static_assert(offsetof(struct rw_result_end, kind) == offsetof(struct rw_result, kind), "");
static_assert(offsetof(struct rw_result_end, input_sequence) ==
                  offsetof(struct rw_result, input_sequence),
              "");
