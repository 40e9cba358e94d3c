/* Delivery: what a reader of the shared-memory ring and a SoupBinTCP client see.
 *
 *   broadcast_one_way   a record put, seen by a reader on another CPU: ping-pong over two rings,
 *                       half of a round trip (so no clock is compared across CPUs)
 *   broadcast_put       the writer alone, records back to back
 *   soup_throughput     server and one client over loopback, from the ring, each on its own CPU
 *
 * Repeats are interleaved; minimum and median of the repeats are printed. */
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/clock.h"
#include "dataplane/delivery/broadcast.h"
#include "dataplane/delivery/client.h"
#include "dataplane/delivery/soup_client.h"
#include "dataplane/delivery/soup_server.h"

#define REPEATS      7u
#define DEPTH        65536u
#define ROUNDS       20000u
#define PUTS         1000000u
#define SOUP_RECORDS 400000u
#define ONE_WAY_NS   150.0
#define SOUP_PER_S   500000.0
#define SESSION      "2611210001"

static struct rw_clock clock_;
static char folder[] = "/dev/shm/rw-bench-XXXXXX";

static void pin(int cpu) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    sched_setaffinity(0, sizeof set, &set); /* best effort: without it the figure is only worse */
}

static void create(struct rw_broadcast *ring, const char *name) {
    char path[64];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    struct rw_broadcast_cfg cfg = {.path = path, .depth = DEPTH, .session = SESSION};
    RW_ASSERT(!rw_broadcast_create(ring, &cfg));
}

static struct rw_client *open_client(const struct rw_broadcast *ring) {
    struct rw_client *client = rw_client_open(ring->path);
    RW_ASSERT(client);
    return client;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void report(const char *name, double values[REPEATS], const char *unit, double target,
                   bool less) {
    qsort(values, REPEATS, sizeof *values, compare);
    double median = values[REPEATS / 2], best = less ? values[0] : values[REPEATS - 1];
    printf("%s_best %.1f %s\n", name, best, unit);
    printf("%s %.1f %s", name, median, unit);
    if (target > 0)
        printf(" target %.0f %s", target, (median <= target) == less ? "met" : "missed");
    putchar('\n');
}

struct pong {
    struct rw_broadcast *back;
    struct rw_client *there;
};

static void *answer(void *context) {
    struct pong *pong = context;
    struct rw_result record = {0};
    pin(1);
    for (uint64_t s = 1; s <= ROUNDS; s++) {
        while (rw_client_next(pong->there, &record) != 1) __builtin_ia32_pause();
        rw_broadcast_put(pong->back, &record);
    }
    return NULL;
}

/* Half of the median round trip. */
static double one_way_ns(void) {
    static double trip[ROUNDS];
    struct rw_broadcast there, back;
    create(&there, "there");
    create(&back, "back");
    struct pong pong = {&back, open_client(&there)};
    struct rw_client *client = open_client(&back);
    pthread_t thread;
    RW_ASSERT(!pthread_create(&thread, NULL, answer, &pong));
    struct rw_result record = {0};
    for (uint64_t s = 1; s <= ROUNDS; s++) {
        uint64_t begin = rw_clock_now(&clock_);
        record.result_sequence = s;
        rw_broadcast_put(&there, &record);
        while (rw_client_next(client, &record) != 1) __builtin_ia32_pause();
        trip[s - 1] = (double)(rw_clock_now(&clock_) - begin) / 2;
    }
    pthread_join(thread, NULL);
    rw_client_close(client);
    rw_client_close(pong.there);
    rw_broadcast_close(&there, true);
    rw_broadcast_close(&back, true);
    qsort(trip, ROUNDS, sizeof *trip, compare);
    return trip[ROUNDS / 2];
}

static double put_ns(void) {
    struct rw_broadcast ring;
    create(&ring, "put");
    struct rw_result record = {0};
    uint64_t begin = rw_clock_now(&clock_);
    for (uint64_t s = 1; s <= PUTS; s++) {
        record.result_sequence = s;
        rw_broadcast_put(&ring, &record);
    }
    double ns = (double)(rw_clock_now(&clock_) - begin) / PUTS;
    rw_broadcast_close(&ring, true);
    return ns;
}

struct receiver {
    uint16_t port;
    _Atomic bool done;
};

static void *receive(void *context) {
    struct receiver *receiver = context;
    struct rw_soup_client *client;
    struct rw_result record;
    pin(1);
    RW_ASSERT(!rw_soup_client_open(&client, "127.0.0.1", receiver->port, "", 1, 5000));
    for (uint64_t s = 1; s <= SOUP_RECORDS;) {
        int got = rw_soup_client_next(client, &record, 5000);
        RW_ASSERT(got > 0);
        s += got == RW_SOUP_GOT_RECORD;
    }
    rw_soup_client_close(client);
    atomic_store(&receiver->done, true);
    return NULL;
}

/* Records are released as fast as the client takes them: never a whole ring ahead. */
static double soup_per_s(void) {
    struct rw_broadcast ring;
    create(&ring, "soup");
    struct rw_soup_counters counters = {0};
    struct rw_soup_server_cfg cfg = {.session = SESSION, .clients_max = 1};
    void *memory = aligned_alloc(64, (rw_soup_server_footprint(&cfg) + 63) / 64 * 64);
    RW_ASSERT(memory);
    memset(memory, 0, rw_soup_server_footprint(&cfg));
    struct rw_soup_server *server = rw_soup_server_new(memory, &cfg, &counters);
    RW_ASSERT(!rw_soup_server_listen(server, "127.0.0.1", 0));
    struct receiver receiver = {.port = rw_soup_server_port(server)};
    pthread_t thread;
    RW_ASSERT(!pthread_create(&thread, NULL, receive, &receiver));
    while (!rw_stat_get(&counters.logins))
        rw_soup_server_poll(server, &ring, rw_clock_now(&clock_));
    struct rw_result_status status = {0};
    struct rw_result record = {0};
    uint64_t begin = rw_clock_now(&clock_);
    while (!atomic_load(&receiver.done)) {
        uint64_t sent = rw_stat_get(&counters.records_sent);
        for (int i = 0; i < 64 && status.released < SOUP_RECORDS; i++) {
            if (status.released - sent >= DEPTH / 2) break;
            record.result_sequence = ++status.released;
            rw_broadcast_put(&ring, &record);
        }
        rw_soup_server_release(server, &status);
        rw_soup_server_poll(server, &ring, rw_clock_now(&clock_));
    }
    double per_s = SOUP_RECORDS * 1e9 / (double)(rw_clock_now(&clock_) - begin);
    pthread_join(thread, NULL);
    rw_soup_server_close(server);
    rw_broadcast_close(&ring, true);
    free(memory);
    return per_s;
}

int main(void) {
    double one_way[REPEATS], put[REPEATS], soup[REPEATS];
    clock_ = rw_clock_tsc();
    RW_ASSERT(mkdtemp(folder));
    pin(0);
    for (uint32_t i = 0; i < REPEATS; i++) {
        one_way[i] = one_way_ns();
        put[i] = put_ns();
        soup[i] = soup_per_s();
    }
    rmdir(folder);
    report("broadcast_one_way_p50", one_way, "ns", ONE_WAY_NS, true);
    report("broadcast_put", put, "ns", 0, true);
    report("soup_throughput", soup, "records/s", SOUP_PER_S, false);
    return 0;
}
