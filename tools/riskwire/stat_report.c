#include "tools/riskwire/stat_report.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "tools/riskwire/stat_words.h"

/* Which blocks stand in which section, by the start of their name; the first match counts. */
static const struct {
    const char *prefix, *section;
} sections[] = {
    {"memory", "memory"},
    {"core ", "cores"},
    {"stage ", "stages"},
    {"link ", "links"},
    {"rx", "feeds"},
    {"feed", "feeds"},
    {"channel", "feeds"},
    {"line", "feeds"},
    {"book", "feeds"},
    {"shadow", "feeds"},
    {"intake", "feeds"},
    {"enrich", "feeds"},
    {"risk", "risk"},
    {"merge", "risk"},
    {"repl", "replication"},
    {"pair", "replication"},
    {"journal", "replication"},
    {"log", "replication"},
    {"deliver", "delivery"},
    {"soup", "delivery"},
    {"", "other"},
};
static const char *const lists[] = {"feeds", "risk", "replication", "delivery", "memory", "other"};

enum form { FORM_COUNT, FORM_SHARE, FORM_MICROSECONDS, FORM_CPU };

struct column {
    const char *row, *title;
    enum form form;
};

static const struct column core_columns[] = {{"cpu_wanted", "CPU WANTED", FORM_CPU},
                                             {"cpu_pinned", "PINNED", FORM_CPU},
                                             {"busy_ns", "BUSY", FORM_SHARE},
                                             {"idle_ns", "IDLE", FORM_SHARE},
                                             {"backpressured_ns", "BACKPRESSURED", FORM_SHARE},
                                             {"housekeeping_ns", "HOUSEKEEPING", FORM_SHARE},
                                             {"rounds", "ROUNDS", FORM_COUNT},
                                             {NULL, NULL, FORM_COUNT}};
static const struct column stage_columns[] = {{"visits", "VISITS", FORM_COUNT},
                                              {"work", "WORK", FORM_COUNT},
                                              {"busy_ns", "BUSY us", FORM_MICROSECONDS},
                                              {"backpressured_visits", "BACKPRESSURED", FORM_COUNT},
                                              {"longest_visit_ns", "LONGEST us", FORM_MICROSECONDS},
                                              {NULL, NULL, FORM_COUNT}};
static const struct column link_columns[] = {
    {"depth", "DEPTH", FORM_COUNT},           {"waiting", "WAITING", FORM_COUNT},
    {"high_water", "HIGH WATER", FORM_COUNT}, {"pushed", "PUSHED", FORM_COUNT},
    {"popped", "POPPED", FORM_COUNT},         {NULL, NULL, FORM_COUNT}};

static const struct {
    const char *section, *title;
    const struct column *columns;
} tables[] = {{"cores", "CORE", core_columns},
              {"stages", "STAGE", stage_columns},
              {"links", "LINK", link_columns}};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *section_of(const char *block) {
    size_t i = 0;
    while (strncmp(block, sections[i].prefix, strlen(sections[i].prefix))) i++; /* "" ends it */
    return sections[i].section;
}

/* Value of a row by block and name; 0 when there is none. */
static uint64_t value_of(const struct rw_stats *stats, const char *block, const char *name) {
    struct rw_stats_item item;
    return rw_stat_find(stats, block, name, &item) ? item.value : 0;
}

/* Share of a core's time in thousandths. */
static uint64_t permille(const struct rw_stats *stats, const char *block, uint64_t ns) {
    uint64_t all = value_of(stats, block, "busy_ns") + value_of(stats, block, "idle_ns") +
                   value_of(stats, block, "backpressured_ns") +
                   value_of(stats, block, "housekeeping_ns");
    return all ? (uint64_t)((unsigned __int128)ns * 1000 / all) : 0;
}

/* Without the first word, which the section has said. */
static const char *short_name(const char *block) {
    const char *space = strchr(block, ' ');
    return space ? space + 1 : block;
}

