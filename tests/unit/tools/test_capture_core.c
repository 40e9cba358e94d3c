/* Records of taps to packets: numbers, losses and messages of several slots. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/base/rng.h"
#include "dataplane/nic/frame.h"
#include "dataplane/record/result.h"
#include "tools/riskwire/capture_core.h"

static struct rw_capture_source source;
static struct rw_pcapng_packet packet;

static const struct rw_tap_row port = {"rx port0", "", RW_TAP_FRAMES, 0};
static const struct rw_tap_row entries = {"enrich->risk0", "", RW_TAP_SLOTS, RW_SLOT_BYTES};

static bool take(uint64_t number, uint32_t bytes, uint32_t flags, const void *from) {
    struct rw_tap_record record = {.time_ns = number * 10,
                                   .number = number,
                                   .bytes = bytes,
                                   .original = bytes,
                                   .flags = flags};
    return rw_capture_take(&source, &record, from, &packet);
}
static bool take_frame(uint64_t number) { return take(number, 5, 0, "frame"); }
static bool take_slot(uint64_t number, uint8_t slots, uint32_t flags) {
    uint8_t slot[RW_SLOT_BYTES];
    memset(slot, (int)number, sizeof slot);
    slot[offsetof(struct rw_entry, slots)] = slots;
    return take(number, sizeof slot, flags, slot);
}

static void a_tap_is_of_the_type_of_what_passes_it(void **state) {
    static const struct {
        const char *name;
        uint32_t kind, slot_bytes, type;
    } rows[] = {{"rx port0", RW_TAP_FRAMES, 0, RW_PCAPNG_ETHERNET},
                {"rx->feed", RW_TAP_SLOTS, RW_FRAME_SLOT_BYTES, RW_CAPTURE_FRAME},
                {"feed->enrich", RW_TAP_SLOTS, RW_SLOT_BYTES, RW_CAPTURE_ENTRY},
                {"repl->cold", RW_TAP_SLOTS, RW_SLOT_BYTES, RW_CAPTURE_SLOT},
                {"merge->deliver", RW_TAP_SLOTS, RW_RESULT_BYTES, RW_CAPTURE_RESULT},
                {"a->b", RW_TAP_SLOTS, 8, RW_CAPTURE_SLOT}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct rw_tap_row row = {.kind = rows[i].kind, .slot_bytes = rows[i].slot_bytes};
        snprintf(row.name, sizeof row.name, "%s", rows[i].name);
        assert_int_equal(rw_capture_link_type(&row), rows[i].type);
    }
}

static void a_capture_begins_with_what_it_gets_first(void **state) {
    rw_capture_begin(&source, &port, 100);
    assert_true(take_frame(105)); /* 101 to 104 passed before the site began to copy */
    assert_int_equal(packet.number, 105);
    assert_int_equal(packet.lost, 0);
    assert_int_equal(packet.time_ns, 1050);
    assert_int_equal(packet.count, 5);
    rw_capture_end(&source, 105);
    assert_int_equal(source.start, 104);
    assert_int_equal(source.read, 1);
    assert_int_equal(source.lost, 0);
}

static void what_is_missing_stands_at_the_next_packet(void **state) {
    rw_capture_begin(&source, &port, 0);
    assert_true(take_frame(1));
    rw_capture_overrun(&source);
    assert_true(take_frame(8));
    assert_int_equal(packet.lost, 6);
    assert_true(take_frame(9));
    assert_int_equal(packet.lost, 0);
    rw_capture_end(&source, 12); /* three more had passed and were overwritten */
    assert_int_equal(source.read, 3);
    assert_int_equal(source.lost, 9);
}

static void an_overrun_before_the_first_record_is_a_loss(void **state) {
    rw_capture_begin(&source, &port, 10);
    rw_capture_overrun(&source);
    assert_true(take_frame(15));
    assert_int_equal(packet.lost, 4);
    assert_int_equal(source.start, 10);
}

static void a_capture_of_nothing_has_lost_nothing(void **state) {
    rw_capture_begin(&source, &port, 10);
    rw_capture_end(&source, 10);
    assert_int_equal(source.read + source.lost, 0);
    rw_capture_begin(&source, &port, 10);
    rw_capture_end(&source, 30); /* passed before the site began to copy */
    assert_int_equal(source.lost, 0);
}

