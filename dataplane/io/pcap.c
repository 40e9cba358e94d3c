/* Everything comes through one function, fill: "have n bytes or fewer, if the file ends". A file
 * short of a whole header or record is a cut capture; only contradictions are errors. gzread reads
 * plain files too, so compressed and plain take the same path. */
#include "dataplane/io/pcap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"

#define MAGIC_US          0xA1B2C3D4u
#define MAGIC_NS          0xA1B23C4Du
#define MAGIC_NG          0x0A0D0D0Au
#define MAGIC_NG_ORDER    0x1A2B3C4Du
#define LINK_ETHERNET     1u
#define CLASSIC_HEADER    24u
#define CLASSIC_RECORD    16u
#define BLOCK_HEAD        8u  /* type, total length */
#define BLOCK_MIN         12u /* and the length again at the end */
#define BLOCK_BYTES_MAX   (16u << 20)
#define BLOCK_INTERFACE   1u
#define BLOCK_SIMPLE      3u
#define BLOCK_ENHANCED    6u
#define OPTION_END        0u
#define OPTION_RESOLUTION 9u
#define OPTION_OFFSET     14u
#define NS_PER_S          1000000000ull
#define READ_BYTES        (1u << 18)

struct interface {
    bool ethernet;
    bool binary; /* stamps count 2^-exponent s, else 10^-exponent s */
    uint8_t exponent;
    uint32_t snap_bytes; /* 0 = no limit */
    int64_t offset_s;
};

struct rw_pcap {
    char name[256];
    gzFile file; /* NULL: from memory */
    const uint8_t *memory;
    size_t memory_bytes;
    uint64_t offset; /* of the next byte, decompressed */
    bool compressed, big_endian, nanoseconds, ended;
    enum rw_pcap_format format;
    uint32_t interface_count;
    struct interface interface[RW_PCAP_INTERFACES_MAX];
    struct rw_pcap_count count;
    uint8_t *buffer; /* one block: grows up to BLOCK_BYTES_MAX */
    uint32_t buffer_bytes;
};

struct rw_pcap_writer {
    FILE *file;
    int error; /* the first errno */
    char name[256];
};

static int open_head(struct rw_pcap *reader);
static int next_classic(struct rw_pcap *reader, struct rw_pcap_record *record);
static int next_block(struct rw_pcap *reader, struct rw_pcap_record *record);
static int bad(struct rw_pcap *reader, const char *what, uint64_t value);

static struct rw_pcap *new_reader(const char *name) {
    struct rw_pcap *reader = calloc(1, sizeof *reader);
    uint8_t *buffer = malloc(RW_PCAP_RECORD_BYTES_MAX);
    if (!reader || !buffer) {
        free(reader);
        free(buffer);
        return NULL;
    }
    snprintf(reader->name, sizeof reader->name, "%s", name);
    reader->buffer = buffer;
    reader->buffer_bytes = RW_PCAP_RECORD_BYTES_MAX;
    return reader;
}

static int begin(struct rw_pcap *candidate, struct rw_pcap **reader) {
    int rc = open_head(candidate);
    if (rc) {
        rw_pcap_close(candidate);
        return rc;
    }
    *reader = candidate;
    return 0;
}

int rw_pcap_open(const char *path, struct rw_pcap **reader) {
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) {
        int error = errno;
        int rc = rw_err_set(error, "capture %s cannot be opened: %s", path, strerror(error));
        rw_err_fix(error == ENOENT ? "give the path of an existing pcap, pcapng or .gz file"
                                   : "let this user read the file");
        return rc;
    }
    struct rw_pcap *candidate = new_reader(path);
    gzFile file = candidate ? gzdopen(descriptor, "rb") : NULL;
    if (!file) {
        close(descriptor);
        rw_pcap_close(candidate);
        return rw_err_set(ENOMEM, "no memory to read the capture %s", path);
    }
    gzbuffer(file, READ_BYTES);
    candidate->file = file;
    return begin(candidate, reader);
}

