/* The ring against a model on one thread, and its promise between two. Build with
 * -Db_sanitize=thread: a weakened release or acquire then shows as a race on the slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "dataplane/base/rng.h"
#include "dataplane/link/ring.h"
#include "tests/unit/base/dies.h"

#define MESSAGES 300000u

struct slot {
    uint64_t number, check[7];
};

static struct rw_ring *make_ring(uint32_t depth, uint32_t slot_bytes) {
    return rw_ring_new(aligned_alloc(RW_CACHE_LINE, rw_ring_footprint(depth, slot_bytes)), depth,
                       slot_bytes);
}

static uint64_t seed_of_run(void) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;
    printf("RW_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}

static void a_new_ring_has_all_its_room_and_nothing_ready(void **state) {
    struct rw_ring *ring = make_ring(8, 64);
    assert_int_equal(rw_ring_room(ring, 8), 8);
    assert_int_equal(rw_ring_ready(ring, 1), 0);
    assert_int_equal((uintptr_t)rw_ring_slot(ring, 0) % RW_CACHE_LINE, 0);
    free(ring);
}

static void push_never_fails_when_room_was_granted(void **state) {
    struct rw_ring *ring = make_ring(4, 8);
    for (uint64_t round = 0; round < 100; round++) {
        uint32_t room = rw_ring_room(ring, 4);
        assert_int_equal(room, 4);
        for (uint32_t i = 0; i < room; i++) *(uint64_t *)rw_ring_slot(ring, i) = round * 4 + i;
        rw_ring_push(ring, room);
        assert_int_equal(rw_ring_room(ring, 1), 0);
        assert_int_equal(rw_ring_ready(ring, 4), 4);
        for (uint32_t i = 0; i < 4; i++)
            assert_int_equal(*(const uint64_t *)rw_ring_front(ring, i), round * 4 + i);
        rw_ring_pop(ring, 4);
    }
    free(ring);
}

static void push_five(void *ring) { rw_ring_push(ring, 5); }
static void pop_one(void *ring) { rw_ring_pop(ring, 1); }
static void depth_three(void *unused) { rw_ring_footprint(3, 8); }
static void slot_of_four(void *unused) { rw_ring_footprint(4, 4); }

static void more_than_was_granted_is_a_bug(void **state) {
    struct rw_ring *ring = make_ring(4, 8);
    rw_ring_room(ring, 4);
    assert_true(dies(push_five, ring));
    assert_true(dies(pop_one, ring));
    assert_true(dies(depth_three, NULL));
    assert_true(dies(slot_of_four, NULL));
    free(ring);
}

static void the_ring_behaves_like_a_bounded_queue(void **state) {
    struct rw_rng rng;
    rw_rng_seed(&rng, seed_of_run());
    for (uint32_t depth = 2; depth <= 64; depth *= 2) {
        struct rw_ring *ring = make_ring(depth, 8);
        uint64_t pushed = 0, popped = 0;
        for (int step = 0; step < 20000; step++) {
            uint32_t want = 1 + (uint32_t)rw_rng_below(&rng, depth);
            if (rw_rng_chance(&rng, 1, 2)) {
                uint32_t room = rw_ring_room(ring, want), count = room < want ? room : want;
                assert_true(room <= depth - (pushed - popped));
                if (room < want) assert_int_equal(room, depth - (pushed - popped));
                for (uint32_t i = 0; i < count; i++)
                    *(uint64_t *)rw_ring_slot(ring, i) = pushed + i;
                rw_ring_push(ring, count);
                pushed += count;
            } else {
                uint32_t ready = rw_ring_ready(ring, want), count = ready < want ? ready : want;
                assert_true(ready <= pushed - popped);
                if (ready < want) assert_int_equal(ready, pushed - popped);
                for (uint32_t i = 0; i < count; i++)
                    assert_int_equal(*(const uint64_t *)rw_ring_front(ring, i), popped + i);
                rw_ring_pop(ring, count);
                popped += count;
            }
        }
        free(ring);
    }
}

struct pair {
    struct rw_ring *ring;
    uint64_t seed;
};

static void *produce(void *argument) {
    struct pair *pair = argument;
    struct rw_rng rng;
    rw_rng_seed(&rng, pair->seed);
    for (uint64_t next = 0; next < MESSAGES;) {
        uint32_t want = 1 + (uint32_t)rw_rng_below(&rng, 8), room = rw_ring_room(pair->ring, want);
        if (room < want) {
            sched_yield();
            continue;
        }
        for (uint32_t i = 0; i < want; i++) {
            struct slot *slot = rw_ring_slot(pair->ring, i);
            slot->number = next + i;
            for (uint64_t k = 0; k < 7; k++) slot->check[k] = (next + i) * (k + 3);
        }
        rw_ring_push(pair->ring, want);
        next += want;
    }
    return NULL;
}

static void slots_reach_another_thread_whole_and_in_order(void **state) {
    struct pair pair = {make_ring(32, sizeof(struct slot)), seed_of_run()};
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, produce, &pair), 0);
    uint64_t expected = 0, wrong = 0;
    while (expected < MESSAGES) {
        uint32_t ready = rw_ring_ready(pair.ring, 1);
        if (!ready) sched_yield();
        for (uint32_t i = 0; i < ready; i++, expected++) {
            const struct slot *slot = rw_ring_front(pair.ring, i);
            wrong += slot->number != expected;
            for (uint64_t k = 0; k < 7; k++) wrong += slot->check[k] != expected * (k + 3);
        }
        rw_ring_pop(pair.ring, ready);
    }
    pthread_join(producer, NULL);
    assert_int_equal(wrong, 0);
    free(pair.ring);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_ring_has_all_its_room_and_nothing_ready),
        cmocka_unit_test(push_never_fails_when_room_was_granted),
        cmocka_unit_test(more_than_was_granted_is_a_bug),
        cmocka_unit_test(the_ring_behaves_like_a_bounded_queue),
        cmocka_unit_test(slots_reach_another_thread_whole_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
