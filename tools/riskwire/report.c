/* `journal report`: drives one shard and merge from a journal folder; see the header. */
#include "tools/riskwire/report.h"

#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/journal/reader.h"
#include "dataplane/record/result_text.h"
#include "refdata/enrich_core.h"
#include "risk/bar_setting.h"
#include "risk/merge_core.h"
#include "risk/risk_core.h"
#include "tools/riskwire/report_bars.h"
#include "tools/riskwire/report_check.h"
#include "tools/riskwire/verbs.h"

#define PATH_BYTES    4096u
#define IMAGE_MAX     (1u << 30)
#define SESSION_BYTES sizeof(((struct rw_session_body *)0)->session)

struct report {
    const struct rw_report_cfg *cfg;
    FILE *out;
    struct rw_image *image;
    struct rw_risk *risk;
    struct rw_merge *merge;
    struct rw_report_check *check;
    struct rw_report_bars *bars;
    struct rw_risk_counters risk_counters;
    struct rw_var_counters var_counters;
    struct rw_bar_counters bar_counters;
    struct rw_merge_counters merge_counters;
    struct rw_report_summary *summary;
    char session[SESSION_BYTES + 1];
};

static void *zeroed(size_t bytes) {
    void *memory = aligned_alloc(64, (bytes + 63) & ~(size_t)63);
    return memory ? memset(memory, 0, bytes) : NULL;
}

struct rw_image *rw_report_image(const char *path) {
    FILE *file = fopen(path, "rb");
    struct rw_image head, *image = NULL;
    int rc = 0;
    if (!file) {
        rw_err_set(errno, "%s cannot be read: %s", path, strerror(errno));
        rw_err_fix("give the folder that holds log/ and image.bin");
        return NULL;
    }
    if (fread(&head, 1, sizeof head, file) != sizeof head || head.magic != RW_IMAGE_MAGIC ||
        head.bytes < sizeof head || head.bytes > IMAGE_MAX)
        rc = rw_err_set(EBADMSG, "%s is not a reference image", path);
    if (rc == 0 && !(image = zeroed(head.bytes)))
        rc = rw_err_set(ENOMEM, "no memory for the %" PRIu64 " bytes of %s", head.bytes, path);
    if (rc == 0) {
        memcpy(image, &head, sizeof head);
        size_t rest = head.bytes - sizeof head;
        if (fread((uint8_t *)image + sizeof head, 1, rest, file) != rest)
            rc = rw_err_set(EBADMSG, "%s is cut short", path);
    }
    if (rc == 0) rc = rw_image_check(image, head.bytes);
    if (rc == 0) rc = rw_risk_check_image(image);
    fclose(file);
    if (rc == 0) return image;
    free(image);
    return NULL;
}

static int report_open(struct report *report) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/image.bin", report->cfg->folder);
    report->image = rw_report_image(path);
    if (!report->image) return access(path, F_OK) ? -ENOENT : -EINVAL;
    struct rw_risk_cfg risk = {.image = report->image,
                               .shards = 1,
                               .positions_max = report->cfg->positions_max,
                               .fills_max = report->cfg->fills_max,
                               .counters = &report->risk_counters,
                               .var_counters = &report->var_counters,
                               .bars = report->cfg->bars};
    risk.bars.counters = &report->bar_counters;
    struct rw_merge_cfg merge = {.image = report->image, .counters = &report->merge_counters};
    void *risk_memory = zeroed(rw_risk_footprint(&risk));
    void *merge_memory = zeroed(rw_merge_footprint(&merge));
    report->check = rw_report_check_new(report->image);
    report->bars = rw_report_bars_new(&report->cfg->bars, report->image->instruments.count);
    if (!risk_memory || !merge_memory || !report->check || !report->bars) {
        free(risk_memory);
        free(merge_memory);
        return rw_err_set(ENOMEM, "no memory for the recomputation");
    }
    report->risk = rw_risk_new(risk_memory, &risk);
    report->merge = rw_merge_new(merge_memory, &merge);
    return 0;
}

static void report_close(struct report *report) {
    rw_report_check_free(report->check);
    rw_report_bars_free(report->bars);
    free(report->risk);
    free(report->merge);
    free(report->image);
}

/* The session's name and its image come from SESSION open; a report on another image would be
 * wrong. */
static int take_session(struct report *report, const struct rw_entry *entry) {
    struct rw_session_body body;
    memcpy(&body, entry->body, sizeof body);
    if (body.event == RW_SESSION_CLOSE) report->summary->closed = true;
    if (body.event != RW_SESSION_OPEN) return 0;
    memcpy(report->session, body.session, SESSION_BYTES);
    if (!memcmp(body.image_hash, report->image->hash, sizeof body.image_hash)) return 0;
    int rc = rw_err_set(EINVAL, "%s: image.bin does not belong to log/", report->cfg->folder);
    rw_err_why("the log's SESSION entry names another reference image");
    rw_err_fix("use the image.bin that the site wrote beside this log");
    return rc;
}

