#include "tools/riskwire/stat_words.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

void rw_stat_key(const struct rw_stats_item *item, char *key, size_t bytes) {
    static const char *const no_unit[] = {"", "1", "bool", "flag"};
    bool bare = strstr(item->name, item->unit) != NULL;
    for (size_t i = 0; i < COUNT(no_unit); i++) bare |= !strcmp(item->unit, no_unit[i]);
    snprintf(key, bytes, bare ? "%s" : "%s_%s", item->name, item->unit);
}

bool rw_stat_is_loss(const struct rw_stats_item *item) {
    static const char *const words[] = {"dropped", "lost",    "rejected",    "ignored",
                                        "refused", "skipped", "not compared"};
    if (item->kind != RW_STAT_COUNTER) return false;
    for (size_t i = 0; i < COUNT(words); i++)
        if (strstr(item->help, words[i])) return true;
    return false;
}

bool rw_stat_word(const struct rw_stats_item *item, char *word, size_t bytes) {
    char number[24];
    bool state = !strcmp(item->unit, "state") || !strcmp(item->unit, "role");
    if (item->kind == RW_STAT_HIST || !state) return false;
    int length = snprintf(number, sizeof number, "%" PRIu64 " ", item->value);
    const char *at = item->help;
    while (at && strncmp(at, number, (size_t)length)) {
        at = strstr(at, ", ");
        if (at) at += 2;
    }
    if (!at) return false;
    at += length;
    snprintf(word, bytes, "%.*s", (int)strcspn(at, ","), at);
    return true;
}

bool rw_stat_find(const struct rw_stats *stats, const char *block, const char *name,
                  struct rw_stats_item *item) {
    for (uint64_t at = 0; rw_stats_next(stats, &at, item);)
        if (!strcmp(item->block, block) && !strcmp(item->name, name)) return true;
    return false;
}