static void print_cell(FILE *out, const struct rw_stats *stats, const char *block,
                       const struct column *column) {
    uint64_t value = value_of(stats, block, column->row);
    switch (column->form) {
    case FORM_SHARE: {
        uint64_t share = permille(stats, block, value);
        fprintf(out, " %11" PRIu64 ".%" PRIu64 "%%", share / 10, share % 10);
        break;
    }
    case FORM_CPU:
        if (value)
            fprintf(out, " %14" PRIu64, value - 1);
        else
            fprintf(out, " %14s", "-");
        break;
    case FORM_MICROSECONDS:
        fprintf(out, " %12" PRIu64 ".%" PRIu64, value / 1000, value / 100 % 10);
        break;
    case FORM_COUNT:
        fprintf(out, " %14" PRIu64, value);
        break;
    }
}

static void print_columns(FILE *out, const struct rw_stats *stats, size_t table) {
    const struct column *column = tables[table].columns;
    fprintf(out, "\n%-32s", tables[table].title);
    for (; column->row; column++) fprintf(out, " %14s", column->title);
    fputc('\n', out);
    struct rw_stats_item item;
    const char *block = "";
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        if (!strcmp(item.block, block) || strcmp(section_of(item.block), tables[table].section))
            continue;
        block = item.block;
        fprintf(out, "%-32s", short_name(block));
        for (column = tables[table].columns; column->row; column++)
            print_cell(out, stats, block, column);
        fputc('\n', out);
    }
}

static void print_row(FILE *out, const struct rw_stats_item *item) {
    char word[64] = "";
    bool named = rw_stat_word(item, word, sizeof word);
    fprintf(out, "  %-24s %-26s %20" PRIu64 " %-12s %s\n", item->block, item->name, item->value,
            item->unit, named ? word : item->help);
}

static void print_list(FILE *out, const struct rw_stats *stats, const char *section, bool all) {
    struct rw_stats_item item;
    bool begun = false;
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        if (item.kind == RW_STAT_HIST || strcmp(section_of(item.block), section)) continue;
        if (!all && item.kind == RW_STAT_COUNTER && !item.value) continue;
        if (!begun) fprintf(out, "\n%s\n", section);
        begun = true;
        print_row(out, &item);
    }
}

static void print_loss(FILE *out, const struct rw_stats *stats, bool all) {
    struct rw_stats_item item;
    uint64_t reasons = 0;
    fprintf(out, "\nloss by reason\n");
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        if (!rw_stat_is_loss(&item) || (!item.value && !all)) continue;
        reasons++;
        print_row(out, &item);
    }
    if (!reasons) fprintf(out, "  none\n");
}

static void print_latency(FILE *out, const struct rw_stats *stats) {
    struct rw_stats_item item;
    bool begun = false;
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        if (item.kind != RW_STAT_HIST) continue;
        if (!begun)
            fprintf(out, "\n%-32s %14s %14s %14s %14s %14s\n", "LATENCY ns", "COUNT", "P50", "P99",
                    "P99.9", "MAX");
        begun = true;
        fprintf(out,
                "%-14s %-17s %14" PRIu64 " %14" PRIu64 " %14" PRIu64 " %14" PRIu64 " %14" PRIu64
                "\n",
                item.block, item.name, rw_stat_get(&item.hist->count),
                rw_hist_quantile(item.hist, 50, 100), rw_hist_quantile(item.hist, 99, 100),
                rw_hist_quantile(item.hist, 999, 1000), rw_stat_get(&item.hist->max));
    }
}

void rw_stat_report_table(FILE *out, const struct rw_stats *stats, bool all) {
    fprintf(out, "site %s, pid %" PRIu64 "%s\n", rw_stats_site(stats), rw_stats_pid(stats),
            rw_stats_alive(stats) ? ", running" : " is dead: this is what it left behind");
    for (size_t i = 0; i < COUNT(tables); i++) print_columns(out, stats, i);
    for (size_t i = 0; i < COUNT(lists); i++) print_list(out, stats, lists[i], all);
    print_loss(out, stats, all);
    print_latency(out, stats);
}

/* The object of a key, made when it is not there. */
static json_t *object_at(json_t *parent, const char *key) {
    json_t *child = json_object_get(parent, key);
    if (child) return child;
    child = json_object();
    json_object_set_new(parent, key, child);
    return child;
}

