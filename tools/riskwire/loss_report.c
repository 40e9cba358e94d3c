#include "tools/riskwire/loss_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "tools/riskwire/loss_account.h"
#include "tools/riskwire/stat_words.h"

#define PARTS_MAX 128u
#define FEED_MAX  40u

enum kind { PORT, CHANNEL, LINE, SKEW, OTHER };

/* A block of a port or of a feed. */
struct part {
    const char *block;
    enum kind kind;
    char feed[FEED_MAX]; /* "" = a port */
};
struct parts {
    uint32_t count;
    bool more; /* there are more than fit */
    struct part part[PARTS_MAX];
};

/* ---- which blocks
 * ----------------------------------------------------------------------------- */

static bool is_known(const struct parts *parts, const char *block) {
    for (uint32_t i = 0; i < parts->count; i++)
        if (!strcmp(parts->part[i].block, block)) return true;
    return false;
}

static void add(struct parts *parts, const char *block, enum kind kind, const char *feed) {
    if (is_known(parts, block)) return;
    parts->more |= parts->count == PARTS_MAX;
    if (parts->more) return;
    struct part *part = &parts->part[parts->count++];
    *part = (struct part){.block = block, .kind = kind};
    snprintf(part->feed, sizeof part->feed, "%s", feed);
}

/* Adds the blocks of one feed: its own, and those that begin with its name. */
static void add_feed(struct parts *parts, const struct rw_stats *stats, const char *feed) {
    struct rw_stats_item item;
    size_t length = strlen(feed);
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        const char *rest = item.block + length;
        if (strncmp(item.block, feed, length) || (*rest && *rest != ' ')) continue;
        enum kind kind = !strncmp(rest, " channel ", 9) ? CHANNEL
                         : !strncmp(rest, " line ", 6)  ? LINE
                         : !strcmp(rest, " skew")       ? SKEW
                                                        : OTHER;
        add(parts, item.block, kind, feed);
    }
}

/* Ports first, then feed after feed, each in the order of the file. */
static void collect(struct parts *parts, const struct rw_stats *stats) {
    struct rw_stats_item item;
    *parts = (struct parts){0};
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);)
        if (strstr(item.block, " port")) add(parts, item.block, PORT, "");
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        char feed[FEED_MAX];
        const char *channel = strstr(item.block, " channel ");
        /* the shadow of a channel is the sequencer's */
        if (!channel || !strncmp(item.block, "shadow", 6) || is_known(parts, item.block)) continue;
        snprintf(feed, sizeof feed, "%.*s", (int)(channel - item.block), item.block);
        add_feed(parts, stats, feed);
    }
}

static bool holds(const struct rw_stats *stats, const char *block) {
    struct rw_loss_account accounts[RW_LOSS_ACCOUNTS_MAX];
    uint32_t count = rw_loss_accounts(stats, block, accounts);
    bool all = true;
    for (uint32_t i = 0; i < count; i++) all &= accounts[i].difference == 0;
    return all;
}

/* ---- tables
 * ----------------------------------------------------------------------------------- */

static void cell(FILE *out, const struct rw_stats *stats, const char *block, const char *name) {
    struct rw_stats_item item;
    if (rw_stat_find(stats, block, name, &item))
        fprintf(out, " %13" PRIu64, item.value);
    else
        fprintf(out, " %13s", "-");
}

static void sum_cell(FILE *out, const struct rw_stats *stats, const char *block, const char *words,
                     const char *unit) {
    fprintf(out, " %13" PRIu64, rw_loss_sum(stats, block, words, unit));
}

static void port_row(FILE *out, const struct rw_stats *stats, const struct part *part) {
    char device[64];
    snprintf(device, sizeof device, "%s device", part->block);
    cell(out, stats, part->block, "received");
    cell(out, stats, part->block, "delivered");
    sum_cell(out, stats, part->block, "dropped", "frames");
    sum_cell(out, stats, device, "lost by the device", "frames");
}

