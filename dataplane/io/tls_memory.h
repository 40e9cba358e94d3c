/* Memory for OpenSSL on stage threads.
 *
 *   OpenSSL allocates ─┬─ on a stage thread ─► fixed blocks: 64 × 128 B, 16 × 1 KiB
 *                      └─ elsewhere, larger, or no block left ─► malloc
 *
 * OpenSSL 3.0 takes and gives back three small blocks for every TLS 1.3 record it sends and
 * one for every record it receives, and a few per thread that last; no mode avoids it. A stage
 * thread does not call the allocator, so OpenSSL is given one of ours. */
#pragma once

/* rw_tls_memory_setup makes OpenSSL allocate here from now on, for the whole process. A stage
 * thread is one that has called rw_log_forbid. Returns 0, or -EBUSY with an error when OpenSSL
 * has already allocated: call it first thing. Cold path. */
int rw_tls_memory_setup(void);
