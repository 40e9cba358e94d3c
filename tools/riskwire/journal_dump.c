#include "tools/riskwire/journal_dump.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/hash.h"
#include "dataplane/record/result.h"
#include "dataplane/record/result_end.h"
#include "dataplane/record/result_text.h"

/* The columns, in order. A field is printed through put_*, which counts on this order in CSV. */
static const char *const columns[] = {
    "sequence",     "event_time_ns",   "type",           "instrument",
    "kind",         "channel",         "venue_sequence", "index",
    "quality",      "replaced",        "bid_price",      "bid_quantity",
    "ask_price",    "ask_quantity",    "last_price",     "last_quantity",
    "source",       "source_sequence", "exec_id",        "portfolio",
    "side",         "quantity",        "price",          "fee",
    "match_number", "session",         "image_hash",     "epoch",
    "site",         "last_sequence",   "first",          "count",
    "round",        "reference",       "order_id",
};
#define COLUMN_COUNT (sizeof columns / sizeof *columns)

/* One line being printed. */
struct line {
    FILE *out;
    bool json;
    uint32_t next; /* column; in JSON: fields so far */
};

static void begin(struct line *line, const struct rw_dump *dump) {
    *line = (struct line){.out = dump->out, .json = dump->json};
    if (line->json) fputc('{', line->out);
}

/* Moves to the named column, a later one of the table than the last. */
static void column(struct line *line, const char *name) {
    if (line->json) {
        fprintf(line->out, "%s\"%s\":", line->next++ ? "," : "", name);
        return;
    }
    for (;; line->next++) {
        RW_ASSERT(line->next < COLUMN_COUNT);
        if (line->next) fputc(',', line->out);
        if (strcmp(columns[line->next], name) == 0) break;
    }
    line->next++;
}

static void put_number(struct line *line, const char *name, int64_t value) {
    column(line, name);
    fprintf(line->out, "%" PRId64, value);
}

static void put_unsigned(struct line *line, const char *name, uint64_t value) {
    column(line, name);
    fprintf(line->out, "%" PRIu64, value);
}

static void put_word(struct line *line, const char *name, const char *word) {
    column(line, name);
    fprintf(line->out, line->json ? "\"%s\"" : "%s", word);
}

static void finish(struct line *line) {
    for (; !line->json && line->next < COLUMN_COUNT; line->next++) fputc(',', line->out);
    fputs(line->json ? "}\n" : "\n", line->out);
}

void rw_dump_header(struct rw_dump *dump) {
    if (dump->json) return;
    if (dump->kind == RW_JOURNAL_RESULTS) {
        rw_result_print_csv_header(dump->out);
        return;
    }
    for (uint32_t i = 0; i < COLUMN_COUNT; i++)
        fprintf(dump->out, "%s%s", i ? "," : "", columns[i]);
    fputc('\n', dump->out);
}

static void put_tick(struct line *line, const struct rw_entry *entry) {
    static const char *const kinds[] = {"unknown", "bbo", "trade", "status", "channel", "break"};
    struct rw_tick_body body;
    memcpy(&body, entry->body, sizeof body);
    put_word(line, "kind", kinds[body.kind <= RW_TICK_BREAK ? body.kind : 0]);
    put_unsigned(line, "channel", body.channel);
    put_unsigned(line, "venue_sequence", body.venue_sequence);
    put_unsigned(line, "index", body.index);
    put_unsigned(line, "quality", body.quality);
    put_unsigned(line, "replaced", body.replaced);
    put_number(line, "bid_price", body.bid_price);
    put_unsigned(line, "bid_quantity", body.bid_quantity);
    put_number(line, "ask_price", body.ask_price);
    put_unsigned(line, "ask_quantity", body.ask_quantity);
    put_number(line, "last_price", body.last_price);
    put_unsigned(line, "last_quantity", body.last_quantity);
}

static void put_fill(struct line *line, const struct rw_entry *entry) {
    struct rw_fill_body body;
    memcpy(&body, entry->body, sizeof body); /* goes on in the second slot, which follows */
    static const char *const kinds[] = {"unknown", "new", "correct", "bust"};
    put_word(line, "kind", kinds[body.kind <= RW_FILL_BUST ? body.kind : 0]);
    put_unsigned(line, "source", body.source);
    put_unsigned(line, "source_sequence", body.source_sequence);
    put_unsigned(line, "exec_id", body.exec_id);
    put_unsigned(line, "portfolio", body.portfolio);
    put_word(line, "side", body.side == RW_SIDE_BUY ? "B" : body.side == RW_SIDE_SELL ? "S" : "?");
    put_number(line, "quantity", body.quantity);
    put_number(line, "price", body.price);
    put_number(line, "fee", body.fee);
    put_unsigned(line, "match_number", body.match_number);
    put_unsigned(line, "reference", body.reference);
}

static void put_order(struct line *line, const struct rw_entry *entry) {
    static const char *const kinds[] = {"unknown",   "accepted", "replaced",
                                        "cancelled", "rejected", "expired"};
    struct rw_order_body body;
    memcpy(&body, entry->body, sizeof body);
    put_word(line, "kind", kinds[body.kind <= RW_ORDER_EXPIRED ? body.kind : 0]);
    put_unsigned(line, "source", body.source);
    put_unsigned(line, "source_sequence", body.source_sequence);
    put_unsigned(line, "portfolio", body.portfolio);
    put_word(line, "side", body.side == RW_SIDE_BUY ? "B" : body.side == RW_SIDE_SELL ? "S" : "?");
    put_number(line, "quantity", body.quantity);
    put_number(line, "price", body.price);
    put_unsigned(line, "order_id", body.order_id);
}