static void channel_row(FILE *out, const struct rw_stats *stats, const struct part *part) {
    struct rw_stats_item item;
    char word[64] = "-";
    if (rw_stat_find(stats, part->feed, "state", &item)) rw_stat_word(&item, word, sizeof word);
    cell(out, stats, part->block, "messages");
    cell(out, stats, part->block, "delivered");
    cell(out, stats, part->block, "recovered");
    cell(out, stats, part->block, "duplicates");
    sum_cell(out, stats, part->block, "messages lost", "messages");
    cell(out, stats, part->block, "gaps");
    cell(out, stats, part->block, "held_max");
    fprintf(out, "  %s", word);
}

static uint64_t value_of(const struct rw_stats *stats, const char *block, const char *name) {
    struct rw_stats_item item;
    return rw_stat_find(stats, block, name, &item) ? item.value : 0;
}

/* Messages lost of a million that the line should have brought. */
static uint64_t lost_ppm(const struct rw_stats *stats, const char *block) {
    uint64_t lost = value_of(stats, block, "lost"), all = value_of(stats, block, "messages") + lost;
    return all ? (uint64_t)((unsigned __int128)lost * 1000000 / all) : 0;
}

static void line_row(FILE *out, const struct rw_stats *stats, const struct part *part) {
    const char *block = part->block;
    cell(out, stats, block, "packets");
    cell(out, stats, block, "messages");
    cell(out, stats, block, "lost");
    fprintf(out, " %13" PRIu64, lost_ppm(stats, block));
    cell(out, stats, block, "late");
    cell(out, stats, block, "second");
    cell(out, stats, block, "repeated");
    fprintf(out, " %13.1f", (double)value_of(stats, block, "skew_max_ns") / 1000);
}

static void skew_row(FILE *out, const struct rw_stats *stats, const struct part *part) {
    struct rw_stats_item item;
    if (!rw_stat_find(stats, part->block, "skew", &item) || !item.hist) return;
    static const struct {
        uint32_t of, per;
    } quantiles[] = {{50, 100}, {90, 100}, {99, 100}, {999, 1000}};
    fprintf(out, " %13" PRIu64, rw_stat_get(&item.hist->count));
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        fprintf(out, " %13.1f",
                (double)rw_hist_quantile(item.hist, quantiles[i].of, quantiles[i].per) / 1000);
    fprintf(out, " %13.1f", (double)rw_stat_get(&item.hist->max) / 1000);
}

static const struct table {
    enum kind kind;
    const char *title, *columns;
    void (*row)(FILE *out, const struct rw_stats *stats, const struct part *part);
} tables[] = {
    {PORT, "PORT", "      RECEIVED     DELIVERED       DROPPED   DEVICE LOST", port_row},
    {CHANNEL, "CHANNEL",
     "      MESSAGES     DELIVERED     RECOVERED    DUPLICATES          LOST          GAPS   "
     "REORDER MAX  STATE",
     channel_row},
    {LINE, "LINE",
     "       PACKETS      MESSAGES          LOST      LOST ppm          LATE        SECOND      "
     "REPEATED   SKEW MAX us",
     line_row},
    {SKEW, "SKEW us",
     "         COUNT           P50           P90           P99         P99.9           MAX",
     skew_row},
};

static void print_table(FILE *out, const struct rw_stats *stats, const struct parts *parts,
                        const struct table *table) {
    bool begun = false;
    for (uint32_t i = 0; i < parts->count; i++) {
        const struct part *part = &parts->part[i];
        if (part->kind != table->kind) continue;
        struct rw_stats_item item;
        /* a port may have a second block, of its device */
        if (part->kind == PORT && !rw_stat_find(stats, part->block, "received", &item)) continue;
        if (!begun) fprintf(out, "\n%-20s%s\n", table->title, table->columns);
        begun = true;
        fprintf(out, "%-20s", part->block);
        table->row(out, stats, part);
        fputc('\n', out);
    }
}

