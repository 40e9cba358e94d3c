#include "dataplane/base/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <hugetlbfs.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/base/log.h"

static uint64_t round_up(uint64_t bytes, uint64_t to) { return (bytes + to - 1) / to * to; }

static struct rw_plan_row *find_row(struct rw_plan *plan, const char *owner, const char *what) {
    for (uint32_t i = 0; i < plan->count; i++)
        if (!strcmp(plan->row[i].owner, owner) && !strcmp(plan->row[i].what, what))
            return &plan->row[i];
    return NULL;
}

static struct rw_plan_row *add_row(struct rw_plan *plan, const char *owner, const char *what,
                                   uint64_t bytes) {
    RW_ASSERT(bytes > 0 && bytes < 1ull << 46);
    RW_ASSERT(plan->count < RW_PLAN_ROWS_MAX);
    RW_ASSERT(strlen(owner) < sizeof plan->row[0].owner && strlen(what) < sizeof plan->row[0].what);
    RW_ASSERT(!find_row(plan, owner, what));
    /* rows are printed as CSV and JSON */
    RW_ASSERT(!strpbrk(owner, ",\"\\") && !strpbrk(what, ",\"\\"));
    struct rw_plan_row *row = &plan->row[plan->count++];
    *row = (struct rw_plan_row){.bytes = bytes, .offset = plan->bytes};
    strcpy(row->owner, owner);
    strcpy(row->what, what);
    return row;
}

void rw_plan_add(struct rw_plan *plan, const char *owner, const char *what, uint64_t bytes) {
    add_row(plan, owner, what, bytes);
    plan->bytes += round_up(bytes, RW_SMALL_PAGE);
}

void rw_plan_add_outside(struct rw_plan *plan, const char *owner, const char *what,
                         uint64_t bytes) {
    add_row(plan, owner, what, bytes)->outside = true;
}

uint64_t rw_plan_huge_pages(const struct rw_plan *plan) {
    return round_up(plan->bytes, RW_HUGE_PAGE) / RW_HUGE_PAGE;
}

void rw_plan_print(FILE *out, const struct rw_plan *plan, enum rw_plan_format format) {
    static const char *const rows[] = {[RW_PLAN_TABLE] = "%-24s %-40s %16" PRIu64 "  %s\n",
                                       [RW_PLAN_JSON] =
                                           "{\"owner\":\"%s\",\"what\":\"%s\",\"bytes\":%" PRIu64
                                           ",\"place\":\"%s\"}",
                                       [RW_PLAN_CSV] = "%s,%s,%" PRIu64 ",%s\n"};
    if (format == RW_PLAN_TABLE)
        fprintf(out, "%-24s %-40s %16s  IN\n", "OWNER", "WHAT", "BYTES");
    else
        fputs(format == RW_PLAN_JSON ? "{\"rows\":[" : "owner,what,bytes,place\n", out);
    uint64_t outside = 0;
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct rw_plan_row *row = &plan->row[i];
        if (row->outside) outside += row->bytes;
        if (format == RW_PLAN_JSON && i) fputc(',', out);
        fprintf(out, rows[format], row->owner, row->what, row->bytes,
                row->outside ? "outside" : "arena");
    }
    uint64_t pages = rw_plan_huge_pages(plan);
    if (format == RW_PLAN_TABLE)
        fprintf(out,
                "\narena %" PRIu64 " bytes = %" PRIu64 " huge pages of 2 MiB; outside %" PRIu64
                " bytes\n",
                plan->bytes, pages, outside);
    else if (format == RW_PLAN_JSON)
        fprintf(out,
                "],\"arena_bytes\":%" PRIu64 ",\"huge_pages_2m\":%" PRIu64
                ",\"outside_bytes\":%" PRIu64 "}\n",
                plan->bytes, pages, outside);
}

