/* The status that travels beside the records, so that a consumer can tell quiet from stale: the
 * payload of SoupBinTCP's unsequenced 'U' from the server, at log-in and once a second. Not
 * numbered, not hashed, not equal at both sites. */
#pragma once

#include <assert.h>
#include <stdint.h>

#include "dataplane/record/result.h"

#define RW_RESULT_STATUS_BYTES    64u
#define RW_RESULT_STATUS_TEMPLATE 2u

struct rw_result_status {
    uint16_t block_length, template_id, schema_id, schema_version; /* as in struct rw_result */
    uint64_t released; /* highest result sequence this site has published */
    uint64_t commit;   /* highest log sequence whose results may be released */
    uint64_t as_of_ns; /* event time of the last released record */
    uint64_t epoch;
    uint8_t mode;   /* enum rw_mode: 0 dual, 1 solo */
    uint8_t role;   /* enum rw_role */
    uint8_t closed; /* 1: the session is closed, no more records will come */
    uint8_t reserved[21];
};
static_assert(sizeof(struct rw_result_status) == RW_RESULT_STATUS_BYTES, "");