int rw_pcap_open_memory(const char *name, const void *bytes, size_t count,
                        struct rw_pcap **reader) {
    struct rw_pcap *candidate = new_reader(name);
    if (!candidate) return rw_err_set(ENOMEM, "no memory to read the capture %s", name);
    candidate->memory = bytes;
    candidate->memory_bytes = count;
    return begin(candidate, reader);
}

int rw_pcap_next(struct rw_pcap *reader, struct rw_pcap_record *record) {
    if (reader->ended) return 0;
    int rc;
    if (reader->format == RW_PCAP_CLASSIC) {
        rc = next_classic(reader, record);
    } else {
        do rc = next_block(reader, record);
        while (rc == -EAGAIN); /* a block that is not a packet; the file's length bounds the loop */
    }
    if (rc != 1) {
        reader->ended = true;
        return rc;
    }
    struct rw_pcap_count *count = &reader->count;
    if (count->records++ == 0) count->first_ns = record->time_ns;
    count->last_ns = record->time_ns;
    count->bytes += record->bytes;
    if (record->bytes > count->longest_bytes) count->longest_bytes = record->bytes;
    if (record->cut) {
        count->cut = 1;
        reader->ended = true;
    }
    return 1;
}

enum rw_pcap_format rw_pcap_format(const struct rw_pcap *reader) { return reader->format; }
bool rw_pcap_compressed(const struct rw_pcap *reader) { return reader->compressed; }
struct rw_pcap_count rw_pcap_counted(const struct rw_pcap *reader) {
    return reader->count;
}

void rw_pcap_close(struct rw_pcap *reader) {
    if (!reader) return;
    if (reader->file) gzclose(reader->file);
    free(reader->buffer);
    free(reader);
}

bool rw_pcap_is_capture(const char *path) {
    gzFile file = gzopen(path, "rb");
    uint8_t head[4];
    bool is = false;
    if (file && gzread(file, head, sizeof head) == sizeof head) {
        uint32_t le = rw_load_le32(head), be = rw_load_be32(head);
        is = le == MAGIC_US || le == MAGIC_NS || be == MAGIC_US || be == MAGIC_NS || le == MAGIC_NG;
    }
    if (file) gzclose(file);
    return is;
}

int rw_pcap_survey(const char *path, struct rw_pcap_count *count) {
    struct rw_pcap *reader;
    struct rw_pcap_record record;
    int rc = rw_pcap_open(path, &reader);
    if (rc) return rc;
    do rc = rw_pcap_next(reader, &record);
    while (rc > 0);
    *count = reader->count;
    rw_pcap_close(reader);
    return rc;
}

/* ---- bytes from the file
 * ---------------------------------------------------------------------- */

/* fill reads up to `bytes` bytes into `to` and returns how many, fewer only at the end of the file;
 * -EIO with an error set when the file cannot be read. A .gz that stops early ends there, like a
 * cut file. */
static int64_t fill(struct rw_pcap *reader, void *to, uint32_t bytes) {
    int64_t got = 0;
    if (reader->file) {
        while (got < bytes) {
            int rc = gzread(reader->file, (uint8_t *)to + got, bytes - (uint32_t)got);
            if (rc > 0) {
                got += rc;
                continue;
            }
            int error = Z_OK;
            const char *text = gzerror(reader->file, &error);
            if (error != Z_OK && error != Z_STREAM_END && error != Z_BUF_ERROR)
                return rw_err_set(EIO, "capture %s cannot be read at byte %llu: %s", reader->name,
                                  (unsigned long long)reader->offset,
                                  error == Z_ERRNO ? strerror(errno) : text);
            break;
        }
    } else {
        size_t left = reader->memory_bytes - reader->offset;
        got = bytes < left ? bytes : (int64_t)left;
        if (got) memcpy(to, reader->memory + reader->offset, (size_t)got);
    }
    reader->offset += (uint64_t)got;
    return got;
}