/* The kernel's count of free 2 MiB pages that nobody has reserved. */
static uint64_t huge_pages_free(void) {
    uint64_t available = 0, reserved = 0;
    char line[160];
    FILE *file = fopen("/proc/meminfo", "re");
    if (!file) return 0;
    while (fgets(line, sizeof line, file)) {
        sscanf(line, "HugePages_Free: %" SCNu64, &available);
        sscanf(line, "HugePages_Rsvd: %" SCNu64, &reserved);
    }
    fclose(file);
    return available > reserved ? available - reserved : 0;
}

static void *map_huge(uint64_t bytes) {
    uint64_t wanted = bytes / RW_HUGE_PAGE, available = huge_pages_free();
    /* libhugetlbfs would say less: it is asked only when the pages are there. */
    void *base = available >= wanted ? get_hugepage_region(bytes, GHR_STRICT) : NULL;
    if (!base)
        rw_warning("using 4 KiB pages for %" PRIu64 " MiB, expect more TLB misses: %" PRIu64
                   " huge pages of 2 MiB are wanted, %" PRIu64
                   " are free; fix: sysctl vm.nr_hugepages=%" PRIu64,
                   bytes >> 20, wanted, available, wanted + 16);
    return base;
}

/* Anonymous memory on a 2 MiB boundary, which the kernel is asked to back with transparent huge
 * pages. It promises nothing, so the arena counts as one of small pages either way. */
static void *map_small(uint64_t bytes) {
    uint8_t *map = mmap(NULL, bytes + RW_HUGE_PAGE, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED) return NULL;
    uint64_t before = round_up((uintptr_t)map, RW_HUGE_PAGE) - (uintptr_t)map;
    if (before) munmap(map, before);
    if (before < RW_HUGE_PAGE) munmap(map + before + bytes, RW_HUGE_PAGE - before);
    madvise(map + before, bytes, MADV_HUGEPAGE); /* a kernel without them refuses: no harm */
    return map + before;
}

int rw_arena_map(struct rw_arena *arena, struct rw_plan *plan, bool huge) {
    RW_ASSERT(plan->bytes > 0);
    *arena = (struct rw_arena){.plan = plan, .bytes = round_up(plan->bytes, RW_HUGE_PAGE)};
    if (huge && (arena->base = map_huge(arena->bytes))) {
        arena->pages = RW_PAGES_HUGE;
    } else {
        arena->bytes = round_up(plan->bytes, RW_SMALL_PAGE);
        arena->pages = RW_PAGES_SMALL;
        arena->base = map_small(arena->bytes);
        if (!arena->base) {
            int why = errno;
            rw_err_set(ENOMEM, "%" PRIu64 " MiB of memory cannot be mapped",
                       (arena->bytes >> 20) + 1);
            rw_err_why("the kernel says %s", strerror(why));
            rw_err_fix(
                "free memory, raise RLIMIT_AS, or make the rows that `riskwire mem` shows smaller");
            return -ENOMEM;
        }
    }
    for (uint64_t at = 0; at < arena->bytes; at += RW_SMALL_PAGE)
        *(volatile uint8_t *)(arena->base + at) = 0; /* a page fault now, not during the run */
    return 0;
}

void *rw_arena_take(struct rw_arena *arena, const char *owner, const char *what) {
    struct rw_plan_row *row = find_row(arena->plan, owner, what);
    RW_ASSERT(row && !row->taken && !row->outside);
    RW_ASSERT(row->offset + row->bytes <= arena->bytes);
    row->taken = true;
    return arena->base + row->offset;
}

void rw_arena_unmap(struct rw_arena *arena) {
    if (!arena->base) return;
    if (arena->pages == RW_PAGES_HUGE)
        free_hugepage_region(arena->base);
    else
        munmap(arena->base, arena->bytes);
    arena->base = NULL;
}

static atomic_bool sealed;
void rw_seal(void) { atomic_store(&sealed, true); }
bool rw_sealed(void) { return atomic_load(&sealed); }
