/* IGMP as the other side of the wire sees it: queries made, reports read. Shares nothing with the
 * product but the addresses: its sums are the plain 16-bit loop of the RFC. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define WIRE_ALL_HOSTS 0xE0000001u

static inline uint16_t wire_get16(const uint8_t *at) { return (uint16_t)(at[0] << 8 | at[1]); }
static inline uint32_t wire_get32(const uint8_t *at) {
    return (uint32_t)wire_get16(at) << 16 | wire_get16(at + 2);
}
static inline void wire_put16(uint8_t *at, uint32_t value) {
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}
static inline void wire_put32(uint8_t *at, uint32_t value) {
    wire_put16(at, value >> 16);
    wire_put16(at + 2, value & 0xFFFF);
}

static inline uint16_t wire_sum(const uint8_t *bytes, size_t count) {
    uint32_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        sum += i % 2 ? bytes[i] : (uint32_t)bytes[i] << 8;
        sum = (sum & 0xFFFF) + (sum >> 16);
    }
    return (uint16_t)~sum;
}

/* Writes an IPv4 packet with router alert around `bytes` bytes of IGMP; returns its bytes. */
static inline size_t wire_packet(uint8_t *ip, uint32_t from, uint32_t to, const uint8_t *message,
                                 size_t bytes) {
    memset(ip, 0, 24);
    ip[0] = 0x46;
    ip[1] = 0xC0;
    wire_put16(ip + 2, (uint32_t)(24 + bytes));
    ip[8] = 1;
    ip[9] = 2;
    wire_put32(ip + 12, from);
    wire_put32(ip + 16, to);
    wire_put32(ip + 20, 0x94040000);
    wire_put16(ip + 10, wire_sum(ip, 24));
    memcpy(ip + 24, message, bytes);
    wire_put16(ip + 26, 0);
    wire_put16(ip + 26, wire_sum(ip + 24, bytes));
    return 24 + bytes;
}

/* A query of IGMPv3; group 0 = all. code: maximum response time in 1/10 s, below 128. */
static inline size_t wire_query(uint8_t *ip, uint32_t group, uint8_t code, const uint32_t *sources,
                                uint32_t count) {
    uint8_t message[12 + 4 * 400] = {0x11, code};
    wire_put32(message + 4, group);
    message[8] = 2; /* robustness */
    message[9] = 125;
    wire_put16(message + 10, count);
    for (uint32_t i = 0; i < count; i++) wire_put32(message + 12 + 4 * i, sources[i]);
    return wire_packet(ip, 0x0A000001, group ? group : WIRE_ALL_HOSTS, message, 12 + 4 * count);
}

/* A query of IGMPv2, or of IGMPv1 with code 0. */
static inline size_t wire_query2(uint8_t *ip, uint32_t group, uint8_t code) {
    uint8_t message[8] = {0x11, code};
    wire_put32(message + 4, group);
    return wire_packet(ip, 0x0A000001, group ? group : WIRE_ALL_HOSTS, message, 8);
}

struct wire_record {
    uint32_t type, group, count, source[16];
};
struct wire_report {
    uint8_t type; /* 0x16, 0x17 or 0x22 */
    uint32_t from, to;
    uint32_t vlan;  /* 0 = no tag */
    uint32_t count; /* of records; one for IGMPv2, type 0 */
    struct wire_record record[80];
};

/* Reads a frame that must be a sound report or leave; fails the test otherwise. */
static inline void wire_read(const uint8_t *frame, size_t bytes, struct wire_report *report) {
    memset(report, 0, sizeof *report);
    assert_true(bytes >= 60);
    size_t at = 12;
    if (wire_get16(frame + at) == 0x8100) {
        report->vlan = wire_get16(frame + at + 2);
        at += 4;
    }
    assert_int_equal(wire_get16(frame + at), 0x0800);
    const uint8_t *ip = frame + at + 2, *message = ip + 24;
    size_t total = wire_get16(ip + 2), message_bytes = total - 24;
    assert_int_equal(ip[0], 0x46);
    assert_int_equal(ip[1], 0xC0); /* type of service */
    assert_true(total >= 32 && at + 2 + total <= bytes);
    assert_int_equal(ip[8], 1); /* time to live */
    assert_int_equal(ip[9], 2);
    assert_int_equal(wire_get32(ip + 20), 0x94040000); /* router alert */
    assert_int_equal(wire_sum(ip, 24), 0);
    assert_int_equal(wire_sum(message, message_bytes), 0);
    report->from = wire_get32(ip + 12);
    report->to = wire_get32(ip + 16);
    const uint8_t mac[] = {1, 0, 0x5E, (uint8_t)(ip[17] & 0x7F), ip[18], ip[19]};
    assert_memory_equal(frame, mac, 6);
    report->type = message[0];
    if (report->type != 0x22) {
        assert_int_equal(message_bytes, 8);
        report->count = 1;
        report->record[0].group = wire_get32(message + 4);
        return;
    }
    assert_int_equal(report->to, 0xE0000016);
    report->count = wire_get16(message + 6);
    size_t next = 8;
    for (uint32_t i = 0; i < report->count; i++) {
        struct wire_record *record = &report->record[i];
        assert_true(i < 80 && next + 8 <= message_bytes);
        record->type = message[next];
        assert_int_equal(message[next + 1], 0);
        record->count = wire_get16(message + next + 2);
        record->group = wire_get32(message + next + 4);
        assert_true(record->count <= 16 && next + 8 + 4 * record->count <= message_bytes);
        for (uint32_t k = 0; k < record->count; k++)
            record->source[k] = wire_get32(message + next + 8 + 4 * k);
        next += 8 + 4 * record->count;
    }
    assert_int_equal(next, message_bytes);
}
