/* A block is: type, length, body in words of four bytes, options, length again. It is put together
 * in memory, except for a packet's bytes, and written whole. Little-endian. */
#include "dataplane/io/pcapng.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"
#include "dataplane/io/pcap.h"

#define BLOCK_SECTION    0x0A0D0D0Au
#define BLOCK_INTERFACE  1u
#define BLOCK_STATISTICS 5u
#define BLOCK_ENHANCED   6u
#define BYTE_ORDER_MARK  0x1A2B3C4Du
#define WRITE_BYTES      (1u << 18)
#define TEXT_BYTES_MAX   1024u
#define BLOCK_BYTES      4096u /* of all but packets */

enum option {
    OPTION_END = 0,
    SECTION_APPLICATION = 4,
    INTERFACE_NAME = 2,
    INTERFACE_DESCRIPTION = 3,
    INTERFACE_RESOLUTION = 9,
    PACKET_LOST = 4,
    PACKET_NUMBER = 5,
    STATISTICS_START = 2,
    STATISTICS_END = 3,
    STATISTICS_RECEIVED = 4,
    STATISTICS_DROPPED = 5,
    STATISTICS_WRITTEN = 8,
};

struct rw_pcapng {
    FILE *file;
    int error; /* the first errno */
    uint32_t interface_count;
    char name[256];
};

/* A block in the making. */
struct block {
    uint32_t bytes;
    uint8_t body[BLOCK_BYTES];
};

static void put32(struct block *block, uint32_t value) {
    RW_ASSERT(block->bytes + 4 <= sizeof block->body);
    rw_store_le32(block->body + block->bytes, value);
    block->bytes += 4;
}

/* Unix ns as pcapng has them: the upper half first. */
static void put_time(struct block *block, uint64_t ns) {
    put32(block, (uint32_t)(ns >> 32));
    put32(block, (uint32_t)ns);
}

static void put_padded(struct block *block, const void *bytes, uint32_t count) {
    uint32_t padded = (count + 3) & ~3u;
    RW_ASSERT(block->bytes + padded <= sizeof block->body);
    memset(block->body + block->bytes, 0, padded);
    memcpy(block->body + block->bytes, bytes, count);
    block->bytes += padded;
}

static void option(struct block *block, enum option code, const void *bytes, uint32_t count) {
    put32(block, (uint32_t)code | count << 16);
    put_padded(block, bytes, count);
}
static void option_text(struct block *block, enum option code, const char *text) {
    size_t length = strlen(text);
    RW_ASSERT(length < TEXT_BYTES_MAX);
    if (length) option(block, code, text, (uint32_t)length);
}
static void option_number(struct block *block, enum option code, uint64_t number) {
    uint8_t bytes[8];
    rw_store_le64(bytes, number);
    option(block, code, bytes, sizeof bytes);
}
static void option_time(struct block *block, enum option code, uint64_t ns) {
    put32(block, (uint32_t)code | 8u << 16);
    put_time(block, ns);
}

static void begin(struct block *block, uint32_t type) {
    block->bytes = 0;
    put32(block, type);
    put32(block, 0); /* its length, by finish_block */
}

static void write_bytes(struct rw_pcapng *writer, const void *bytes, uint32_t count) {
    if (writer->error || !count) return;
    errno = 0;
    if (fwrite(bytes, count, 1, writer->file) != 1) writer->error = errno ? errno : EIO;
}

static void finish_block(struct rw_pcapng *writer, struct block *block) {
    put32(block, OPTION_END);
    put32(block, block->bytes + 4);
    rw_store_le32(block->body + 4, block->bytes);
    write_bytes(writer, block->body, block->bytes);
}

static void write_section(struct rw_pcapng *writer, const char *application) {
    struct block block;
    begin(&block, BLOCK_SECTION);
    put32(&block, BYTE_ORDER_MARK);
    put32(&block, 1);          /* version 1.0 */
    put32(&block, UINT32_MAX); /* length of the section: not known */
    put32(&block, UINT32_MAX);
    option_text(&block, SECTION_APPLICATION, application);
    finish_block(writer, &block);
}

