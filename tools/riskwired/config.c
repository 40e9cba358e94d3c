/* Loading, checking and printing the configuration, all from the table in config_keys.c. */
#include "tools/riskwired/config.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"

#define FINDINGS_MAX   20u
#define NAME_MAX_BYTES 64u
#define KEYS_MAX       128u
#define FEEDS_MAX      RW_CONFIG_FEEDS_MAX

struct reading {
    const char *file;
    struct rw_config *config;
    FILE *report;
    uint32_t findings;
    bool given[FEEDS_MAX];          /* the section stands in the file */
    bool seen[FEEDS_MAX][KEYS_MAX]; /* by section and row of the table */
    yaml_document_t document;
};

/* A place in the file: which section, as written and as the table calls it. */
struct section {
    char written[72]; /* "", "peer." or "feed2." */
    char rows[72];    /* "", "peer." or "feed." */
    uint32_t index;   /* among the sections with these keys: 1 for feed2 */
};

void rw_config_feed_name(uint32_t index, char name[RW_CONFIG_FEED_NAME_BYTES]) {
    RW_ASSERT(index < FEEDS_MAX);
    if (index == 0)
        snprintf(name, RW_CONFIG_FEED_NAME_BYTES, "feed");
    else
        snprintf(name, RW_CONFIG_FEED_NAME_BYTES, "feed%u", index + 1);
}

/* The keys of a feed stand in as many sections as there are channels; all others stand once. */
static uint32_t sections_of(const struct rw_config_key *key) {
    uint32_t feeds = offsetof(struct rw_config, feed);
    bool of_feed = key->offset >= feeds && key->offset < feeds + sizeof(struct rw_config_feed);
    return of_feed ? FEEDS_MAX : 1;
}

/* Where a key's field is in struct rw_config; index 0 unless the key stands in several sections. */
static size_t offset_of(const struct rw_config_key *key, uint32_t index) {
    RW_ASSERT(index < sections_of(key));
    return key->offset + index * sizeof(struct rw_config_feed);
}

/* The key as the file names it: feed2.speed. */
static const char *name_of(const struct rw_config_key *key, uint32_t index, char name[128]) {
    char section[RW_CONFIG_FEED_NAME_BYTES];
    snprintf(name, 128, "%s", key->path);
    if (sections_of(key) == 1) return name;
    rw_config_feed_name(index, section);
    snprintf(name, 128, "%s%s", section, strchr(key->path, '.'));
    return name;
}

