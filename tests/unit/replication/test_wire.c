/* The wire codec: what is encoded comes back, nothing incomplete or damaged is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/rng.h"
#include "replication/wire.h"

static uint8_t payload[4096];
static uint8_t frame[RW_WIRE_FRAME_MAX];
static struct rw_rng rng;

static int seed(void **state) {
    const char *text = getenv("RW_SEED");
    uint64_t value = text ? strtoull(text, NULL, 0) : 7;
    printf("RW_SEED=%llu\n", (unsigned long long)value);
    rw_rng_seed(&rng, value);
    return 0;
}

static void fill(void *bytes, size_t count) {
    for (size_t i = 0; i < count; i++) ((uint8_t *)bytes)[i] = (uint8_t)rw_rng_next(&rng);
}

/* A message of the type whose fields hold random values that are allowed. */
static struct rw_message any_message(uint8_t type) {
    struct rw_message message = {.type = type, .site = (uint8_t)rw_rng_below(&rng, 2)};
    message.number = rw_rng_next(&rng);
    message.stamp_ns = rw_rng_next(&rng);
    message.epoch = rw_rng_next(&rng);
    fill(&message.lineage, sizeof message.lineage);
    fill(&message.identity, sizeof message.identity);
    switch (type) {
    case RW_MESSAGE_HELLO:
        fill(&message.hello, offsetof(struct rw_hello, leads));
        message.hello.terms.wire_lowest = 1;
        message.hello.leads = 1;
        message.hello.member = 1;
        message.hello.follows = 1;
        snprintf(message.hello.build, sizeof message.hello.build, "build %d",
                 (int)rw_rng_below(&rng, 1000));
        break;
    case RW_MESSAGE_HELLO_ACK:
        fill(&message.hello_ack, sizeof message.hello_ack);
        break;
    case RW_MESSAGE_APPEND:
        fill(payload, sizeof payload);
        fill(&message.append, offsetof(struct rw_append, payload));
        message.append.count = 1 + (uint32_t)rw_rng_below(&rng, 8);
        message.append.payload_bytes =
            64 * (message.append.count + (uint32_t)rw_rng_below(&rng, 8));
        message.append.payload = payload;
        break;
    case RW_MESSAGE_ACK:
        fill(&message.ack, sizeof message.ack);
        break;
    case RW_MESSAGE_NAK:
        fill(&message.nak, sizeof message.nak);
        break;
    case RW_MESSAGE_COMMIT:
        fill(&message.commit, sizeof message.commit);
        break;
    case RW_MESSAGE_DIVERGED:
        fill(&message.diverged, sizeof message.diverged);
        break;
    case RW_MESSAGE_HALT:
        message.halt_reason = 3;
        break;
    default:
        break;
    }
    return message;
}

/* Padding inside the structs is not part of a message, so frames are compared, not structs. */
static void a_message_comes_back_as_it_was(void **state) {
    static uint8_t again[RW_WIRE_FRAME_MAX];
    for (int round = 0; round < 200; round++) {
        for (uint8_t type = 1; type < RW_MESSAGE_TYPE_COUNT; type++) {
            struct rw_message message = any_message(type), copy;
            uint32_t bytes = rw_wire_encode(&message, frame, sizeof frame);
            assert_int_equal(bytes, rw_wire_bytes(&message));
            assert_int_equal(rw_wire_decode(frame, bytes, &copy), bytes);
            assert_int_equal(rw_wire_encode(&copy, again, sizeof again), bytes);
            assert_memory_equal(frame, again, bytes);
            assert_int_equal(copy.epoch, message.epoch);
            assert_int_equal(copy.site, message.site);
        }
    }
}

static void the_fields_stand_where_the_layout_says(void **state) {
    struct rw_message message = {.type = RW_MESSAGE_NAK, .site = 1, .number = 2, .epoch = 9};
    message.nak.from = 0x1122334455667788;
    uint32_t bytes = rw_wire_encode(&message, frame, sizeof frame);
    assert_int_equal(bytes, RW_WIRE_HEAD_BYTES + 8);
    assert_memory_equal(frame, "RWRP", 4);
    assert_int_equal(rw_load_le16(frame + 4), RW_WIRE_VERSION);
    assert_int_equal(frame[6], RW_MESSAGE_NAK);
    assert_int_equal(frame[7], 1);
    assert_int_equal(rw_load_le32(frame + 8), bytes);
    assert_int_equal(rw_load_le64(frame + 16), 2);
    assert_int_equal(rw_load_le64(frame + 32), 9);
    assert_int_equal(rw_load_le64(frame + RW_WIRE_HEAD_BYTES), 0x1122334455667788);
}