static void put(json_t *object, const char *key, uint64_t value) {
    json_object_set_new(object, key, json_integer((json_int_t)value));
}

static void put_hist(json_t *parent, const struct rw_stats_item *item) {
    char key[80];
    rw_stat_key(item, key, sizeof key);
    json_t *latency = json_object();
    uint64_t count = rw_stat_get(&item->hist->count);
    put(latency, "count", count);
    put(latency, "mean_ns", count ? rw_stat_get(&item->hist->sum) / count : 0);
    put(latency, "p50_ns", rw_hist_quantile(item->hist, 50, 100));
    put(latency, "p90_ns", rw_hist_quantile(item->hist, 90, 100));
    put(latency, "p99_ns", rw_hist_quantile(item->hist, 99, 100));
    put(latency, "p99_9_ns", rw_hist_quantile(item->hist, 999, 1000));
    put(latency, "max_ns", rw_stat_get(&item->hist->max));
    json_object_set_new(object_at(parent, item->block), key, latency);
}

static void put_value(json_t *root, const struct rw_stats *stats,
                      const struct rw_stats_item *item) {
    char key[80], share[96];
    const char *section = section_of(item->block);
    bool table = false;
    for (size_t i = 0; i < COUNT(tables); i++) table |= !strcmp(section, tables[i].section);
    json_t *object =
        object_at(object_at(root, section), table ? short_name(item->block) : item->block);
    rw_stat_key(item, key, sizeof key);
    if (!strcmp(section, "cores") && !strncmp(item->name, "cpu_", 4)) {
        json_object_set_new(object, key, json_integer((json_int_t)item->value - 1));
        return;
    }
    put(object, key, item->value);
    char word[64], text[96];
    if (rw_stat_word(item, word, sizeof word)) {
        snprintf(text, sizeof text, "%s_text", item->name);
        json_object_set_new(object, text, json_string(word));
    }
    size_t length = strlen(item->name);
    if (strcmp(section, "cores") || length < 3 || strcmp(item->unit, "ns") ||
        !strcmp(item->name, "heartbeat_ns"))
        return;
    snprintf(share, sizeof share, "%.*s_permille", (int)length - 3, item->name);
    put(object, share, permille(stats, item->block, item->value));
}

void rw_stat_report_json(FILE *out, const struct rw_stats *stats) {
    json_t *root = json_object();
    json_object_set_new(root, "site", json_string(rw_stats_site(stats)));
    put(root, "pid", rw_stats_pid(stats));
    json_object_set_new(root, "alive", json_boolean(rw_stats_alive(stats)));
    for (size_t i = 0; i < COUNT(tables); i++) object_at(root, tables[i].section);
    for (size_t i = 0; i < COUNT(lists); i++) object_at(root, lists[i]);
    json_t *loss = object_at(root, "loss"), *latency = object_at(root, "latency");
    struct rw_stats_item item;
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        if (item.kind == RW_STAT_HIST) {
            put_hist(latency, &item);
            continue;
        }
        put_value(root, stats, &item);
        char key[80];
        rw_stat_key(&item, key, sizeof key);
        if (rw_stat_is_loss(&item)) put(object_at(loss, item.block), key, item.value);
    }
    json_dumpf(root, out, JSON_COMPACT);
    fputc('\n', out);
    json_decref(root);
}

void rw_stat_report_csv(FILE *out, const struct rw_stats *stats) {
    static const char *const kinds[] = {"counter", "gauge", "histogram"};
    struct rw_stats_item item;
    fprintf(out, "block,name,value,p99_ns,p999_ns,max_ns,count,unit,kind\n");
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);) {
        if (item.kind == RW_STAT_HIST)
            fprintf(out, "%s,%s,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
                    item.block, item.name, rw_hist_quantile(item.hist, 50, 100),
                    rw_hist_quantile(item.hist, 99, 100), rw_hist_quantile(item.hist, 999, 1000),
                    rw_stat_get(&item.hist->max), rw_stat_get(&item.hist->count));
        else
            fprintf(out, "%s,%s,%" PRIu64 ",,,,", item.block, item.name, item.value);
        fprintf(out, ",%s,%s\n", item.unit, kinds[item.kind]);
    }
}
