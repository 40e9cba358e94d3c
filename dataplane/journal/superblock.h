/* The superblock: 512 bytes that must never go back in time (epoch, identity, membership of a
 * site).
 *
 *   file  ┌ copy 0 (4 KiB): magic crc generation payload ┬ copy 1 (4 KiB) ┐
 *
 * A write goes to one copy, waits until it is durable, then to the other; it counts as done
 * only when both have it. So a torn write leaves the value before it, and one damaged copy
 * never brings an older value back. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/io/file.h"

#define RW_SUPERBLOCK_PAYLOAD 512u

struct rw_superblock;

/* rw_superblock_footprint: bytes for rw_superblock_open, 4,096-aligned. */
size_t rw_superblock_footprint(void);
/* rw_superblock_open loads the newest valid copy, or makes the file (payload all zero,
 * generation 0) when it does not exist. Blocks: start-up only. disk: the stage's queue (count
 * 1 operation). Returns 0, or -errno with an error; -EBADMSG when the file exists and no copy
 * is valid. */
int rw_superblock_open(struct rw_superblock **superblock, void *memory, const char *path,
                       struct rw_disk *disk);
/* rw_superblock_payload returns the last value loaded or asked to be written; 512 bytes. */
const void *rw_superblock_payload(const struct rw_superblock *superblock);
/* rw_superblock_generation counts the writes asked for since the file was made; 0 = never
 * written. */
uint64_t rw_superblock_generation(const struct rw_superblock *superblock);
/* rw_superblock_durable returns the generation that both copies hold. */
uint64_t rw_superblock_durable(const struct rw_superblock *superblock);
/* rw_superblock_write takes a copy of the payload as the next generation and returns its
 * number. When a write is under way this one starts after it (one that had not started is
 * replaced). Stage thread, no waiting. */
uint64_t rw_superblock_write(struct rw_superblock *superblock,
                             const uint8_t payload[RW_SUPERBLOCK_PAYLOAD]);
/* rw_superblock_poll moves writes on; once a visit. Returns how many things happened. */
uint32_t rw_superblock_poll(struct rw_superblock *superblock);
/* rw_superblock_error returns 0, or the -errno of a failed write, after which nothing is
 * written any more. */
int rw_superblock_error(const struct rw_superblock *superblock);
/* rw_superblock_close closes the file; a write not yet durable is finished first (blocks).
 * After the stage thread has stopped. */
void rw_superblock_close(struct rw_superblock *superblock);
/* rw_superblock_abandon closes the file and writes nothing, as a crash would leave it. */
void rw_superblock_abandon(struct rw_superblock *superblock);

/* rw_superblock_decode judges the 8 KiB of such a file: returns the generation (≥ 0) of the
 * newest valid copy and its payload, or -EBADMSG. Pure; for tools and fuzzing. */
int64_t rw_superblock_decode(const uint8_t bytes[2 * 4096], uint8_t payload[RW_SUPERBLOCK_PAYLOAD]);