static uint32_t load32(const struct rw_pcap *reader, const uint8_t *from) {
    return reader->big_endian ? rw_load_be32(from) : rw_load_le32(from);
}

static uint16_t load16(const struct rw_pcap *reader, const uint8_t *from) {
    return reader->big_endian ? rw_load_be16(from) : rw_load_le16(from);
}

static int bad(struct rw_pcap *reader, const char *what, uint64_t value) {
    int rc = rw_err_set(EBADMSG, "capture %s is damaged before byte %llu: %s (%llu)", reader->name,
                        (unsigned long long)reader->offset, what, (unsigned long long)value);
    rw_err_fix("copy the file again from its source, or cut it there");
    return rc;
}

static int foreign_link(struct rw_pcap *reader, uint32_t link) {
    int rc =
        rw_err_set(EPROTONOSUPPORT, "capture %s holds frames of link type %u, wanted Ethernet (1)",
                   reader->name, link);
    rw_err_fix("capture on one Ethernet interface, not on \"any\" or a tunnel");
    return rc;
}

/* ---- the head of the file
 * --------------------------------------------------------------------- */

static int open_ng(struct rw_pcap *reader, const uint8_t head[4]);

static int open_classic(struct rw_pcap *reader, const uint8_t magic[4]) {
    uint8_t rest[CLASSIC_HEADER - 4];
    int64_t got = fill(reader, rest, sizeof rest);
    if (got < 0) return (int)got;
    reader->format = RW_PCAP_CLASSIC;
    reader->nanoseconds = load32(reader, magic) == MAGIC_NS;
    if (got < (int64_t)sizeof rest) {
        reader->count.cut = 1;
        reader->ended = true;
        return 0;
    }
    /* the upper bits of the link field carry the length of a frame check sequence */
    uint32_t link = load32(reader, rest + 16) & 0x0FFFFFFFu;
    return link == LINK_ETHERNET ? 0 : foreign_link(reader, link);
}

static int open_head(struct rw_pcap *reader) {
    uint8_t magic[4] = {0};
    int64_t got = fill(reader, magic, sizeof magic);
    if (got < 0) return (int)got;
    reader->compressed = reader->file && !gzdirect(reader->file);
    uint32_t le = rw_load_le32(magic), be = rw_load_be32(magic);
    if (got == sizeof magic) {
        reader->big_endian = be == MAGIC_US || be == MAGIC_NS;
        if (reader->big_endian || le == MAGIC_US || le == MAGIC_NS)
            return open_classic(reader, magic);
        if (le == MAGIC_NG) return open_ng(reader, magic);
    }
    int rc = rw_err_set(EINVAL,
                        "%s is not a capture: it begins with %08X in %lld bytes, wanted pcap or "
                        "pcapng, plain or .gz",
                        reader->name, be, (long long)got);
    rw_err_fix("make one with tcpdump -w, dumpcap, or riskwire gen");
    return rc;
}

/* ---- classic pcap
 * ----------------------------------------------------------------------------- */

static int next_classic(struct rw_pcap *reader, struct rw_pcap_record *record) {
    uint8_t head[CLASSIC_RECORD];
    int64_t got = fill(reader, head, sizeof head);
    if (got < 0) return (int)got;
    if (got < (int64_t)sizeof head) {
        reader->count.cut = got > 0;
        return 0;
    }
    uint32_t captured = load32(reader, head + 8), original = load32(reader, head + 12);
    uint64_t fraction = load32(reader, head + 4);
    if (captured > RW_PCAP_RECORD_BYTES_MAX)
        return bad(reader, "record longer than 262144", captured);
    got = fill(reader, reader->buffer, captured);
    if (got < 0) return (int)got;
    *record = (struct rw_pcap_record){.time_ns = load32(reader, head) * NS_PER_S +
                                                 fraction * (reader->nanoseconds ? 1 : 1000),
                                      .frame = reader->buffer,
                                      .bytes = (uint32_t)got,
                                      .original_bytes = original > captured ? original : captured,
                                      .cut = got < captured};
    return 1;
}

