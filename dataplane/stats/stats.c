/* The file:
 *
 *   ┌ header 128 B ┬ block ┬ block ┬ … ┬ free ┐     block: ┌ head ┬ rows (text) ┬ cells ┐
 *
 * Blocks follow one another, each 64-byte aligned. `used` is stored last with release, so a
 * reader never sees half a block; the magic is stored last of the header. A reader checks every
 * length and every text once, when it opens the file; it reads nothing that it has not checked. */
#include "dataplane/stats/stats.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/base/shared.h"

#define MAGIC      0x3153544154535752ull /* "RWSTATS1" */
#define VERSION    1u
#define FILE_BYTES (4ull << 20)
#define ROWS_MAX   512u
#define CELL_ALIGN 64u

struct header {
    _Atomic uint64_t magic;
    uint32_t version;
    uint32_t header_bytes;
    uint64_t bytes;        /* of the file */
    _Atomic uint64_t used; /* bytes of blocks after the header */
    uint64_t pid;
    uint64_t start_time; /* of the process, in the kernel's ticks since boot; 0 = unknown */
    char site[32];
    uint8_t reserved[48];
};
static_assert(sizeof(struct header) == 128, "the header is two lines");

struct block {
    uint64_t bytes; /* of the whole block, a multiple of CELL_ALIGN */
    uint32_t kind;  /* enum rw_stat_kind */
    uint32_t rows;
    uint64_t cells; /* offset of the cells from the start of the block */
    char name[40];
};
static_assert(sizeof(struct block) == 64, "a block's head is one line");

struct row_text {
    char name[40], unit[16], help[136];
};
static_assert(sizeof(struct row_text) == 192, "");

struct rw_stats {
    struct header *header;
    uint8_t *blocks;
    uint64_t used; /* bytes of blocks that were checked (reader) or added (writer) */
    struct rw_shared shared;
};

static uint64_t cells_bytes(uint32_t kind, uint64_t rows) {
    return kind == RW_STAT_HIST ? rows * sizeof(struct rw_hist) : rows * sizeof(rw_stat);
}

static uint64_t align_up(uint64_t bytes) {
    return (bytes + CELL_ALIGN - 1) / CELL_ALIGN * CELL_ALIGN;
}

/* The start time tells a process from a later one with the same pid. */
static uint64_t process_start_time(uint64_t pid) {
    char path[64], line[1024];
    snprintf(path, sizeof path, "/proc/%" PRIu64 "/stat", pid);
    FILE *file = fopen(path, "re");
    if (!file) return 0;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = 0;
    char *at = strrchr(line, ')'); /* the name before may hold spaces; field 3 follows */
    for (int field = 3; at && field <= 22; field++) at = strchr(at + 1, ' ');
    return at ? strtoull(at, NULL, 10) : 0;
}

static struct rw_stats *stats_of(const struct rw_shared *shared) {
    struct rw_stats *stats = calloc(1, sizeof *stats);
    RW_ASSERT(stats);
    *stats = (struct rw_stats){.header = (struct header *)shared->map,
                               .blocks = shared->map + sizeof(struct header),
                               .shared = *shared};
    return stats;
}

static void write_header(struct header *header, const char *site, uint64_t pid) {
    header->version = VERSION;
    header->header_bytes = sizeof *header;
    header->bytes = FILE_BYTES;
    header->pid = pid;
    header->start_time = process_start_time(pid);
    snprintf(header->site, sizeof header->site, "%s", site);
    /* pairs with the acquire in check_file: a reader that sees the magic sees the header */
    atomic_store_explicit(&header->magic, MAGIC, memory_order_release);
}

struct rw_stats *rw_stats_create(const char *path, const char *site, uint64_t pid) {
    struct rw_shared shared = {.bytes = FILE_BYTES};
    if (!path) {
        shared.map =
            mmap(NULL, FILE_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        RW_ASSERT(shared.map != MAP_FAILED);
        write_header((struct header *)shared.map, site, pid);
        return stats_of(&shared);
    }
    int rc = rw_shared_make(&shared, path, FILE_BYTES, 0644);
    if (!rc) {
        write_header((struct header *)shared.map, site, pid);
        rc = rw_shared_publish(&shared, path);
    }
    if (!rc) return stats_of(&shared);
    errno = -rw_err_add(rc, "the statistics file cannot be made");
    return NULL;
}

static bool has_end(const char *text, size_t bytes) { return memchr(text, 0, bytes) != NULL; }

/* Checks one block against the bytes that are left; 0 when it is not sound, else its length. */
static uint64_t check_block(const uint8_t *at, uint64_t left) {
    const struct block *block = (const void *)at;
    if (left < sizeof *block || block->bytes > left || block->bytes % CELL_ALIGN) return 0;
    if (block->kind > RW_STAT_HIST || block->rows == 0 || block->rows > ROWS_MAX) return 0;
    if (!has_end(block->name, sizeof block->name)) return 0;
    uint64_t text_end = sizeof *block + (uint64_t)block->rows * sizeof(struct row_text);
    if (block->cells < text_end || block->cells % CELL_ALIGN || block->cells > block->bytes)
        return 0;
    if (block->bytes - block->cells < cells_bytes(block->kind, block->rows)) return 0;
    const struct row_text *row = (const void *)(block + 1);
    for (uint32_t i = 0; i < block->rows; i++)
        if (!has_end(row[i].name, sizeof row->name) || !has_end(row[i].unit, sizeof row->unit) ||
            !has_end(row[i].help, sizeof row->help))
            return 0;
    return block->bytes;
}

/* Returns NULL when the mapped bytes are a sound statistics file, else what is wrong with it. */
static const char *check_file(struct rw_stats *stats) {
    const struct header *header = stats->header;
    /* pairs with the release in write_header */
    if (atomic_load_explicit(&header->magic, memory_order_acquire) != MAGIC)
        return "it is not a statistics file";
    if (header->version != VERSION || header->header_bytes != sizeof *header)
        return "it was written by another version of riskwired";
    if (header->bytes > stats->shared.bytes) return "it is cut short";
    if (!has_end(header->site, sizeof header->site)) return "its header is damaged";
    /* pairs with the release in add_block: the blocks below `used` are complete */
    stats->used = atomic_load_explicit(&header->used, memory_order_acquire);
    if (stats->used > stats->shared.bytes - sizeof *header) return "it is cut short";
    for (uint64_t at = 0; at < stats->used;) {
        uint64_t bytes = check_block(stats->blocks + at, stats->used - at);
        if (!bytes) return "one of its blocks is damaged";
        at += bytes;
    }
    return NULL;
}

struct rw_stats *rw_stats_open(const char *path) {
    struct rw_shared shared;
    int rc = rw_shared_attach(&shared, path, sizeof(struct header), 0);
    if (rc) {
        rw_err_add(rc, "the statistics cannot be read");
        return NULL;
    }
    struct rw_stats *stats = stats_of(&shared);
    const char *wrong = check_file(stats);
    if (!wrong) return stats;
    rw_stats_close(stats);
    rw_err_set(EINVAL, "%s cannot be read: %s", path, wrong);
    return NULL;
}

void rw_stats_close(struct rw_stats *stats) {
    if (!stats) return;
    rw_shared_unmap(&stats->shared);
    free(stats);
}

/* True when a row of this block and name is there already. */
static bool is_taken(const struct rw_stats *stats, const char *block, const char *name) {
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);)
        if (!strcmp(item.block, block) && !strcmp(item.name, name)) return true;
    return false;
}

