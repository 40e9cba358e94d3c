/* Memory: all of it planned by name, mapped once, touched, then sealed.
 *
 *   rw_plan_add … ──► rw_arena_map (huge pages, else 4 KiB with a warning) ──► rw_arena_take …
 *    ──► rw_seal
 *
 * The plan is a table of rows (owner, what, bytes) that can be printed without running. The arena
 * is one mapping of the whole plan. Cores take plain memory, so tests give them malloc'd blocks. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define RW_PLAN_ROWS_MAX 256u

struct rw_plan_row {
    char owner[24]; /* stage or link */
    char what[40];
    uint64_t bytes; /* as asked */
    uint64_t offset;
    bool taken;
    bool outside; /* mapped by its owner, not part of the arena */
};

struct rw_plan {
    uint32_t count;
    uint64_t bytes; /* sum of the arena's rows, each rounded up to 4 KiB */
    struct rw_plan_row row[RW_PLAN_ROWS_MAX];
};

/* rw_plan_add adds a row; (owner, what) must be new and free of commas, quotes and backslashes,
 * asserted. bytes > 0. Rows are aligned to 4
 * KiB. */
void rw_plan_add(struct rw_plan *plan, const char *owner, const char *what, uint64_t bytes);

/* rw_plan_add_outside adds a row that only informs: memory that a library or a shared file
 * brings. */
void rw_plan_add_outside(struct rw_plan *plan, const char *owner, const char *what, uint64_t bytes);

enum rw_plan_format { RW_PLAN_TABLE, RW_PLAN_JSON, RW_PLAN_CSV };
/* rw_plan_print writes the plan: rows in order, the sum of the arena, the 2 MiB pages it takes,
 * and the sum of what is outside. Cold path. */
void rw_plan_print(FILE *out, const struct rw_plan *plan, enum rw_plan_format format);
/* rw_plan_huge_pages returns how many 2 MiB pages the arena of this plan takes. */
uint64_t rw_plan_huge_pages(const struct rw_plan *plan);

#define RW_SMALL_PAGE 4096ull
#define RW_HUGE_PAGE  (2ull << 20)

enum rw_pages { RW_PAGES_HUGE = 1, RW_PAGES_SMALL = 2 };

struct rw_arena {
    struct rw_plan *plan;
    uint8_t *base;
    uint64_t bytes;
    enum rw_pages pages; /* what it got */
};

/* rw_arena_map maps the plan: 2 MiB pages through libhugetlbfs when enough are free (huge = true),
 * else 4 KiB pages, for which the kernel is asked for transparent huge pages. Touches every page,
 * so that the run never faults. Returns 0, or -ENOMEM with an error that names the bytes wanted and
 * the cure. Cold path. The plan must stay unchanged afterwards. */
int rw_arena_map(struct rw_arena *arena, struct rw_plan *plan, bool huge);
/* rw_arena_take returns the zeroed memory of a planned row; an unplanned name or a second take is
 * a bug and asserts. Owned by the arena. */
void *rw_arena_take(struct rw_arena *arena, const char *owner, const char *what);
void rw_arena_unmap(struct rw_arena *arena);

/* rw_seal declares that no stage thread allocates from now on; rw_sealed tells. Process-wide. */
void rw_seal(void);
bool rw_sealed(void);