/* ---- pcapng
 * ----------------------------------------------------------------------------------- */

/* read_body reads `bytes` bytes of a block into the buffer. Returns 1, 0 when the file ends
 * before. */
static int read_body(struct rw_pcap *reader, uint32_t bytes) {
    if (bytes > reader->buffer_bytes) {
        uint8_t *larger = realloc(reader->buffer, bytes);
        if (!larger) return rw_err_set(ENOMEM, "no memory for a block of %u bytes", bytes);
        reader->buffer = larger;
        reader->buffer_bytes = bytes;
    }
    int64_t got = fill(reader, reader->buffer, bytes);
    if (got < 0) return (int)got;
    if (got < bytes) reader->count.cut = 1;
    return got == bytes;
}

/* section reads a section header after its type: the byte order is known only from its body, and
 * the interfaces start anew. Returns 1, 0 at a cut, or an error. */
static int section(struct rw_pcap *reader) {
    uint8_t head[8];
    int64_t got = fill(reader, head, sizeof head);
    if (got < 0) return (int)got;
    if (got < (int64_t)sizeof head) {
        reader->count.cut = 1;
        return 0;
    }
    reader->big_endian = rw_load_be32(head + 4) == MAGIC_NG_ORDER;
    if (load32(reader, head + 4) != MAGIC_NG_ORDER)
        return bad(reader, "section without byte-order mark", load32(reader, head + 4));
    uint32_t total = load32(reader, head);
    if (total < 28 || total > BLOCK_BYTES_MAX || total % 4)
        return bad(reader, "length of a section header", total);
    reader->interface_count = 0;
    return read_body(reader, total - 12);
}

static int open_ng(struct rw_pcap *reader, const uint8_t head[4]) {
    (void)head;
    reader->format = RW_PCAP_NG;
    int rc = section(reader);
    if (rc == 0) reader->ended = true;
    return rc < 0 ? rc : 0;
}

/* add_interface reads an interface block's body: link type, snapshot length, resolution of its
 * stamps. */
static int add_interface(struct rw_pcap *reader, const uint8_t *body, uint32_t bytes) {
    if (bytes < 8) return bad(reader, "length of an interface block", bytes);
    if (reader->interface_count == RW_PCAP_INTERFACES_MAX)
        return bad(reader, "more interfaces than", RW_PCAP_INTERFACES_MAX);
    struct interface *interface = &reader->interface[reader->interface_count++];
    *interface = (struct interface){.ethernet = load16(reader, body) == LINK_ETHERNET,
                                    .snap_bytes = load32(reader, body + 4),
                                    .exponent = 6};
    for (uint32_t at = 8; at + 4 <= bytes;) {
        uint16_t code = load16(reader, body + at), length = load16(reader, body + at + 2);
        at += 4;
        if (code == OPTION_END || length > bytes - at) break;
        if (code == OPTION_RESOLUTION && length == 1) {
            interface->binary = body[at] & 0x80;
            interface->exponent = body[at] & 0x7F;
        } else if (code == OPTION_OFFSET && length == 8) {
            uint64_t offset =
                reader->big_endian ? rw_load_be64(body + at) : rw_load_le64(body + at);
            interface->offset_s = (int64_t)offset;
        }
        at += (length + 3u) & ~3u;
    }
    if (interface->exponent > (interface->binary ? 63 : 19))
        return bad(reader, "time-stamp resolution", interface->exponent);
    return -EAGAIN;
}

