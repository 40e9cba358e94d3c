/* The SPSC ring between two pinned threads, in ns a message, against what one would take
 * otherwise: a queue under a mutex, and Concurrency Kit's SPSC ring of pointers where it is
 * installed. Slots of 64 bytes, of which 8 are written.
 *
 * The two threads are on the first two CPUs this process may use; with one CPU the figures mean
 * nothing. */
#include <pthread.h>
#include <sched.h>
#ifdef RW_HAVE_CK
#include <ck_ring.h>
#endif

#include "dataplane/base/cpu.h"
#include "dataplane/link/ring.h"
#include "perf/bench.h"

#define DEPTH       4096u
#define SLOT        64u
#define SPINS_YIELD 4096u

static uint64_t messages = 4000000;
static struct rw_cpus cpus;
/* Written by the consumer at the end only: a line that one side writes and the other reads (the
 * pointers next to it) would be measured instead of the ring. */
static uint64_t sum_seen;

struct queue { /* the plain alternative */
    pthread_mutex_t lock;
    uint64_t head, tail;
    uint8_t slot[DEPTH][SLOT];
};

static _Alignas(128) struct rw_ring *ring; /* read only from here on */
static _Alignas(128) struct queue queue = {.lock = PTHREAD_MUTEX_INITIALIZER};
#ifdef RW_HAVE_CK
static ck_ring_t ck;
static ck_ring_buffer_t ck_slots[DEPTH];
static uint8_t ck_memory[DEPTH][SLOT];
#endif

/* Waits for the other side: spins, and now and then lets others run, as this machine is shared. */
static void wait_for_other(uint32_t *spins) {
    __builtin_ia32_pause();
    if (++*spins % SPINS_YIELD == 0) sched_yield();
}

static uint32_t burst_of(void *argument) { return *(const uint32_t *)argument; }

static void *produce_ring(void *burst) {
    uint32_t most = burst_of(burst), spins = 0;
    for (uint64_t next = 0; next < messages;) {
        uint32_t room = rw_ring_room(ring, most), count = room < most ? room : most;
        if (count > messages - next) count = (uint32_t)(messages - next);
        if (!count) wait_for_other(&spins);
        for (uint32_t i = 0; i < count; i++) *(uint64_t *)rw_ring_slot(ring, i) = next++;
        rw_ring_push(ring, count);
    }
    return NULL;
}

static void consume_ring(void *burst) {
    uint32_t most = burst_of(burst), spins = 0;
    uint64_t sum = 0;
    for (uint64_t next = 0; next < messages;) {
        uint32_t ready = rw_ring_ready(ring, 1), count = ready < most ? ready : most;
        if (!count) wait_for_other(&spins);
        for (uint32_t i = 0; i < count; i++) sum += *(const uint64_t *)rw_ring_front(ring, i);
        rw_ring_pop(ring, count);
        next += count;
    }
    sum_seen += sum;
}

static bool queue_push(uint64_t value) {
    pthread_mutex_lock(&queue.lock);
    bool room = queue.head - queue.tail < DEPTH;
    if (room) memcpy(queue.slot[queue.head++ % DEPTH], &value, sizeof value);
    pthread_mutex_unlock(&queue.lock);
    return room;
}

static bool queue_pop(uint64_t *value) {
    pthread_mutex_lock(&queue.lock);
    bool ready = queue.head != queue.tail;
    if (ready) memcpy(value, queue.slot[queue.tail++ % DEPTH], sizeof *value);
    pthread_mutex_unlock(&queue.lock);
    return ready;
}

static void *produce_queue(void *burst) {
    uint32_t spins = 0;
    for (uint64_t next = 0; next < messages;)
        if (queue_push(next))
            next++;
        else
            wait_for_other(&spins);
    return NULL;
}

static void consume_queue(void *burst) {
    uint32_t spins = 0;
    uint64_t value, sum = 0;
    for (uint64_t next = 0; next < messages;) {
        if (queue_pop(&value))
            sum += value, next++;
        else
            wait_for_other(&spins);
    }
    sum_seen += sum;
}

#ifdef RW_HAVE_CK
static void *produce_ck(void *burst) {
    uint32_t spins = 0;
    for (uint64_t next = 0; next < messages;) {
        uint8_t *slot =
            ck_memory[next % DEPTH]; /* the ring holds DEPTH - 1: this slot has been read */
        if (ck_ring_size(&ck) >= DEPTH - 1) {
            wait_for_other(&spins);
            continue;
        }
        memcpy(slot, &next, sizeof next);
        if (ck_ring_enqueue_spsc(&ck, ck_slots, slot)) next++;
    }
    return NULL;
}

static void consume_ck(void *burst) {
    uint32_t spins = 0;
    uint64_t sum = 0;
    void *slot;
    for (uint64_t next = 0; next < messages;) {
        if (!ck_ring_dequeue_spsc(&ck, ck_slots, &slot)) {
            wait_for_other(&spins);
            continue;
        }
        sum += *(const uint64_t *)slot;
        next++;
    }
    sum_seen += sum;
}
#endif

struct pair {
    void *(*produce)(void *burst);
    void (*consume)(void *burst);
    uint32_t burst;
};

static void *produce_pinned(void *argument) {
    struct pair *pair = argument;
    if (cpus.count > 1) rw_cpu_pin(cpus.cpu[1].id);
    return pair->produce(&pair->burst);
}

static double run_pair(void *argument) {
    struct pair *pair = argument;
    pthread_t producer;
    uint64_t start = rw_bench_now();
    if (pthread_create(&producer, NULL, produce_pinned, pair)) abort();
    pair->consume(&pair->burst);
    pthread_join(producer, NULL);
    return (double)(rw_bench_now() - start) / (double)messages;
}

int main(int argc, char **argv) {
    bool quick = rw_bench_quick(argc, argv);
    if (quick) messages /= 4;
    if (rw_cpus_read(&cpus, "")) return 1;
    rw_cpus_keep_allowed(&cpus);
    rw_cpu_pin(cpus.cpu[0].id);
    ring = rw_ring_new(aligned_alloc(RW_CACHE_LINE, rw_ring_footprint(DEPTH, SLOT)), DEPTH, SLOT);
    struct pair one = {produce_ring, consume_ring, 1}, burst = {produce_ring, consume_ring, 32},
                mutex = {produce_queue, consume_queue, 1};
    struct rw_bench_variant variants[4] = {{"ring_push1_ns", run_pair, &one},
                                           {"ring_push32_ns", run_pair, &burst},
                                           {"mutex_queue_ns", run_pair, &mutex}};
    uint32_t count = 3;
#ifdef RW_HAVE_CK
    struct pair kit = {produce_ck, consume_ck, 1};
    ck_ring_init(&ck, DEPTH);
    variants[count++] = (struct rw_bench_variant){"ck_ring_ns", run_pair, &kit};
#endif
    rw_bench_rounds(variants, count, quick ? 3 : 7);
    for (uint32_t i = 0; i < count; i++) {
        char least[64];
        snprintf(least, sizeof least, "%s_least", variants[i].name);
        rw_bench_value(variants[i].name, variants[i].median, "ns");
        rw_bench_value(least, variants[i].least, "ns");
    }
    rw_bench_at_least("ring_to_mutex", variants[2].median / variants[0].median, "x", 2);
#ifdef RW_HAVE_CK
    rw_bench_at_least("ring_to_ck", variants[3].median / variants[0].median, "x", 0.9);
#endif
    return sum_seen == 0;
}
