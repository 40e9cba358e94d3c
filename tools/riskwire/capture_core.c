#include "tools/riskwire/capture_core.h"

#include <string.h>

#include "dataplane/nic/frame.h"
#include "dataplane/record/result.h"

uint16_t rw_capture_link_type(const struct rw_tap_row *row) {
    static const char cold[] = "->cold"; /* notices to the cold thread are no log entries */
    size_t length = strlen(row->name);
    if (row->kind == RW_TAP_FRAMES) return RW_PCAPNG_ETHERNET;
    if (length >= sizeof cold && !strcmp(row->name + length - (sizeof cold - 1), cold))
        return RW_CAPTURE_SLOT;
    switch (row->slot_bytes) {
    case RW_FRAME_SLOT_BYTES:
        return RW_CAPTURE_FRAME;
    case RW_SLOT_BYTES:
        return RW_CAPTURE_ENTRY;
    case RW_RESULT_BYTES:
        return RW_CAPTURE_RESULT;
    default:
        return RW_CAPTURE_SLOT;
    }
}

void rw_capture_begin(struct rw_capture_source *source, const struct rw_tap_row *row,
                      uint64_t passed) {
    *source = (struct rw_capture_source){
        .link_type = rw_capture_link_type(row), .start = passed, .last = passed, .fresh = true};
}

/* Counts what is lost, also what had been put together of a message. */
static void lose(struct rw_capture_source *source, uint64_t count) {
    count += source->slots;
    source->lost += count;
    source->lost_before += count;
    source->slots = 0;
    source->aligned = false;
}

void rw_capture_overrun(struct rw_capture_source *source) { source->fresh = false; }

/* Counts up to the record's number, which is then the last. */
static void count_to(struct rw_capture_source *source, uint64_t number) {
    if (source->fresh) source->start = source->last = number - 1;
    source->fresh = false;
    if (number > source->last + 1) lose(source, number - source->last - 1);
    source->last = number;
}

static bool complete(struct rw_capture_source *source, uint64_t time_ns, uint64_t number,
                     const void *bytes, uint32_t count, uint32_t original,
                     struct rw_pcapng_packet *packet) {
    *packet = (struct rw_pcapng_packet){.time_ns = time_ns,
                                        .number = number,
                                        .lost = source->lost_before,
                                        .bytes = bytes,
                                        .count = count,
                                        .original = original > count ? original : count};
    source->lost_before = 0;
    return true;
}

/* A slot of a log entry; the first one says how many there are. */
static bool take_entry(struct rw_capture_source *source, const struct rw_tap_record *record,
                       const uint8_t *bytes, struct rw_pcapng_packet *packet) {
    if (record->flags & RW_TAP_FIRST) {
        if (source->slots) lose(source, 0);
        source->aligned = true;
    }
    if (!source->aligned || record->bytes != RW_SLOT_BYTES) {
        lose(source, 1);
        return false;
    }
    if (source->slots == 0) {
        uint8_t wanted = bytes[offsetof(struct rw_entry, slots)];
        source->slots_wanted = wanted >= 1 && wanted <= RW_ENTRY_SLOTS_MAX ? wanted : 1;
        source->first = record->number;
        source->time_ns = record->time_ns;
    }
    memcpy(source->message + source->slots * RW_SLOT_BYTES, bytes, RW_SLOT_BYTES);
    if (++source->slots < source->slots_wanted) return false;
    uint32_t count = source->slots * RW_SLOT_BYTES;
    source->read += source->slots;
    source->slots = 0;
    return complete(source, source->time_ns, source->first, source->message, count, count, packet);
}

bool rw_capture_take(struct rw_capture_source *source, const struct rw_tap_record *record,
                     const void *bytes, struct rw_pcapng_packet *packet) {
    count_to(source, record->number);
    if (source->link_type == RW_CAPTURE_ENTRY) return take_entry(source, record, bytes, packet);
    uint32_t count = record->bytes, original = record->original;
    if (source->link_type == RW_CAPTURE_FRAME && count >= sizeof(struct rw_frame)) {
        struct rw_frame frame; /* the rest of the slot is what an earlier frame left there */
        memcpy(&frame, bytes, sizeof frame);
        uint32_t used = (uint32_t)sizeof frame + frame.bytes;
        if (used < count) count = original = used;
    }
    source->read++;
    return complete(source, record->time_ns, record->number, bytes, count, original, packet);
}

void rw_capture_end(struct rw_capture_source *source, uint64_t passed) {
    if (source->fresh) source->start = source->last = passed;
    if (passed > source->last) {
        lose(source, passed - source->last);
        source->last = passed;
    } else if (source->slots) {
        lose(source, 0);
    }
}
