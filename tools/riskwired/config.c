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

struct reading {
    const char *file;
    struct rw_config *config;
    FILE *report;
    uint32_t findings;
    bool seen[128]; /* by row of the table */
    yaml_document_t document;
};

static void *field_of(struct rw_config *config, const struct rw_config_key *key) {
    return (uint8_t *)config + key->offset;
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

static const char *nearest(const char *path) {
    const char *best = NULL;
    uint32_t best_edits = 4; /* farther than three edits is no suggestion */
    for (const struct rw_config_key *key = rw_config_keys(); key->path; key++) {
        const char *last = strrchr(key->path, '.');
        uint32_t distance = edits(path, key->path);
        uint32_t last_distance = last ? edits(path, last + 1) : distance;
        if (last_distance < distance) distance = last_distance;
        if (distance < best_edits) best = key->path, best_edits = distance;
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
static const char *store(struct rw_config *config, const struct rw_config_key *key,
                         const char *value, char wanted[128]) {
    if (key->kind == RW_CONFIG_TEXT) {
        if (key->words && !word_allowed(key->words, value)) {
            snprintf(wanted, 128, "one of %s", key->words);
            return wanted;
        }
        if (strlen(value) >= RW_CONFIG_TEXT_BYTES) return "at most 255 characters";
        memset(field_of(config, key), 0, RW_CONFIG_TEXT_BYTES);
        memcpy(field_of(config, key), value, strlen(value));
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
    *(uint64_t *)field_of(config, key) = number;
    return NULL;
}

static void take(struct reading *reading, const char *path, const yaml_node_t *name,
                 const yaml_node_t *value) {
    uint32_t row = 0;
    const struct rw_config_key *key = rw_config_keys();
    while (key[row].path && strcmp(key[row].path, path)) row++;
    if (!key[row].path) {
        const char *near = nearest(path);
        finding(reading, name->start_mark, "unknown key '%s'%s%s%s", path,
                near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        return;
    }
    RW_ASSERT(row < sizeof reading->seen);
    if (reading->seen[row]) finding(reading, name->start_mark, "'%s' stands here twice", path);
    reading->seen[row] = true;
    if (value->type != YAML_SCALAR_NODE) {
        finding(reading, value->start_mark, "'%s' wants one value, not a list or a section", path);
        return;
    }
    char wanted[128];
    const char *text = (const char *)value->data.scalar.value;
    const char *why = store(reading->config, &key[row], text, wanted);
    if (why) finding(reading, value->start_mark, "'%s' is '%s', wanted: %s", path, text, why);
}

static bool section_exists(const char *name) {
    size_t length = strlen(name);
    for (const struct rw_config_key *key = rw_config_keys(); key->path; key++)
        if (!strncmp(key->path, name, length) && key->path[length] == '.') return true;
    return false;
}

/* Walks a mapping; prefix is "" at the top and "feed." inside a section. */
static void walk(struct reading *reading, const yaml_node_t *mapping, const char *prefix) {
    for (const yaml_node_pair_t *pair = mapping->data.mapping.pairs.start;
         pair < mapping->data.mapping.pairs.top; pair++) {
        const yaml_node_t *name = yaml_document_get_node(&reading->document, pair->key);
        const yaml_node_t *value = yaml_document_get_node(&reading->document, pair->value);
        if (name->type != YAML_SCALAR_NODE) {
            finding(reading, name->start_mark, "a key must be a plain word");
            continue;
        }
        char path[128];
        snprintf(path, sizeof path, "%s%.60s", prefix, (const char *)name->data.scalar.value);
        if (!*prefix && value->type == YAML_MAPPING_NODE && section_exists(path)) {
            strncat(path, ".", sizeof path - strlen(path) - 1);
            walk(reading, value, path);
        } else {
            take(reading, path, name, value);
        }
    }
}

static void check_required(struct reading *reading, yaml_mark_t end) {
    const struct rw_config_key *keys = rw_config_keys();
    for (uint32_t row = 0; keys[row].path; row++)
        if (keys[row].required && !reading->seen[row])
            finding(reading, end, "'%s' is missing: %s", keys[row].path, keys[row].help);
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
        walk(reading, root, "");
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
    char wanted[128];
    for (const struct rw_config_key *key = rw_config_keys(); key->path; key++)
        RW_ASSERT(!store(config, key, key->unset, wanted));
}

static void print_value(const struct rw_config *config, const struct rw_config_key *key,
                        FILE *out) {
    const void *field = (const uint8_t *)config + key->offset;
    if (key->kind == RW_CONFIG_NUMBER)
        fprintf(out, "%llu", (unsigned long long)*(const uint64_t *)field);
    else
        fprintf(out, "\"%s\"", (const char *)field);
}

void rw_config_print(const struct rw_config *config, FILE *out) {
    char section[64] = "";
    for (const struct rw_config_key *key = rw_config_keys(); key->path; key++) {
        const char *dot = strchr(key->path, '.');
        size_t length = dot ? (size_t)(dot - key->path) : 0;
        if (length && (strlen(section) != length || strncmp(section, key->path, length))) {
            snprintf(section, sizeof section, "%.*s", (int)length, key->path);
            fprintf(out, "\n%s:\n", section);
        }
        const char *indent = length ? "  " : "";
        fprintf(out, "%s# %s", indent, key->help);
        if (key->words) fprintf(out, " (%s)", key->words);
        if (key->kind == RW_CONFIG_NUMBER)
            fprintf(out, " (%llu..%llu %s)", (unsigned long long)key->min,
                    (unsigned long long)key->max, key->unit);
        fprintf(out, "%s%s\n", key->required ? " [required]" : "",
                key->must_match ? " [must match the peer]" : "");
        fprintf(out, "%s%s: ", indent, dot ? dot + 1 : key->path);
        print_value(config, key, out);
        fputc('\n', out);
    }
}

struct rw_hash rw_config_match_hash(const struct rw_config *config) {
    struct rw_hash hash = {0, 0};
    for (const struct rw_config_key *key = rw_config_keys(); key->path; key++) {
        if (!key->must_match) continue;
        const void *field = (const uint8_t *)config + key->offset;
        hash = rw_hash_chain(hash, key->path, strlen(key->path));
        hash = rw_hash_chain(
            hash, field, key->kind == RW_CONFIG_NUMBER ? sizeof(uint64_t) : RW_CONFIG_TEXT_BYTES);
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