static int print(struct report *report, const struct rw_result *result) {
    if (report->cfg->json)
        rw_result_print_json(report->out, report->session, result);
    else
        rw_result_print_csv(report->out, report->session, result);
    return result->kind == RW_RESULT_BAR ? rw_report_bars_told(report->bars, result) : 0;
}

static int take_entry(struct report *report, const struct rw_entry *entry) {
    if (entry->sequence != rw_risk_sequence(report->risk) + 1)
        return rw_err_set(EBADMSG, "the log goes on with entry %" PRIu64 ", wanted %" PRIu64,
                          entry->sequence, rw_risk_sequence(report->risk) + 1);
    int rc = entry->type == RW_ENTRY_SESSION ? take_session(report, entry) : 0;
    if (rc == 0) rc = rw_report_check_take(report->check, entry);
    if (rc == 0) rc = rw_report_bars_take(report->bars, entry);
    if (rc) return rc;
    struct rw_result message, result;
    struct rw_result_end end;
    enum rw_risk_step step;
    rw_risk_begin(report->risk, entry);
    while (rc == 0 && (step = rw_risk_next(report->risk, &message)) != RW_RISK_DONE)
        if (step == RW_RISK_MESSAGE && rw_merge_take(report->merge, &message, &result))
            rc = print(report, &result);
    if (rc) return rc;
    while (rw_merge_total(report->merge, &result)) print(report, &result);
    rw_merge_end(report->merge, &end, &report->summary->hash);
    report->summary->entries++;
    return ferror(report->out) ? rw_err_set(EIO, "the results cannot be written") : 0;
}

static int take_record(void *context, const struct rw_journal_record *record) {
    const uint8_t *at = record->payload, *end = at + record->bytes;
    for (uint32_t i = 0; i < record->count; i++) {
        uint32_t bytes = rw_journal_entry_bytes(at, (uint32_t)(end - at));
        if (bytes == 0)
            return rw_err_set(EBADMSG, "entry %" PRIu64 " of the log is malformed",
                              record->first_sequence + i);
        int rc = take_entry(context, (const struct rw_entry *)at);
        if (rc) return rc;
        at += bytes;
    }
    return 0;
}

/* Compares the bars that were told with bars added up. */
static void compare_bars(struct report *report) {
    struct rw_report_summary *summary = report->summary;
    if (rw_stat_get(&report->bar_counters.ahead) > 0) return;
    summary->bar_differences = rw_report_bars_settle(report->bars, &summary->bars_checked);
}

/* Compares the streamed state with the naive one. */
static int compare(struct report *report) {
    struct rw_report_summary *summary = report->summary;
    const struct rw_risk_counters *counters = &report->risk_counters;
    summary->checked = rw_stat_get(&counters->fill_over_bounds) == 0 &&
                       rw_stat_get(&counters->fill_no_pair_room) == 0 &&
                       rw_stat_get(&counters->fill_no_id_room) == 0;
    if (!summary->checked) return 0;
    int rc = rw_report_check_settle(report->check);
    if (rc) return rc;
    for (uint32_t p = 1; p < report->image->portfolios.count; p++) {
        struct rw_risk_view view;
        struct rw_report_total total = rw_report_check_portfolio(report->check, p);
        bool there = rw_risk_view_portfolio(report->risk, p, &view);
        summary->portfolios_checked++;
        summary->differences += !there || total.gross != view.gross || total.net != view.net ||
                                total.pnl != (__int128)view.realised_pnl + view.unrealised_pnl;
        for (uint32_t i = 1; i < report->image->instruments.count; i++) {
            int64_t mark, quantity = rw_report_check_position(report->check, p, i, &mark);
            there = rw_risk_view_position(report->risk, p, i, &view);
            if (!there && quantity == 0) continue;
            summary->positions_checked++;
            summary->differences += !there || view.quantity != quantity || view.mark != mark;
        }
    }
    return 0;
}

int rw_report_write(const struct rw_report_cfg *cfg, FILE *out, struct rw_report_summary *summary) {
    *summary = (struct rw_report_summary){0};
    struct report report = {.cfg = cfg, .out = out, .summary = summary};
    int rc = report_open(&report);
    if (rc == 0) {
        char path[PATH_BYTES];
        struct rw_journal_summary journal;
        snprintf(path, sizeof path, "%s/log", cfg->folder);
        if (!cfg->json) rw_result_print_csv_header(out);
        rc = rw_journal_scan(path, 0, take_record, &report, &journal);
    }
    if (rc == 0 && fflush(out)) rc = rw_err_set(errno, "the results cannot be written");
    if (rc == 0) {
        summary->results = rw_merge_results(report.merge);
        rc = compare(&report);
        compare_bars(&report);
    }
    report_close(&report);
    return rc;
}

enum { KEY_POSITIONS = 1000, KEY_FILLS, KEY_BARS, KEY_BOUND, KEY_LATENESS };