static void print_row(FILE *out, const struct rw_stats_item *item) {
    fprintf(out, "  %-24s %-22s %16" PRIu64 " %-10s %s\n", item->block, item->name, item->value,
            item->unit, item->help);
}

/* Prints the rows that are not 0 of the blocks that have no table, such as those of recovery; or of
 * all blocks, those that are a loss. */
static void print_rows(FILE *out, const struct rw_stats *stats, const struct parts *parts,
                       bool losses) {
    uint32_t rows = 0;
    fprintf(out, losses ? "\nby reason\n" : "\nrecovery, books and output\n");
    for (uint32_t i = 0; i < parts->count; i++) {
        const struct part *part = &parts->part[i];
        struct rw_stats_item item;
        if (!losses && (part->kind != OTHER || !strcmp(part->block, part->feed))) continue;
        for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
            if (strcmp(item.block, part->block) || item.kind == RW_STAT_HIST || !item.value)
                continue;
            if (losses && !rw_stat_is_loss(&item)) continue;
            print_row(out, &item);
            rows++;
        }
    }
    if (!rows) fprintf(out, "  none\n");
}

static void print_accounts(FILE *out, const struct rw_stats *stats, const struct parts *parts) {
    fprintf(out, "\naccounts\n");
    for (uint32_t i = 0; i < parts->count; i++) {
        struct rw_loss_account accounts[RW_LOSS_ACCOUNTS_MAX];
        uint32_t count = rw_loss_accounts(stats, parts->part[i].block, accounts);
        for (uint32_t k = 0; k < count; k++) {
            fprintf(out, "  %-24s %-74s", parts->part[i].block, accounts[k].equation);
            if (accounts[k].difference)
                fprintf(out, " off by %" PRId64 " %s\n", accounts[k].difference, accounts[k].unit);
            else
                fprintf(out, " holds: %" PRIu64 " %s\n", accounts[k].amount, accounts[k].unit);
        }
    }
}

void rw_loss_report_table(FILE *out, const struct rw_stats *stats) {
    struct parts parts;
    collect(&parts, stats);
    fprintf(out, "site %s, pid %" PRIu64 "%s\n", rw_stats_site(stats), rw_stats_pid(stats),
            rw_stats_alive(stats) ? ", running" : " is dead: this is what it left behind");
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        print_table(out, stats, &parts, &tables[i]);
    print_rows(out, stats, &parts, false);
    print_rows(out, stats, &parts, true);
    print_accounts(out, stats, &parts);
    if (parts.more)
        fprintf(out, "\nmore than %u blocks: the rest is in riskwire stat\n", PARTS_MAX);
}

/* ---- JSON
 * ------------------------------------------------------------------------------------- */

static void put(json_t *object, const char *key, uint64_t value) {
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* Calls `each` for the figures of a histogram: the name of the row with _count, _p50, … . */
static void hist_figures(const struct rw_stats_item *item,
                         void (*each)(void *to, const struct rw_stats_item *item, const char *name,
                                      uint64_t value, const char *unit),
                         void *to) {
    static const struct {
        const char *name;
        uint32_t of, per;
    } quantiles[] = {{"p50", 50, 100}, {"p90", 90, 100}, {"p99", 99, 100}, {"p99_9", 999, 1000}};
    char name[64];
    snprintf(name, sizeof name, "%s_count", item->name);
    each(to, item, name, rw_stat_get(&item->hist->count), "");
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++) {
        snprintf(name, sizeof name, "%s_%s", item->name, quantiles[i].name);
        each(to, item, name, rw_hist_quantile(item->hist, quantiles[i].of, quantiles[i].per),
             item->unit);
    }
    snprintf(name, sizeof name, "%s_max", item->name);
    each(to, item, name, rw_stat_get(&item->hist->max), item->unit);
}

static void put_figure(void *to, const struct rw_stats_item *item, const char *name, uint64_t value,
                       const char *unit) {
    char key[80];
    snprintf(key, sizeof key, *unit ? "%s_%s" : "%s", name, unit);
    put(to, key, value);
}