static void a_message_of_several_slots_is_one_packet(void **state) {
    rw_capture_begin(&source, &entries, 0);
    assert_true(take_slot(1, 1, RW_TAP_FIRST));
    assert_int_equal(packet.count, 64);
    assert_false(take_slot(2, 3, 0));
    assert_false(take_slot(3, 99, 0)); /* not a head: what it holds there means nothing */
    assert_true(take_slot(4, 0, 0));
    assert_int_equal(packet.number, 2);
    assert_int_equal(packet.time_ns, 20);
    assert_int_equal(packet.count, 192);
    for (uint8_t i = 0; i < 3; i++)
        assert_int_equal(((const uint8_t *)packet.bytes)[i * 64], 2 + i);
    rw_capture_end(&source, 4);
    assert_int_equal(source.read, 4);
    assert_int_equal(source.lost, 0);
}

static void after_a_loss_slots_are_skipped_up_to_the_next_message(void **state) {
    rw_capture_begin(&source, &entries, 0);
    assert_false(take_slot(1, 2, RW_TAP_FIRST));
    rw_capture_overrun(&source);
    assert_false(take_slot(10, 1, 0)); /* a head, or the rest of an entry: who knows */
    assert_false(take_slot(11, 1, 0));
    assert_true(take_slot(12, 1, RW_TAP_FIRST));
    assert_int_equal(packet.lost, 11);
    assert_int_equal(source.read + source.lost, 12);
    assert_false(take_slot(13, 16, 0));
    rw_capture_end(&source, 13); /* a message that never became whole */
    assert_int_equal(source.lost, 12);
}

static void a_slot_count_that_cannot_be_is_taken_for_one(void **state) {
    rw_capture_begin(&source, &entries, 0);
    assert_true(take_slot(1, 0, RW_TAP_FIRST));
    assert_true(take_slot(2, 17, 0));
    assert_int_equal(source.read, 2);
}

static void of_a_frame_only_what_is_used_is_kept(void **state) {
    static union {
        struct rw_frame frame;
        uint8_t bytes[RW_FRAME_SLOT_BYTES];
    } slot;
    struct rw_tap_row row = {"rx->feed", "", RW_TAP_SLOTS, RW_FRAME_SLOT_BYTES};
    rw_capture_begin(&source, &row, 0);
    slot.frame.bytes = 100;
    assert_true(take(1, sizeof slot, RW_TAP_FIRST, &slot));
    assert_int_equal(packet.count, sizeof slot.frame + 100);
    assert_int_equal(packet.original, sizeof slot.frame + 100);
    slot.frame.bytes = UINT16_MAX; /* damaged: no more than the slot */
    assert_true(take(2, sizeof slot, 0, &slot));
    assert_int_equal(packet.count, sizeof slot);
}

/* Entries of random length in visits of random length, with random overruns: packets are whole
 * entries, and read + lost = passed. */
static void random_losses_leave_whole_messages_and_a_true_sum(void **state) {
    struct rw_rng rng;
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1, number = 0, slots_read = 0;
    printf("RW_SEED=%llu\n", (unsigned long long)seed);
    rw_rng_seed(&rng, seed);
    rw_capture_begin(&source, &entries, 0);
    for (int visit = 0; visit < 5000; visit++) {
        bool overrun = rw_rng_chance(&rng, 1, 20), first = true;
        if (overrun) rw_capture_overrun(&source);
        uint64_t keep_from = overrun ? rw_rng_below(&rng, 20) : 0, at = 0;
        for (uint64_t entry = 0; entry < 5; entry++) {
            uint8_t slots = (uint8_t)(1 + rw_rng_below(&rng, 4));
            for (uint8_t i = 0; i < slots; i++, first = false) {
                number++;
                if (at++ < keep_from) continue;
                if (!take_slot(number, i ? 0 : slots, first ? RW_TAP_FIRST : 0)) continue;
                assert_int_equal(packet.number + packet.count / 64 - 1, number);
                assert_int_equal(packet.count / 64, slots); /* never a part of one */
                slots_read += slots;
            }
        }
    }
    rw_capture_end(&source, number);
    assert_int_equal(source.read, slots_read);
    assert_int_equal(source.read + source.lost, number);
    assert_true(source.lost > 0 && source.read > number / 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tap_is_of_the_type_of_what_passes_it),
        cmocka_unit_test(a_capture_begins_with_what_it_gets_first),
        cmocka_unit_test(what_is_missing_stands_at_the_next_packet),
        cmocka_unit_test(an_overrun_before_the_first_record_is_a_loss),
        cmocka_unit_test(a_capture_of_nothing_has_lost_nothing),
        cmocka_unit_test(a_message_of_several_slots_is_one_packet),
        cmocka_unit_test(after_a_loss_slots_are_skipped_up_to_the_next_message),
        cmocka_unit_test(a_slot_count_that_cannot_be_is_taken_for_one),
        cmocka_unit_test(of_a_frame_only_what_is_used_is_kept),
        cmocka_unit_test(random_losses_leave_whole_messages_and_a_true_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
