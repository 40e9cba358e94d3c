#include "tools/riskwire/venue_control.h"

#include <string.h>

#define WORDS_MAX     3u
#define WHOLE_MAX     1000u
#define NUMBER_DIGITS 18u

/* Splits a copy of the line at spaces; returns the number of words, WORDS_MAX + 1 for more. */
static uint32_t split(char *text, const char *words[WORDS_MAX]) {
    uint32_t count = 0;
    char *rest = NULL;
    for (char *word = strtok_r(text, " \t\r", &rest); word; word = strtok_r(NULL, " \t\r", &rest)) {
        if (count == WORDS_MAX) return WORDS_MAX + 1;
        words[count++] = word;
    }
    return count;
}

static bool read_number(const char *text, uint64_t *number) {
    uint64_t value = 0;
    uint32_t digits = 0;
    for (; *text >= '0' && *text <= '9'; text++, digits++) {
        if (digits == NUMBER_DIGITS) return false;
        value = value * 10 + (uint64_t)(*text - '0');
    }
    *number = value;
    return digits > 0 && *text == '\0';
}

/* A number with up to `decimals` of them as a whole number of 10^-decimals. */
static bool read_decimal(const char *text, uint32_t decimals, uint64_t *scaled) {
    char whole[RW_VENUE_LINE_MAX];
    const char *point = strchr(text, '.');
    size_t length = point ? (size_t)(point - text) : strlen(text);
    size_t given = point ? strlen(point + 1) : 0;
    uint64_t value, part = 0;
    memcpy(whole, text, length);
    whole[length] = '\0';
    if (!read_number(whole, &value) || value > WHOLE_MAX || given > decimals) return false;
    if (point && !read_number(point + 1, &part)) return false;
    for (uint32_t i = 0; i < decimals; i++) value *= 10;
    for (; given < decimals; given++) part *= 10;
    *scaled = value + part;
    return true;
}

static bool read_seconds(const char *text, uint64_t *ns) {
    return read_decimal(text, 9, ns) && *ns <= RW_VENUE_BLACKOUT_MAX;
}

static bool read_speed(const char *text, uint64_t *permille) {
    return read_decimal(text, 3, permille) && *permille >= 1 && *permille <= 1000000;
}

static bool read_manner(const char *word, enum rw_venue_manner *manner) {
    for (int i = 0; i < RW_VENUE_MANNERS; i++) {
        if (strcmp(word, rw_venue_manner_name((enum rw_venue_manner)i)) != 0) continue;
        *manner = (enum rw_venue_manner)i;
        return true;
    }
    return false;
}

/* up, down, slow, or cut and a number. */
static bool read_service(const char *const *words, uint32_t count,
                         struct rw_venue_command *command) {
    static const char *const names[] = {"up", "down", "slow", "cut"};
    for (int i = 0; i < 4; i++) {
        bool is_cut = i == RW_VENUE_SERVICE_CUT;
        if (count < 2 || strcmp(words[1], names[i]) != 0) continue;
        command->service = (enum rw_venue_service_manner)i;
        return is_cut ? count == 3 && read_number(words[2], &command->number) : count == 2;
    }
    return false;
}

static bool read_restart(const char *word, enum rw_venue_restart *restart) {
    *restart = strcmp(word, "new") ? RW_VENUE_SAME_SESSION : RW_VENUE_NEW_SESSION;
    return !strcmp(word, "same") || !strcmp(word, "new");
}

bool rw_venue_command_read(const char *line, struct rw_venue_command *command) {
    static const struct {
        const char *word;
        enum rw_venue_verb verb;
        uint32_t words; /* 0: two or three, of a service */
    } verbs[] = {{"begin", RW_VENUE_BEGIN, 1},     {"requests", RW_VENUE_REQUESTS, 2},
                 {"glimpse", RW_VENUE_GLIMPSE, 0}, {"drop-copy", RW_VENUE_DROPCOPY, 0},
                 {"restart", RW_VENUE_RESTART, 2}, {"blackout", RW_VENUE_BLACKOUT, 2},
                 {"truth", RW_VENUE_TRUTH, 1},     {"end", RW_VENUE_END, 1},
                 {"speed", RW_VENUE_SPEED, 2}};
    char text[RW_VENUE_LINE_MAX];
    const char *words[WORDS_MAX];
    size_t length = strnlen(line, sizeof text);
    *command = (struct rw_venue_command){.verb = RW_VENUE_NOTHING};
    if (length == sizeof text) return false;
    memcpy(text, line, length + 1);
    uint32_t count = split(text, words);
    if (count == 0) return true;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(words[0], verbs[i].word) != 0) continue;
        command->verb = verbs[i].verb;
        if (verbs[i].words == 0) return read_service(words, count, command);
        if (count != verbs[i].words) return false;
        if (command->verb == RW_VENUE_REQUESTS) return read_manner(words[1], &command->manner);
        if (command->verb == RW_VENUE_RESTART) return read_restart(words[1], &command->restart);
        if (command->verb == RW_VENUE_BLACKOUT) return read_seconds(words[1], &command->number);
        if (command->verb == RW_VENUE_SPEED) return read_speed(words[1], &command->number);
        return true;
    }
    return false;
}

bool rw_venue_line_take(struct rw_venue_line_reader *reader, char byte) {
    if (byte != '\n') {
        bool fits = byte != '\0' && reader->bytes + 1 < RW_VENUE_LINE_MAX;
        if (fits) reader->line[reader->bytes++] = byte;
        reader->is_too_long |= !fits;
        return false;
    }
    reader->line[reader->bytes] = '\0';
    if (reader->is_too_long) memcpy(reader->line, "?", 2);
    reader->bytes = 0;
    reader->is_too_long = false;
    return true;
}
