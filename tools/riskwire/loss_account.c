#include "tools/riskwire/loss_account.h"

#include <string.h>

#include "tools/riskwire/stat_words.h"

#define TERMS_MAX 64u

static const struct rule {
    const char *block; /* a block is meant that has this in its name, and the total row */
    const char *total;
    const char *plus[5], *minus[2];
    const char *words; /* rows of the total's unit whose sentences begin so are added */
    const char *equation;
} rules[] = {
    {" port",
     "received",
     {"delivered", "control"},
     {NULL},
     "dropped",
     "received = delivered + control + dropped"},
    {" port",
     "device_reached",
     {"device_packets"},
     {NULL},
     "lost by the device",
     "device_reached = device_packets + lost by the device"},
    {" channel ",
     "messages",
     {"delivered", "in_flight"},
     {NULL},
     "dropped",
     "messages = delivered + in_flight + dropped"},
    {" channel ",
     "passed",
     {"delivered", "gap_messages", "snapshot_messages", "joined_at"},
     {"aside"},
     NULL,
     "passed = delivered + gap_messages + snapshot_messages + joined_at - aside"},
    {" output",
     "taken",
     {"sent", "conflated", "waiting"},
     {NULL},
     "lost",
     "taken = sent + conflated + waiting + lost"},
};
#define RULES (sizeof rules / sizeof rules[0])

/* Where the rows of an equation stand in the file. */
struct terms {
    uint32_t count;
    struct {
        uint64_t at;
        int sign;
    } term[TERMS_MAX];
};

static bool begins(const char *text, const char *words) {
    return !strncmp(text, words, strlen(words));
}

static int sign_of(const struct rule *rule, const struct rw_stats_item *item, const char *unit) {
    for (uint32_t i = 0; i < 5 && rule->plus[i]; i++)
        if (!strcmp(item->name, rule->plus[i])) return 1;
    for (uint32_t i = 0; i < 2 && rule->minus[i]; i++)
        if (!strcmp(item->name, rule->minus[i])) return -1;
    return rule->words && begins(item->help, rule->words) && !strcmp(item->unit, unit);
}

static void find_terms(const struct rw_stats *stats, const char *block, const struct rule *rule,
                       const char *unit, struct terms *terms) {
    struct rw_stats_item item;
    terms->count = 0;
    for (uint64_t at = 0, next = 0; rw_stats_next(stats, &next, &item); at = next) {
        if (item.kind == RW_STAT_HIST || strcmp(item.block, block)) continue;
        if (!strcmp(item.name, rule->total)) continue;
        int sign = sign_of(rule, &item, unit);
        if (!sign || terms->count == TERMS_MAX) continue;
        terms->term[terms->count].at = at;
        terms->term[terms->count++].sign = sign;
    }
}

static uint64_t read_at(const struct rw_stats *stats, uint64_t at) {
    struct rw_stats_item item;
    return rw_stats_next(stats, &at, &item) ? item.value : 0;
}

static void balance(const struct rw_stats *stats, uint64_t total_at, const struct terms *terms,
                    struct rw_loss_account *account) {
    for (uint32_t reading = 0; reading < RW_LOSS_READINGS; reading++) {
        uint64_t sum = 0;
        account->amount = read_at(stats, total_at);
        for (uint32_t i = 0; i < terms->count; i++) {
            uint64_t value = read_at(stats, terms->term[i].at);
            sum += terms->term[i].sign > 0 ? value : -value;
        }
        account->difference = (int64_t)(account->amount - sum);
        if (account->difference == 0) return;
    }
}

uint32_t rw_loss_accounts(const struct rw_stats *stats, const char *block,
                          struct rw_loss_account accounts[RW_LOSS_ACCOUNTS_MAX]) {
    uint32_t count = 0;
    for (uint32_t r = 0; r < RULES && count < RW_LOSS_ACCOUNTS_MAX; r++) {
        struct rw_stats_item item;
        if (!strstr(block, rules[r].block)) continue;
        for (uint64_t at = 0, next = 0; rw_stats_next(stats, &next, &item); at = next) {
            if (strcmp(item.block, block) || strcmp(item.name, rules[r].total)) continue;
            struct terms terms;
            struct rw_loss_account *account = &accounts[count++];
            *account = (struct rw_loss_account){
                .equation = rules[r].equation, .total = rules[r].total, .unit = item.unit};
            find_terms(stats, block, &rules[r], item.unit, &terms);
            balance(stats, at, &terms, account);
            break;
        }
    }
    return count;
}

uint64_t rw_loss_sum(const struct rw_stats *stats, const char *block, const char *words,
                     const char *unit) {
    struct rw_stats_item item;
    uint64_t sum = 0;
    for (uint64_t at = 0; rw_stats_next(stats, &at, &item);)
        if (item.kind != RW_STAT_HIST && !strcmp(item.block, block) && begins(item.help, words) &&
            (!unit || !strcmp(item.unit, unit)))
            sum += item.value;
    return sum;
}