struct arguments {
    struct rw_report_cfg cfg;
    const char *lengths_s;
    uint64_t bound_ms, lateness_ms;
};

static bool parse_count(const char *text, uint32_t *count) {
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    if (errno || *end || *text == '-' || value == 0 || value > 1u << 26) return false;
    *count = (uint32_t)value;
    return true;
}

static bool parse_ms(const char *text, uint64_t *ms) {
    char *end;
    if (*text < '0' || *text > '9') return false;
    *ms = strtoull(text, &end, 10);
    return !*end && *ms <= RW_BAR_MS_MAX;
}

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    struct rw_report_cfg *cfg = &arguments->cfg;
    switch (key) {
    case 'o':
        if (strcmp(value, "csv") && strcmp(value, "json"))
            argp_failure(state, RW_EXIT_USAGE, 0, "-o '%s' is neither csv nor json", value);
        cfg->json = !strcmp(value, "json");
        return 0;
    case KEY_POSITIONS:
    case KEY_FILLS:
        if (!parse_count(value, key == KEY_FILLS ? &cfg->fills_max : &cfg->positions_max))
            argp_failure(state, RW_EXIT_USAGE, 0, "'%s' is not a count from 1 to 67108864", value);
        return 0;
    case KEY_BARS:
        arguments->lengths_s = value;
        return 0;
    case KEY_BOUND:
    case KEY_LATENESS:
        if (!parse_ms(value, key == KEY_BOUND ? &arguments->bound_ms : &arguments->lateness_ms))
            argp_failure(state, RW_EXIT_USAGE, 0, "'%s' is not a time in ms, 0 to %u", value,
                         RW_BAR_MS_MAX);
        return 0;
    case ARGP_KEY_ARG:
        if (cfg->folder) argp_failure(state, RW_EXIT_USAGE, 0, "one folder, please: '%s'", value);
        cfg->folder = value;
        return 0;
    case ARGP_KEY_END:
        if (!cfg->folder) argp_failure(state, RW_EXIT_USAGE, 0, "which journal folder?");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

int rw_report_main(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"output", 'o', "csv|json", 0, "form of the results (csv)", 0},
        {"positions", KEY_POSITIONS, "COUNT", 0, "risk.positions of the site, when not the default",
         0},
        {"fills", KEY_FILLS, "COUNT", 0, "risk.fills of the site, when not the default", 0},
        {"bars", KEY_BARS, "SECONDS,…", 0, "bars.lengths_s of the site, when not the default", 0},
        {"bound-ms", KEY_BOUND, "N", 0, "bars.bound_ms of the site, when not the default", 0},
        {"lateness-ms", KEY_LATENESS, "N", 0, "bars.lateness_ms of the site, likewise", 0},
        {0}};
    static const struct argp argp = {
        options,
        parse,
        "DIR",
        "Computes all results of a session again from its log, and prints them as `subscribe` "
        "does.\v"
        "DIR holds log/ and image.bin. Example: riskwire journal report run/a/journal > report.csv",
        NULL,
        NULL,
        NULL};
    struct arguments arguments = {.cfg.bars.ahead_ns = RW_ENRICH_CLOCK_NS,
                                  .lengths_s = RW_BAR_LENGTHS_DEFAULT,
                                  .bound_ms = RW_BAR_BOUND_MS_DEFAULT,
                                  .lateness_ms = RW_BAR_LATENESS_MS_DEFAULT};
    struct rw_report_summary summary;
    argp_err_exit_status = RW_EXIT_USAGE;
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    if (rw_bar_setting(&arguments.cfg.bars, arguments.lengths_s, arguments.bound_ms,
                       arguments.lateness_ms)) {
        rw_err_print("riskwire journal report");
        return RW_EXIT_USAGE;
    }
    int rc = rw_report_write(&arguments.cfg, stdout, &summary);
    if (rc) {
        rw_err_print("riskwire journal report");
        return rc == -ENOENT ? RW_EXIT_NO_INPUT : RW_EXIT_FAILED;
    }
    char hash[33];
    rw_hash_text(summary.hash, hash);
    fprintf(stderr, "entries %" PRIu64 "\nresults %" PRIu64 "\nsession_closed %s\nresult_hash %s\n",
            summary.entries, summary.results, summary.closed ? "yes" : "no", hash);
    if (summary.checked)
        fprintf(stderr,
                "check %" PRIu64 " portfolios, %" PRIu64 " positions, %" PRIu64 " differences\n",
                summary.portfolios_checked, summary.positions_checked, summary.differences);
    else
        fprintf(stderr, "check left out: fills were rejected for bounds or room\n");
    if (arguments.cfg.bars.lengths > 0)
        fprintf(stderr, "check_bars %" PRIu64 " bars, %" PRIu64 " differences\n",
                summary.bars_checked, summary.bar_differences);
    return summary.differences + summary.bar_differences ? RW_EXIT_FAILED : RW_EXIT_OK;
}
