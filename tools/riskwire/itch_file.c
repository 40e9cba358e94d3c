/* A capture is walked packet by packet with a cursor inside the packet; a length-prefixed file is
 * mapped. */
#include "tools/riskwire/itch_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"
#include "dataplane/feed/moldudp64.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/udp.h"

#define GZIP_RATIO 16u /* generous for market data */

struct rw_itch_file {
    struct rw_pcap *pcap; /* NULL: length-prefixed */
    struct rw_blocks cursor;
    struct rw_itch_item packet; /* what all messages of the current packet share */
    const uint8_t *mapped;
    uint64_t mapped_bytes, at, sequence;
    uint64_t bytes;
    struct rw_itch_file_count count;
};

static int map_file(const char *path, struct rw_itch_file *file) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return rw_err_set(errno, "cannot open %s: %s", path, strerror(errno));
    void *mapped = NULL;
    struct stat status;
    int rc = fstat(fd, &status) < 0 ? errno : S_ISREG(status.st_mode) ? 0 : EINVAL;
    if (rc == 0 && status.st_size > 0) {
        mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (mapped == MAP_FAILED) rc = errno;
    }
    close(fd);
    if (rc) return rw_err_set(rc, "cannot read %s: %s", path, strerror(rc));
    file->mapped = mapped;
    file->mapped_bytes = file->bytes = (uint64_t)status.st_size;
    return 0;
}

int rw_itch_file_open(const char *path, struct rw_itch_file **file) {
    struct rw_itch_file *opened = calloc(1, sizeof *opened);
    if (!opened) return rw_err_set(ENOMEM, "no memory to read %s", path);
    int rc;
    if (rw_pcap_is_capture(path)) {
        rc = rw_pcap_open(path, &opened->pcap);
        struct stat status;
        if (rc == 0 && stat(path, &status) == 0)
            opened->bytes =
                (uint64_t)status.st_size * (rw_pcap_compressed(opened->pcap) ? GZIP_RATIO : 1u);
    } else {
        rc = map_file(path, opened);
    }
    if (rc < 0) {
        free(opened);
        return rc;
    }
    *file = opened;
    return 0;
}

/* A length of zero ends a session; what follows is counted on as if it were one file. */
static int next_prefixed(struct rw_itch_file *file, struct rw_itch_item *item) {
    uint32_t bytes = 0;
    while (bytes == 0) {
        uint64_t left = file->mapped_bytes - file->at;
        if (left == 0) return 0;
        if (left >= 2) bytes = rw_load_be16(file->mapped + file->at);
        if (left < 2 || bytes > left - 2) {
            file->count.cut++;
            file->at = file->mapped_bytes;
            return 0;
        }
        file->at += 2;
        if (bytes == 0) file->count.session_ends++;
    }
    memset(item, 0, sizeof *item);
    memset(item->session, ' ', sizeof item->session);
    item->message = file->mapped + file->at;
    item->bytes = bytes;
    item->sequenced = true;
    item->sequence = ++file->sequence;
    file->at += bytes;
    return 1;
}

/* Opens a frame's packet: sets cursor and packet, or counts why there is nothing in it. */
static void open_packet(struct rw_itch_file *file, const struct rw_pcap_record *record) {
    struct rw_udp udp;
    struct rw_packet packet;
    enum rw_udp_verdict verdict =
        rw_udp_parse(record->frame, record->bytes, RW_UDP_CHECK_NONE, &udp);
    file->count.packets++;
    if (verdict != RW_UDP_accepted && verdict != RW_UDP_cut_payload) {
        file->count.foreign_frames++;
        return;
    }
    if (rw_mold_decode(udp.payload, udp.bytes, &packet) != RW_PACKET_FINE) {
        file->count.bad_packets++;
        return;
    }
    if (packet.kind == RW_PACKET_HEARTBEAT) file->count.heartbeats++;
    if (packet.kind == RW_PACKET_END) file->count.session_ends++;
    uint32_t whole;
    enum rw_packet_fault fault = rw_packet_check(&packet, &whole);
    if (fault == RW_PACKET_TRUNCATED) file->count.cut++;
    if (fault == RW_PACKET_TRAILING) file->count.bad_packets++;
    file->cursor = packet.blocks;
    file->packet.sequenced = packet.blocks.sequence != 0;
    file->packet.time_ns = record->time_ns;
    memcpy(file->packet.session, packet.session, sizeof packet.session);
}

static int next_captured(struct rw_itch_file *file, struct rw_itch_item *item) {
    struct rw_block message;
    while (!file->cursor.left || !rw_blocks_next(&file->cursor, &message)) {
        struct rw_pcap_record record;
        memset(&file->cursor, 0, sizeof file->cursor);
        int rc = rw_pcap_next(file->pcap, &record);
        if (rc <= 0) return rc;
        open_packet(file, &record);
    }
    *item = file->packet;
    item->message = message.bytes;
    item->bytes = message.count;
    item->sequence = message.sequence;
    return 1;
}

int rw_itch_file_next(struct rw_itch_file *file, struct rw_itch_item *item) {
    return file->pcap ? next_captured(file, item) : next_prefixed(file, item);
}

struct rw_itch_file_count rw_itch_file_counted(const struct rw_itch_file *file) {
    return file->count;
}

uint64_t rw_itch_file_bytes(const struct rw_itch_file *file) { return file->bytes; }

void rw_itch_file_close(struct rw_itch_file *file) {
    if (file->pcap) rw_pcap_close(file->pcap);
    if (file->mapped) munmap((void *)(uintptr_t)file->mapped, file->mapped_bytes);
    free(file);
}