static void copy_text(char *to, size_t bytes, const char *from) {
    RW_ASSERT(strlen(from) < bytes);
    strcpy(to, from);
}

static void *add_block(struct rw_stats *stats, const char *name, enum rw_stat_kind kind,
                       const struct rw_stat_row *rows, uint32_t count) {
    struct header *header = stats->header;
    RW_ASSERT(count > 0 && count <= ROWS_MAX);
    for (uint32_t i = 0; i < count; i++) RW_ASSERT(!is_taken(stats, name, rows[i].name));
    uint64_t cells = align_up(sizeof(struct block) + count * sizeof(struct row_text));
    uint64_t bytes = align_up(cells + cells_bytes(kind, count));
    RW_ASSERT(stats->used + bytes <= header->bytes - sizeof *header);

    struct block *block = (void *)(stats->blocks + stats->used);
    *block = (struct block){.bytes = bytes, .kind = kind, .rows = count, .cells = cells};
    copy_text(block->name, sizeof block->name, name);
    struct row_text *text = (void *)(block + 1);
    for (uint32_t i = 0; i < count; i++) {
        copy_text(text[i].name, sizeof text->name, rows[i].name);
        copy_text(text[i].unit, sizeof text->unit, rows[i].unit);
        copy_text(text[i].help, sizeof text->help, rows[i].help);
    }
    stats->used += bytes;
    /* pairs with the acquire in check_file */
    atomic_store_explicit(&header->used, stats->used, memory_order_release);
    return (uint8_t *)block + cells;
}

void *rw_stats_block(struct rw_stats *stats, const char *block, enum rw_stat_kind kind,
                     const struct rw_stat_row *rows, uint32_t count) {
    RW_ASSERT(kind == RW_STAT_COUNTER || kind == RW_STAT_GAUGE);
    return add_block(stats, block, kind, rows, count);
}

struct rw_hist *rw_stats_hist(struct rw_stats *stats, const char *block, const char *name,
                              const char *help) {
    struct rw_stat_row row = {name, "ns", help};
    return add_block(stats, block, RW_STAT_HIST, &row, 1);
}

/* A position is (offset of the block / CELL_ALIGN) * ROWS_MAX + row. */
bool rw_stats_next(const struct rw_stats *stats, uint64_t *at, struct rw_stats_item *item) {
    uint64_t offset = *at / ROWS_MAX * CELL_ALIGN;
    uint32_t i = (uint32_t)(*at % ROWS_MAX);
    if (offset >= stats->used) return false;
    const struct block *block = (const void *)(stats->blocks + offset);
    const struct row_text *row = (const struct row_text *)(block + 1) + i;
    const uint8_t *cells = (const uint8_t *)block + block->cells;
    *item = (struct rw_stats_item){.block = block->name,
                                   .name = row->name,
                                   .unit = row->unit,
                                   .help = row->help,
                                   .kind = (enum rw_stat_kind)block->kind};
    if (block->kind == RW_STAT_HIST)
        item->hist = (const struct rw_hist *)(const void *)cells + i;
    else
        item->value = rw_stat_get((const rw_stat *)(const void *)cells + i);
    if (i + 1 < block->rows)
        *at += 1;
    else
        *at = (offset + block->bytes) / CELL_ALIGN * ROWS_MAX;
    return true;
}

const char *rw_stats_site(const struct rw_stats *stats) { return stats->header->site; }
uint64_t rw_stats_pid(const struct rw_stats *stats) { return stats->header->pid; }

bool rw_stats_alive(const struct rw_stats *stats) {
    uint64_t pid = stats->header->pid, started = stats->header->start_time;
    if (pid == 0 || pid > INT32_MAX) return false;
    if (kill((pid_t)pid, 0) && errno != EPERM) return false;
    return started == 0 || process_start_time(pid) == started;
}