static void put_session(struct line *line, const struct rw_entry *entry) {
    struct rw_session_body body;
    struct rw_hash hash;
    char name[sizeof body.session + 1] = {0}, text[33];
    memcpy(&body, entry->body, sizeof body);
    memcpy(&hash, body.image_hash, sizeof hash);
    for (uint32_t i = 0; i < sizeof body.session; i++) {
        char c = body.session[i];
        bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        name[i] = plain ? c : '?';
    }
    rw_hash_text(hash, text);
    put_word(line, "kind",
             body.event == RW_SESSION_OPEN    ? "open"
             : body.event == RW_SESSION_CLOSE ? "close"
                                              : "unknown");
    put_word(line, "session", name);
    put_word(line, "image_hash", text);
}

static void put_takeover(struct line *line, const struct rw_entry *entry) {
    struct rw_takeover_body body;
    memcpy(&body, entry->body, sizeof body);
    put_unsigned(line, "epoch", body.epoch);
    put_word(line, "site", body.site == 0 ? "a" : body.site == 1 ? "b" : "?");
}

static void put_end(struct line *line, const struct rw_entry *entry) {
    struct rw_end_body body;
    memcpy(&body, entry->body, sizeof body);
    put_word(line, "kind", body.source_kind == RW_END_CHANNEL ? "channel" : "intake");
    put_unsigned(line, "source", body.source);
    put_unsigned(line, "last_sequence", body.last_sequence);
}

static void put_refresh(struct line *line, const struct rw_entry *entry) {
    struct rw_refresh_body body;
    memcpy(&body, entry->body, sizeof body);
    put_unsigned(line, "first", body.first);
    put_unsigned(line, "count", body.count);
    put_unsigned(line, "round", body.round);
}

/* Per type: the word, the slots its body needs, how its fields are printed. */
static const struct {
    const char *word;
    uint32_t slots;
    void (*put)(struct line *line, const struct rw_entry *entry);
} entry_rows[RW_ENTRY_TYPE_COUNT] = {
    [RW_ENTRY_TICK] = {"tick", 1, put_tick},
    [RW_ENTRY_FILL] = {"fill", 2, put_fill},
    [RW_ENTRY_CLOCK] = {"clock", 1, NULL},
    [RW_ENTRY_SESSION] = {"session", 1, put_session},
    [RW_ENTRY_TAKEOVER] = {"takeover", 1, put_takeover},
    [RW_ENTRY_END] = {"end", 1, put_end},
    [RW_ENTRY_REFRESH] = {"refresh", 1, put_refresh},
    [RW_ENTRY_ORDER] = {"order", 1, put_order},
};

static void print_entry(struct rw_dump *dump, const struct rw_entry *entry) {
    struct line line;
    bool known = entry->type < RW_ENTRY_TYPE_COUNT && entry_rows[entry->type].word &&
                 entry->slots >= entry_rows[entry->type].slots;
    begin(&line, dump);
    put_unsigned(&line, "sequence", entry->sequence);
    put_unsigned(&line, "event_time_ns", entry->event_time_ns);
    put_word(&line, "type", known ? entry_rows[entry->type].word : "unknown");
    put_unsigned(&line, "instrument", entry->instrument);
    if (known && entry_rows[entry->type].put) entry_rows[entry->type].put(&line, entry);
    finish(&line);
    dump->malformed += !known;
}

/* The session's name stands in the log, not in a result: "-" takes its place. */
static void print_result(struct rw_dump *dump, const uint8_t *item) {
    struct rw_result result;
    struct rw_result_end end;
    memcpy(&result, item, sizeof result);
    if (result.kind != RW_RESULT_END) {
        if (dump->json)
            rw_result_print_json(dump->out, "-", &result);
        else
            rw_result_print_csv(dump->out, "-", &result);
        dump->malformed += result.kind == 0 || result.kind >= RW_RESULT_KIND_COUNT;
        return;
    }
    if (!dump->json) return;
    char text[33];
    memcpy(&end, item, sizeof end);
    rw_hash_text((struct rw_hash){end.rh_low, end.rh_high}, text);
    fprintf(dump->out,
            "{\"end_of_input\":%" PRIu64 ",\"count\":%" PRIu64 ",\"last_result\":%" PRIu64
            ",\"result_hash\":\"%s\"}\n",
            end.input_sequence, end.count, end.last_result, text);
}

int rw_dump_record(void *context, const struct rw_journal_record *record) {
    struct rw_dump *dump = context;
    rw_journal_item_bytes item_bytes = rw_journal_items_of(dump->kind);
    uint32_t at = 0, bytes;
    for (uint32_t i = 0; i < record->count; i++, at += bytes) {
        bytes = item_bytes(record->payload + at, record->bytes - at);
        if (!bytes) {
            dump->malformed++;
            break;
        }
        _Alignas(8) uint8_t item[RW_SLOT_BYTES * RW_ENTRY_SLOTS_MAX];
        memcpy(item, record->payload + at, bytes);
        if (dump->kind == RW_JOURNAL_LOG)
            print_entry(dump, (const struct rw_entry *)item);
        else
            print_result(dump, item);
    }
    return ferror(dump->out) ? -EIO : 0;
}