static json_t *json_of_block(const struct rw_stats *stats, const struct part *part) {
    struct rw_stats_item item;
    struct rw_loss_account accounts[RW_LOSS_ACCOUNTS_MAX];
    json_t *object = json_object();
    char key[80], word[64];
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        if (strcmp(item.block, part->block)) continue;
        if (item.kind == RW_STAT_HIST) {
            hist_figures(&item, put_figure, object);
            continue;
        }
        rw_stat_key(&item, key, sizeof key);
        put(object, key, item.value);
        if (!rw_stat_word(&item, word, sizeof word)) continue;
        snprintf(key, sizeof key, "%s_text", item.name);
        json_object_set_new(object, key, json_string(word));
    }
    if (part->kind == LINE) put(object, "lost_ppm", lost_ppm(stats, part->block));
    uint32_t count = rw_loss_accounts(stats, part->block, accounts);
    json_t *list = count ? json_array() : NULL;
    for (uint32_t i = 0; i < count; i++) {
        snprintf(key, sizeof key, "difference_%s", accounts[i].unit);
        json_array_append_new(list, json_pack("{s:s,s:b,s:I}", "equation", accounts[i].equation,
                                              "holds", accounts[i].difference == 0, key,
                                              (json_int_t)accounts[i].difference));
    }
    if (list) json_object_set_new(object, "accounts", list);
    return object;
}

void rw_loss_report_json(FILE *out, const struct rw_stats *stats) {
    struct parts parts;
    collect(&parts, stats);
    json_t *root = json_object(), *ports = json_object(), *feeds = json_object();
    bool all = true;
    for (uint32_t i = 0; i < parts.count; i++) {
        const struct part *part = &parts.part[i];
        json_t *into = ports;
        all &= holds(stats, part->block);
        if (part->kind != PORT) {
            into = json_object_get(feeds, part->feed);
            if (!into) json_object_set_new(feeds, part->feed, into = json_object());
        }
        json_object_set_new(into, part->block, json_of_block(stats, part));
    }
    json_object_set_new(root, "site", json_string(rw_stats_site(stats)));
    put(root, "pid", rw_stats_pid(stats));
    json_object_set_new(root, "alive", json_boolean(rw_stats_alive(stats)));
    json_object_set_new(root, "holds", json_boolean(all));
    json_object_set_new(root, "ports", ports);
    json_object_set_new(root, "feeds", feeds);
    json_dumpf(root, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(root);
}

/* ---- CSV
 * -------------------------------------------------------------------------------------- */

static void csv_figure(void *to, const struct rw_stats_item *item, const char *name, uint64_t value,
                       const char *unit) {
    fprintf(to, "%s,%s,%" PRIu64 ",%s\n", item->block, name, value, unit);
}

void rw_loss_report_csv(FILE *out, const struct rw_stats *stats) {
    struct parts parts;
    collect(&parts, stats);
    fprintf(out, "block,name,value,unit\n");
    for (uint32_t i = 0; i < parts.count; i++) {
        const struct part *part = &parts.part[i];
        struct rw_stats_item item;
        struct rw_loss_account accounts[RW_LOSS_ACCOUNTS_MAX];
        for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
            if (strcmp(item.block, part->block)) continue;
            if (item.kind == RW_STAT_HIST)
                hist_figures(&item, csv_figure, out);
            else
                csv_figure(out, &item, item.name, item.value, item.unit);
        }
        if (part->kind == LINE)
            fprintf(out, "%s,lost_ppm,%" PRIu64 ",ppm\n", part->block,
                    lost_ppm(stats, part->block));
        uint32_t count = rw_loss_accounts(stats, part->block, accounts);
        for (uint32_t k = 0; k < count; k++)
            fprintf(out, "%s,account_%s,%" PRId64 ",%s\n", part->block, accounts[k].total,
                    accounts[k].difference, accounts[k].unit);
    }
}