static void write_interface(struct rw_pcapng *writer, const struct rw_pcapng_interface *interface) {
    static const uint8_t nanoseconds = 9;
    struct block block;
    begin(&block, BLOCK_INTERFACE);
    put32(&block, interface->link_type);
    put32(&block, interface->snap_bytes);
    option_text(&block, INTERFACE_NAME, interface->name);
    option_text(&block, INTERFACE_DESCRIPTION, interface->description);
    option(&block, INTERFACE_RESOLUTION, &nanoseconds, 1);
    finish_block(writer, &block);
}

int rw_pcapng_create(const char *path, const char *application,
                     const struct rw_pcapng_interface *interfaces, uint32_t count,
                     struct rw_pcapng **writer) {
    RW_ASSERT(count >= 1 && count <= RW_PCAP_INTERFACES_MAX);
    struct rw_pcapng *candidate = calloc(1, sizeof *candidate);
    if (!candidate) return rw_err_set(ENOMEM, "no memory to write the capture %s", path);
    snprintf(candidate->name, sizeof candidate->name, "%s", path);
    candidate->interface_count = count;
    candidate->file = strcmp(path, "-") ? fopen(path, "wbe") : stdout;
    if (!candidate->file) {
        int error = errno;
        free(candidate);
        return rw_err_set(error, "capture %s cannot be created: %s", path, strerror(error));
    }
    setvbuf(candidate->file, NULL, _IOFBF, WRITE_BYTES);
    write_section(candidate, application);
    for (uint32_t i = 0; i < count; i++) write_interface(candidate, &interfaces[i]);
    *writer = candidate;
    return 0;
}

void rw_pcapng_packet(struct rw_pcapng *writer, const struct rw_pcapng_packet *packet) {
    static const uint8_t padding[4];
    struct block head, tail;
    tail.bytes = 0;
    RW_ASSERT(packet->interface < writer->interface_count);
    RW_ASSERT(packet->count <= RW_PCAP_RECORD_BYTES_MAX && packet->count <= packet->original);
    begin(&head, BLOCK_ENHANCED);
    put32(&head, packet->interface);
    put_time(&head, packet->time_ns);
    put32(&head, packet->count);
    put32(&head, packet->original);
    if (packet->lost) option_number(&tail, PACKET_LOST, packet->lost);
    option_number(&tail, PACKET_NUMBER, packet->number);
    put32(&tail, OPTION_END);
    uint32_t padded = (packet->count + 3) & ~3u, total = head.bytes + padded + tail.bytes + 4;
    rw_store_le32(head.body + 4, total);
    put32(&tail, total);
    write_bytes(writer, head.body, head.bytes);
    write_bytes(writer, packet->bytes, packet->count);
    write_bytes(writer, padding, padded - packet->count);
    write_bytes(writer, tail.body, tail.bytes);
}

void rw_pcapng_statistics(struct rw_pcapng *writer, uint32_t interface,
                          const struct rw_pcapng_statistics *statistics) {
    struct block block;
    RW_ASSERT(interface < writer->interface_count);
    begin(&block, BLOCK_STATISTICS);
    put32(&block, interface);
    put_time(&block, statistics->end_ns);
    option_time(&block, STATISTICS_START, statistics->start_ns);
    option_time(&block, STATISTICS_END, statistics->end_ns);
    option_number(&block, STATISTICS_RECEIVED, statistics->received);
    option_number(&block, STATISTICS_DROPPED, statistics->dropped);
    option_number(&block, STATISTICS_WRITTEN, statistics->written);
    finish_block(writer, &block);
}

static int tell(const struct rw_pcapng *writer) {
    if (!writer->error) return 0;
    int rc = rw_err_set(writer->error, "capture %s could not be written: %s", writer->name,
                        strerror(writer->error));
    rw_err_fix("see that the disk has room and the folder may be written");
    return rc;
}

int rw_pcapng_flush(struct rw_pcapng *writer) {
    if (!writer->error && fflush(writer->file)) writer->error = errno;
    return tell(writer);
}

int rw_pcapng_finish(struct rw_pcapng *writer) {
    int failed = writer->file == stdout ? fflush(writer->file) : fclose(writer->file);
    if (failed && !writer->error) writer->error = errno;
    int rc = tell(writer);
    free(writer);
    return rc;
}