/* stamp_ns turns a block's stamp into Unix ns; stamps beyond 64 bits of ns saturate. */
static uint64_t stamp_ns(const struct interface *interface, uint64_t stamp) {
    unsigned __int128 ns = (unsigned __int128)stamp * NS_PER_S;
    if (interface->binary) {
        ns >>= interface->exponent;
    } else {
        uint64_t scale = 1;
        for (uint8_t i = 0; i < interface->exponent; i++) scale *= 10;
        ns /= scale;
    }
    __int128 shifted = (__int128)ns + (__int128)interface->offset_s * (int64_t)NS_PER_S;
    if (shifted < 0) return 0;
    return shifted > (__int128)UINT64_MAX ? UINT64_MAX : (uint64_t)shifted;
}

/* packet hands out an enhanced or simple packet block whose first `there` of `bytes` body bytes
 * were read. */
static int packet(struct rw_pcap *reader, uint32_t type, uint32_t bytes, uint32_t there,
                  struct rw_pcap_record *record) {
    const uint8_t *body = reader->buffer;
    uint32_t head = type == BLOCK_ENHANCED ? 20 : 4;
    if (bytes < head) return bad(reader, "length of a packet block", bytes);
    if (there < head) {
        reader->count.cut = 1;
        return 0;
    }
    uint32_t id = type == BLOCK_ENHANCED ? load32(reader, body) : 0;
    if (id >= reader->interface_count) return bad(reader, "packet of an unknown interface", id);
    const struct interface *interface = &reader->interface[id];
    uint32_t original = load32(reader, body + head - 4), captured = original;
    uint64_t time_ns =
        reader->count.last_ns; /* a simple packet has no stamp: that of the one before */
    if (type == BLOCK_ENHANCED) {
        captured = load32(reader, body + 12);
        uint64_t stamp = (uint64_t)load32(reader, body + 4) << 32 | load32(reader, body + 8);
        time_ns = stamp_ns(interface, stamp);
    } else if (interface->snap_bytes && captured > interface->snap_bytes) {
        captured = interface->snap_bytes;
    }
    if (captured > bytes - head || captured > RW_PCAP_RECORD_BYTES_MAX)
        return bad(reader, "captured length of a packet", captured);
    if (!interface->ethernet) {
        reader->count.foreign_links++;
        return there < bytes ? 0 : -EAGAIN;
    }
    uint32_t left = there - head;
    *record = (struct rw_pcap_record){.time_ns = time_ns,
                                      .frame = body + head,
                                      .bytes = left < captured ? left : captured,
                                      .original_bytes = original > captured ? original : captured,
                                      .cut = left < captured};
    return 1;
}

/* next_block reads one block. 1 = *record set, -EAGAIN = a block that is no packet, 0 = end. */
static int next_block(struct rw_pcap *reader, struct rw_pcap_record *record) {
    uint8_t head[BLOCK_HEAD];
    int64_t got = fill(reader, head, 4);
    if (got < 0) return (int)got;
    if (got < 4) {
        reader->count.cut = got > 0;
        return 0;
    }
    uint32_t type = load32(reader, head);
    if (type == MAGIC_NG) { /* reads the same in both byte orders */
        int rc = section(reader);
        return rc == 1 ? -EAGAIN : rc;
    }
    got = fill(reader, head + 4, 4);
    if (got < 0) return (int)got;
    if (got < 4) {
        reader->count.cut = 1;
        return 0;
    }
    uint32_t total = load32(reader, head + 4);
    if (total < BLOCK_MIN || total > BLOCK_BYTES_MAX || total % 4)
        return bad(reader, "length of a block", total);
    uint32_t bytes = total - BLOCK_MIN;
    uint64_t start = reader->offset;
    int rc = read_body(reader, bytes + 4);
    if (rc < 0) return rc;
    if (rc && load32(reader, reader->buffer + bytes) != total)
        return bad(reader, "second length of a block", load32(reader, reader->buffer + bytes));
    uint32_t there = (uint32_t)(reader->offset - start);
    if (there > bytes) there = bytes;
    if (type == BLOCK_ENHANCED || type == BLOCK_SIMPLE)
        return packet(reader, type, bytes, there, record);
    if (rc == 0) return 0;
    return type == BLOCK_INTERFACE ? add_interface(reader, reader->buffer, bytes) : -EAGAIN;
}