static void a_frame_cut_at_any_byte_is_only_incomplete(void **state) {
    for (uint8_t type = 1; type < RW_MESSAGE_TYPE_COUNT; type++) {
        struct rw_message message = any_message(type), copy;
        uint32_t bytes = rw_wire_encode(&message, frame, sizeof frame);
        for (uint32_t cut = 0; cut < bytes; cut++) {
            /* a block of exactly that length, so that a read beyond it is seen by the sanitizer */
            uint8_t *part = malloc(cut + 1);
            memcpy(part, frame, cut);
            assert_int_equal(rw_wire_decode(part, cut, &copy), 0);
            free(part);
        }
    }
}

static void any_flipped_bit_outside_the_payload_is_noticed(void **state) {
    for (uint8_t type = 1; type < RW_MESSAGE_TYPE_COUNT; type++) {
        struct rw_message message = any_message(type), copy;
        uint32_t bytes = rw_wire_encode(&message, frame, sizeof frame);
        uint32_t fixed = bytes - (type == RW_MESSAGE_APPEND ? message.append.payload_bytes : 0);
        for (uint32_t bit = 0; bit < fixed * 8; bit++) {
            frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
            /* a longer length only asks for more bytes; everything else is refused at once */
            assert_true(rw_wire_decode(frame, bytes, &copy) <= 0);
            frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

static void no_length_of_a_head_makes_the_decoder_wait_for_ever(void **state) {
    struct rw_message message = any_message(RW_MESSAGE_APPEND), copy;
    rw_wire_encode(&message, frame, sizeof frame);
    rw_store_le32(frame + 8, RW_WIRE_FRAME_MAX + 64);
    assert_int_equal(rw_wire_decode(frame, RW_WIRE_HEAD_BYTES, &copy), -EBADMSG);
    rw_store_le32(frame + 8, 16);
    assert_int_equal(rw_wire_decode(frame, RW_WIRE_HEAD_BYTES, &copy), -EBADMSG);
}

static void bytes_of_another_protocol_are_refused_at_the_first_byte(void **state) {
    struct rw_message copy;
    assert_int_equal(rw_wire_decode((const uint8_t *)"GET / HTTP/1.1", 1, &copy), -EBADMSG);
    assert_int_equal(rw_wire_decode((const uint8_t *)"RWR?", 4, &copy), -EBADMSG);
}

static void a_message_that_does_not_fit_is_not_written(void **state) {
    struct rw_message message = any_message(RW_MESSAGE_ACK);
    uint32_t bytes = rw_wire_bytes(&message);
    memset(frame, 0xee, sizeof frame);
    assert_int_equal(rw_wire_encode(&message, frame, bytes - 1), 0);
    assert_int_equal(frame[0], 0xee);
    message.type = RW_MESSAGE_TYPE_COUNT;
    assert_int_equal(rw_wire_encode(&message, frame, sizeof frame), 0);
    message = any_message(RW_MESSAGE_APPEND);
    message.append.payload_bytes = RW_WIRE_PAYLOAD_MAX + 64;
    assert_int_equal(rw_wire_encode(&message, frame, sizeof frame), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_comes_back_as_it_was),
        cmocka_unit_test(the_fields_stand_where_the_layout_says),
        cmocka_unit_test(a_frame_cut_at_any_byte_is_only_incomplete),
        cmocka_unit_test(any_flipped_bit_outside_the_payload_is_noticed),
        cmocka_unit_test(no_length_of_a_head_makes_the_decoder_wait_for_ever),
        cmocka_unit_test(bytes_of_another_protocol_are_refused_at_the_first_byte),
        cmocka_unit_test(a_message_that_does_not_fit_is_not_written),
    };
    return cmocka_run_group_tests(tests, seed, NULL);
}