static void finding(struct reading *reading, yaml_mark_t at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void finding(struct reading *reading, yaml_mark_t at, const char *format, ...) {
    if (reading->findings++ >= FINDINGS_MAX) return;
    va_list list;
    va_start(list, format);
    fprintf(reading->report, "%s:%zu:%zu: ", reading->file, at.line + 1, at.column + 1);
    vfprintf(reading->report, format, list);
    fputc('\n', reading->report);
    va_end(list);
}

/* Number of single-character edits between two names: a dynamic programme over one row. */
static uint32_t edits(const char *a, const char *b) {
    uint32_t row[NAME_MAX_BYTES + 1];
    uint32_t length = (uint32_t)strnlen(b, NAME_MAX_BYTES);
    for (uint32_t j = 0; j <= length; j++) row[j] = j;
    for (uint32_t i = 0; a[i]; i++) {
        uint32_t diagonal = row[0];
        row[0] = i + 1;
        for (uint32_t j = 0; j < length; j++) {
            uint32_t best = diagonal + (a[i] != b[j]);
            if (row[j] + 1 < best) best = row[j] + 1;
            if (row[j + 1] + 1 < best) best = row[j + 1] + 1;
            diagonal = row[j + 1];
            row[j + 1] = best;
        }
    }
    return row[length];
}

static const struct rw_config_key *nearest(const char *path) {
    const struct rw_config_key *best = NULL;
    uint32_t best_edits = 4; /* farther than three edits is no suggestion */
    for (const struct rw_config_key *key = rw_config_keys(); key->path; key++) {
        const char *last = strrchr(key->path, '.');
        uint32_t distance = edits(path, key->path);
        uint32_t last_distance = last ? edits(path, last + 1) : distance;
        if (last_distance < distance) distance = last_distance;
        if (distance < best_edits) best = key, best_edits = distance;
    }
    return best;
}

static bool word_allowed(const char *words, const char *value) {
    size_t length = strlen(value);
    for (const char *at = words; at; at = strchr(at, '|') ? strchr(at, '|') + 1 : NULL)
        if (!strncmp(at, value, length) && (at[length] == '|' || !at[length])) return true;
    return false;
}

/* Stores a value; returns NULL or what was wanted instead. */
static const char *store(struct rw_config *config, const struct rw_config_key *key, uint32_t index,
                         const char *value, char wanted[128]) {
    void *field = (uint8_t *)config + offset_of(key, index);
    if (key->kind != RW_CONFIG_NUMBER) {
        if (key->words && !word_allowed(key->words, value)) {
            snprintf(wanted, 128, "one of %s", key->words);
            return wanted;
        }
        if (strlen(value) >= RW_CONFIG_TEXT_BYTES) return "at most 255 characters";
        memset(field, 0, RW_CONFIG_TEXT_BYTES);
        memcpy(field, value, strlen(value));
        return NULL;
    }
    char *end;
    errno = 0;
    unsigned long long number = strtoull(value, &end, 10);
    if (errno || end == value || *end || *value == '-' || number < key->min || number > key->max) {
        snprintf(wanted, 128, "a whole number from %llu to %llu%s%s", (unsigned long long)key->min,
                 (unsigned long long)key->max, *key->unit ? " " : "", key->unit);
        return wanted;
    }
    *(uint64_t *)field = number;
    return NULL;
}

static void take(struct reading *reading, const struct section *section, const yaml_node_t *name,
                 const yaml_node_t *value) {
    uint32_t row = 0, index = section->index;
    char written[136], path[136], near_name[128], wanted[128];
    const char *last = (const char *)name->data.scalar.value;
    const struct rw_config_key *key = rw_config_keys();
    snprintf(written, sizeof written, "%s%.60s", section->written, last);
    snprintf(path, sizeof path, "%s%.60s", section->rows, last);
    while (key[row].path && strcmp(key[row].path, path)) row++;
    if (!key[row].path) {
        const struct rw_config_key *near = nearest(path);
        finding(reading, name->start_mark, "unknown key '%s'%s%s%s", written,
                near ? "; did you mean '" : "", near ? name_of(near, index, near_name) : "",
                near ? "'?" : "");
        return;
    }
    RW_ASSERT(row < KEYS_MAX);
    if (reading->seen[index][row])
        finding(reading, name->start_mark, "'%s' stands here twice", written);
    reading->seen[index][row] = true;
    if (value->type != YAML_SCALAR_NODE) {
        finding(reading, value->start_mark, "'%s' wants one value, not a list or a section",
                written);
        return;
    }
    const char *text = (const char *)value->data.scalar.value;
    const char *why = store(reading->config, &key[row], index, text, wanted);
    bool secret = key[row].kind == RW_CONFIG_SECRET;
    if (why)
        finding(reading, value->start_mark, "'%s' is '%s', wanted: %s", written,
                secret ? "(not shown)" : text, why);
}

static bool section_exists(const char *name) {
    size_t length = strlen(name);
    for (const struct rw_config_key *key = rw_config_keys(); key->path; key++)
        if (!strncmp(key->path, name, length) && key->path[length] == '.') return true;
    return false;
}

/* find_section tells which rows a section of the file means; false when there are none. */
static bool find_section(const char *name, struct section *section) {
    *section = (struct section){.index = 0};
    snprintf(section->written, sizeof section->written, "%.60s.", name);
    snprintf(section->rows, sizeof section->rows, "%.60s.", name);
    for (uint32_t index = 1; index < FEEDS_MAX; index++) {
        char feed[RW_CONFIG_FEED_NAME_BYTES];
        rw_config_feed_name(index, feed);
        if (strcmp(feed, name)) continue;
        section->index = index;
        snprintf(section->rows, sizeof section->rows, "feed.");
        return true;
    }
    return section_exists(name);
}

/* Walks a mapping: the whole file, or one of its sections. */
static void walk(struct reading *reading, const yaml_node_t *mapping,
                 const struct section *section) {
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = yaml_document_get_node(&reading->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(&reading->document, pair->value);
        struct section inner;
        if (name->type != YAML_SCALAR_NODE) {
            finding(reading, name->start_mark, "a key must be a plain word");
        } else if (!*section->written && value->type == YAML_MAPPING_NODE &&
                   find_section((const char *)name->data.scalar.value, &inner)) {
            if (!strcmp(inner.rows, "feed.")) reading->given[inner.index] = true;
            walk(reading, value, &inner);
        } else {
            take(reading, section, name, value);
        }
    }
}

/* Counts the feeds; they are numbered without a hole, so that a section's place is its stage's. */
static void count_feeds(struct reading *reading, yaml_mark_t end) {
    char name[RW_CONFIG_FEED_NAME_BYTES], before[RW_CONFIG_FEED_NAME_BYTES];
    reading->given[0] = true; /* when it is missing, its required keys say so */
    reading->config->feeds = 1;
    for (uint32_t index = 1; index < FEEDS_MAX; index++) {
        if (!reading->given[index]) continue;
        rw_config_feed_name(index, name);
        rw_config_feed_name(index - 1, before);
        if (!reading->given[index - 1])
            finding(reading, end, "section '%s' stands here without '%s'", name, before);
        reading->config->feeds = index + 1;
    }
}

static void check_required(struct reading *reading, yaml_mark_t end) {
    const struct rw_config_key *keys = rw_config_keys();
    char name[128];
    for (uint32_t row = 0; keys[row].path; row++)
        for (uint32_t index = 0; index < sections_of(&keys[row]); index++)
            if (keys[row].required && !reading->seen[index][row] &&
                (index == 0 || reading->given[index]))
                finding(reading, end, "'%s' is missing: %s", name_of(&keys[row], index, name),
                        keys[row].help);
}

static int read_document(struct reading *reading, yaml_parser_t *parser) {
    if (!yaml_parser_load(parser, &reading->document)) {
        finding(reading, parser->problem_mark, "not YAML: %s",
                parser->problem ? parser->problem : "cut short");
        return -EINVAL;
    }
    const yaml_node_t *root = yaml_document_get_root_node(&reading->document);
    yaml_mark_t start = {0};
    if (!root || root->type != YAML_MAPPING_NODE)
        finding(reading, root ? root->start_mark : start, "wanted `key: value` lines");
    else
        walk(reading, root, &(struct section){.index = 0});
    count_feeds(reading, root ? root->end_mark : start);
    check_required(reading, root ? root->end_mark : start);
    yaml_document_delete(&reading->document);
    return reading->findings ? -EINVAL : 0;
}

int rw_config_load(const char *path, struct rw_config *config, FILE *report) {
    rw_config_defaults(config);
    FILE *file = fopen(path, "rb");
    if (!file) {
        int rc = rw_err_set(errno, "cannot read the configuration '%s': %s", path, strerror(errno));
        rw_err_fix("riskwire config defaults > %s makes one to start from", path);
        return rc;
    }
    struct reading reading = {.file = path, .config = config, .report = report};
    yaml_parser_t parser;
    RW_ASSERT(yaml_parser_initialize(&parser));
    yaml_parser_set_input_file(&parser, file);
    int rc = read_document(&reading, &parser);
    yaml_parser_delete(&parser);
    fclose(file);
    if (rc) {
        rc = rw_err_set(EINVAL, "the configuration '%s' has %u finding%s", path, reading.findings,
                        reading.findings == 1 ? "" : "s");
        rw_err_why("the lines above name each with its line and column");
        rw_err_fix("correct them; riskwire config defaults explains every key");
    }
    return rc;
}

void rw_config_defaults(struct rw_config *config) {
    memset(config, 0, sizeof *config);
    config->feeds = 1;
    char wanted[128];
    for (const struct rw_config_key *key = rw_config_keys(); key->path; key++)
        for (uint32_t index = 0; index < sections_of(key); index++)
            RW_ASSERT(!store(config, key, index, key->unset, wanted));
}

static void print_key(const struct rw_config *config, const struct rw_config_key *key,
                      uint32_t index, FILE *out) {
    const void *field = (const uint8_t *)config + offset_of(key, index);
    const char *dot = strchr(key->path, '.'), *indent = dot ? "  " : "";
    fprintf(out, "%s# %s", indent, key->help);
    if (key->words) fprintf(out, " (%s)", key->words);
    if (key->kind == RW_CONFIG_NUMBER)
        fprintf(out, " (%llu..%llu %s)", (unsigned long long)key->min, (unsigned long long)key->max,
                key->unit);
    fprintf(out, "%s%s\n", key->required ? " [required]" : "",
            key->must_match ? " [must match the peer]" : "");
    fprintf(out, "%s%s: ", indent, dot ? dot + 1 : key->path);
    if (key->kind == RW_CONFIG_NUMBER)
        fprintf(out, "%llu\n", (unsigned long long)*(const uint64_t *)field);
    else if (key->kind == RW_CONFIG_SECRET && *(const char *)field)
        fprintf(out, "\"\" # set, not shown\n");
    else
        fprintf(out, "\"%s\"\n", (const char *)field);
}

static bool same_section(const struct rw_config_key *a, const struct rw_config_key *b) {
    size_t length = strcspn(a->path, ".");
    return b->path && strchr(a->path, '.') && !strncmp(a->path, b->path, length + 1);
}

/* Prints the section that begins with the row `first`; returns the row behind it. */
static const struct rw_config_key *print_section(const struct rw_config *config,
                                                 const struct rw_config_key *first, uint32_t index,
                                                 FILE *out) {
    const struct rw_config_key *key = first;
    char name[128];
    if (strchr(first->path, '.')) {
        name_of(first, index, name);
        fprintf(out, "\n");
        if (sections_of(first) > 1 && index == 0)
            fprintf(out,
                    "# One channel. Sections feed2 to feed%u with the same keys are further ones: "
                    "other venues, or parts of one.\n",
                    FEEDS_MAX);
        fprintf(out, "%.*s:\n", (int)strcspn(name, "."), name);
    }
    do print_key(config, key++, index, out);
    while (same_section(first, key));
    return key;
}

void rw_config_print(const struct rw_config *config, FILE *out) {
    for (const struct rw_config_key *key = rw_config_keys(); key->path;) {
        const struct rw_config_key *next = print_section(config, key, 0, out);
        for (uint32_t index = 1; index < config->feeds && sections_of(key) > 1; index++)
            print_section(config, key, index, out);
        key = next;
    }
}

struct rw_hash rw_config_match_hash(const struct rw_config *config) {
    struct rw_hash hash = {0, 0};
    char name[128];
    for (const struct rw_config_key *key = rw_config_keys(); key->path; key++) {
        if (!key->must_match) continue;
        size_t bytes = key->kind == RW_CONFIG_NUMBER ? sizeof(uint64_t) : RW_CONFIG_TEXT_BYTES;
        for (uint32_t index = 0; index < sections_of(key) && index < config->feeds; index++) {
            name_of(key, index, name);
            hash = rw_hash_chain(hash, name, strlen(name));
            hash = rw_hash_chain(hash, (const uint8_t *)config + offset_of(key, index), bytes);
        }
    }
    return hash;
}

int rw_config_site_path(const struct rw_config *config, const char *name, char *path,
                        uint32_t bytes) {
    int length = snprintf(path, bytes, "%s/%s/%s", config->run_dir, config->site, name);
    if (length < 0 || (uint32_t)length >= bytes)
        return rw_err_set(ENAMETOOLONG, "run_dir '%s' is too long for '%s'", config->run_dir, name);
    return 0;
}