/* ---- writing
 * ---------------------------------------------------------------------------------- */

int rw_pcap_create(const char *path, struct rw_pcap_writer **writer) {
    struct rw_pcap_writer *candidate = calloc(1, sizeof *candidate);
    if (!candidate) return rw_err_set(ENOMEM, "no memory to write the capture %s", path);
    snprintf(candidate->name, sizeof candidate->name, "%s", path);
    candidate->file = fopen(path, "wbe");
    if (!candidate->file) {
        int error = errno;
        free(candidate);
        return rw_err_set(error, "capture %s cannot be created: %s", path, strerror(error));
    }
    setvbuf(candidate->file, NULL, _IOFBF, READ_BYTES);
    uint8_t head[CLASSIC_HEADER] = {0};
    rw_store_le32(head, MAGIC_NS);
    rw_store_le16(head + 4, 2); /* version 2.4 */
    rw_store_le16(head + 6, 4);
    rw_store_le32(head + 16, RW_PCAP_RECORD_BYTES_MAX);
    rw_store_le32(head + 20, LINK_ETHERNET);
    if (fwrite(head, sizeof head, 1, candidate->file) != 1) candidate->error = errno;
    *writer = candidate;
    return 0;
}

void rw_pcap_write(struct rw_pcap_writer *writer, uint64_t time_ns, const void *frame,
                   uint32_t bytes) {
    RW_ASSERT(bytes >= 1 && bytes <= RW_PCAP_RECORD_BYTES_MAX);
    RW_ASSERT(time_ns / NS_PER_S <= UINT32_MAX);
    uint8_t head[CLASSIC_RECORD];
    rw_store_le32(head, (uint32_t)(time_ns / NS_PER_S));
    rw_store_le32(head + 4, (uint32_t)(time_ns % NS_PER_S));
    rw_store_le32(head + 8, bytes);
    rw_store_le32(head + 12, bytes);
    if (writer->error) return;
    if (fwrite(head, sizeof head, 1, writer->file) != 1 ||
        fwrite(frame, bytes, 1, writer->file) != 1)
        writer->error = errno ? errno : EIO;
}

int rw_pcap_finish(struct rw_pcap_writer *writer) {
    int error = writer->error;
    if (fclose(writer->file) && !error) error = errno;
    int rc = 0;
    if (error) {
        rc =
            rw_err_set(error, "capture %s could not be written: %s", writer->name, strerror(error));
        rw_err_fix("see that the disk has room and the folder may be written");
    }
    free(writer);
    return rc;
}

int rw_pcap_unpack(const char *from, const char *to, struct rw_pcap_count *count) {
    struct rw_pcap *reader;
    struct rw_pcap_writer *writer;
    struct rw_pcap_record record;
    int rc = rw_pcap_open(from, &reader);
    if (rc) return rc;
    rc = rw_pcap_create(to, &writer);
    if (rc) {
        rw_pcap_close(reader);
        return rc;
    }
    struct rw_pcap_count kept = {0};
    while ((rc = rw_pcap_next(reader, &record)) == 1) {
        if (record.cut || record.bytes == 0 || record.time_ns / NS_PER_S > UINT32_MAX) continue;
        rw_pcap_write(writer, record.time_ns, record.frame, record.bytes);
        if (kept.records++ == 0) kept.first_ns = record.time_ns;
        kept.last_ns = record.time_ns;
        kept.bytes += record.bytes;
        if (record.bytes > kept.longest_bytes) kept.longest_bytes = record.bytes;
    }
    kept.cut = reader->count.cut;
    kept.foreign_links = reader->count.foreign_links;
    rw_pcap_close(reader);
    int finish = rw_pcap_finish(writer);
    if (rc == 0) rc = finish;
    if (rc)
        unlink(to);
    else if (count)
        *count = kept;
    return rc;
}
