/* riskwire journal verify | dump | report: what a journal folder holds, also a copied one,
 * also of a dead site. */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/err.h"
#include "dataplane/io/digest.h"
#include "dataplane/journal/reader.h"
#include "dataplane/journal/superblock.h"
#include "tools/riskwire/journal_dump.h"
#include "tools/riskwire/report.h"
#include "tools/riskwire/verbs.h"

#define PATH_BYTES 1024u
#define LIVE_TRIES 3u

struct arguments {
    const char *folder;
    bool json, csv;
};

static error_t parse(int key, char *value, struct argp_state *state) {
    struct arguments *arguments = state->input;
    switch (key) {
    case 'o':
        arguments->json = strcmp(value, "json") == 0;
        arguments->csv = strcmp(value, "csv") == 0;
        if (!arguments->json && !arguments->csv && strcmp(value, "table") != 0)
            argp_failure(state, RW_EXIT_USAGE, 0, "no output '%s'", value);
        return 0;
    case ARGP_KEY_ARG:
        if (arguments->folder) return ARGP_ERR_UNKNOWN;
        arguments->folder = value;
        return 0;
    case ARGP_KEY_END:
        if (!arguments->folder) argp_usage(state);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static void join(char path[PATH_BYTES], const char *folder, const char *name) {
    if (snprintf(path, PATH_BYTES, "%s/%s", folder, name) >= (int)PATH_BYTES) path[0] = 0;
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

/* What the checksums do not tell: that the items are numbered and chained as the records say. */
struct item_check {
    enum rw_journal_kind kind;
    uint64_t next; /* 0 = any */
    struct rw_sha256_state sha256;
    uint8_t digest[RW_SHA256_BYTES];
};

/* Tamper evidence: a SHA-256 chain over each aligned 1,024 items, d(k) = SHA-256(d(k − 1) ‖
 * items of k), the last one over what there is. It depends on the items alone, so both sites
 * print the same. */
#define SHA256_ITEMS 1024u

static void digest_item(struct item_check *check, const uint8_t *item, uint32_t bytes,
                        uint64_t sequence) {
    rw_sha256_add(&check->sha256, item, bytes);
    if (sequence % SHA256_ITEMS) return;
    rw_sha256_end(&check->sha256, check->digest);
    rw_sha256_init(&check->sha256);
    rw_sha256_add(&check->sha256, check->digest, sizeof check->digest);
}

static int check_items(void *context, const struct rw_journal_record *record) {
    struct item_check *check = context;
    struct rw_journal_record rest = *record;
    uint32_t at = 0;
    if (check->next && record->first_sequence != check->next)
        return rw_err_set(EBADMSG, "sequence %" PRIu64 " is followed by %" PRIu64, check->next - 1,
                          record->first_sequence);
    check->next = record->first_sequence + record->count;
    for (uint32_t i = 0, bytes; i < record->count; i++, at += bytes) {
        const uint8_t *item = record->payload + at;
        uint64_t sequence = record->first_sequence + i;
        bytes = rw_journal_items_of(check->kind)(item, record->bytes - at);
        bool numbered = bytes && (check->kind != RW_JOURNAL_LOG || rw_load_le64(item) == sequence);
        if (!numbered)
            return rw_err_set(EBADMSG,
                              "segment %" PRIu64 " offset %" PRIu64 ": item %" PRIu64
                              " is not numbered as its record says",
                              record->segment, record->offset, sequence);
        digest_item(check, item, bytes, sequence);
    }
    if (rw_journal_skip(&rest, check->kind, check->next) &&
        rw_hash_equal(rest.chain_before, record->chain))
        return 0;
    return rw_err_set(EBADMSG,
                      "segment %" PRIu64 " offset %" PRIu64 ": the items of record %" PRIu64
                      "… do not lead to its chain hash",
                      record->segment, record->offset, record->first_sequence);
}

static void print_summary(const struct arguments *arguments, const char *name, const char *verdict,
                          const struct rw_journal_summary *found, struct item_check *check) {
    char chain[33], sha256[2 * RW_SHA256_BYTES + 1];
    rw_sha256_end(&check->sha256, check->digest);
    for (uint32_t i = 0; i < RW_SHA256_BYTES; i++)
        snprintf(sha256 + 2 * i, 3, "%02x", check->digest[i]);
    rw_hash_text(found->chain, chain);
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"segments", found->segments},
        {"segments_unused", found->segments_unused},
        {"records", found->records},
        {"cuts", found->cuts},
        {"marks", found->marks},
        {"first_sequence", found->first},
        {"last_sequence", found->last},
        {"epoch", found->epoch},
        {"acked", found->acked},
        {"torn_segment", found->torn_segment},
        {"torn_offset", found->torn_offset},
        {"torn_bytes", found->torn_bytes},
    };
    if (arguments->json)
        printf("{\"journal\":\"%s\",\"verdict\":\"%s\"", name, verdict);
    else
        printf("%-8s verdict %s\n", name, verdict);
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        printf(arguments->json ? ",\"%s\":%" PRIu64 : "         %s %" PRIu64 "\n", rows[i].name,
               rows[i].value);
    printf(arguments->json
               ? ",\"closed\":%s,\"chain_hash\":\"%s\",\"sha256_chain\":\"%s\"}\n"
               : "         closed %s\n         chain_hash %s\n         sha256_chain %s\n",
           arguments->json ? (found->closed ? "true" : "false") : (found->closed ? "yes" : "no"),
           chain, sha256);
}

/* A site that runs holds a lock on its folder, and writes while we read. */
static bool is_being_written(const char *folder) {
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return false;
    bool locked = flock(fd, LOCK_SH | LOCK_NB) != 0;
    close(fd);
    return locked;
}

/* Reads the folder, once more when it is being written and what was read does not fit together. */
static int scan(const char *folder, bool live, struct item_check *check,
                struct rw_journal_summary *found) {
    int rc = -EBADMSG;
    for (uint32_t tries = live ? LIVE_TRIES : 1; rc == -EBADMSG && tries; tries--) {
        *found = (struct rw_journal_summary){0};
        *check = (struct item_check){0};
        rw_sha256_init(&check->sha256);
        rc = rw_journal_scan(folder, 0, NULL, NULL, found);
        check->kind = found->kind;
        if (!rc) rc = rw_journal_scan(folder, 0, check_items, check, found);
    }
    return rc;
}

/* Returns an enum rw_exit. */
static int verify_one(const struct arguments *arguments, const char *folder, const char *name) {
    struct rw_journal_summary found;
    struct item_check check;
    bool live = is_being_written(folder);
    int rc = scan(folder, live, &check, &found);
    bool torn = !rc && found.torn_segment;
    const char *verdict = rc ? "damaged" : torn && !live ? "torn" : live ? "being written" : "good";
    if (!rc || rc == -EBADMSG) print_summary(arguments, name, verdict, &found, &check);
    if (rc) {
        rw_err_print("riskwire journal verify");
        return rc == -ENOENT ? RW_EXIT_NO_INPUT : rc == -EBADMSG ? RW_EXIT_CHECK : RW_EXIT_FAILED;
    }
    if (!torn || live) return RW_EXIT_OK;
    fprintf(
        stderr,
        "riskwire journal verify: %s ends in bytes that are no whole record, from segment %" PRIu64
        " offset %" PRIu64 " on\n"
        "  why: a crash in the middle of its last write, or damage to that write\n"
        "  fix: nothing after a crash: the next start cuts it off\n",
        folder, found.torn_segment, found.torn_offset);
    return RW_EXIT_CHECK;
}

static int verify_superblock(const struct arguments *arguments, const char *path) {
    uint8_t bytes[2 * RW_DISK_BLOCK] = {0}, payload[RW_SUPERBLOCK_PAYLOAD];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (fd >= 0) close(fd);
    bool whole =
        got == (ssize_t)sizeof bytes && memcmp(bytes, bytes + RW_DISK_BLOCK, RW_DISK_BLOCK) == 0;
    int64_t generation = rw_superblock_decode(bytes, payload);
    const char *verdict = generation < 0 ? "damaged" : whole ? "good" : "one copy differs";
    if (arguments->json)
        printf("{\"journal\":\"superblock\",\"verdict\":\"%s\",\"generation\":%" PRId64 "}\n",
               verdict, generation);
    else
        printf("%-8s verdict %s\n         generation %" PRId64 "\n", "superblock", verdict,
               generation);
    if (generation >= 0 && whole) return RW_EXIT_OK;
    fprintf(stderr, "riskwire journal verify: superblock %s: %s\n", path, verdict);
    return RW_EXIT_CHECK;
}

static int worse(int a, int b) { return a != RW_EXIT_OK ? a : b; }

static int verify(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"output", 'o', "FORMAT", 0, "table (default) or json: one object a journal", 0}, {0}};
    static const struct argp argp = {options,
                                     parse,
                                     "DIR",
                                     "Checks every byte of a journal: checksums, order, chain "
                                     "hash. DIR is a folder of segments, or a "
                                     "site's journal folder, of which log, results and superblock "
                                     "are checked. Changes nothing. Exit 0 "
                                     "good, 3 damaged or with a torn end, 66 no journal there."
                                     "\vExample: riskwire journal verify run/a/journal",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    char log[PATH_BYTES], results[PATH_BYTES], superblock[PATH_BYTES];
    join(log, arguments.folder, "log");
    join(results, arguments.folder, "results");
    join(superblock, arguments.folder, "superblock");
    if (!exists(log)) return verify_one(&arguments, arguments.folder, "journal");
    int code = verify_one(&arguments, log, "log");
    if (exists(results)) code = worse(code, verify_one(&arguments, results, "results"));
    if (exists(superblock)) code = worse(code, verify_superblock(&arguments, superblock));
    return code;
}

static int dump(int argc, char **argv) {
    static const struct argp_option options[] = {
        {"output", 'o', "FORMAT", 0, "json (default: one object a line) or csv", 0}, {0}};
    static const struct argp argp = {options,
                                     parse,
                                     "DIR",
                                     "Prints the entries of a log, or the results of a result "
                                     "journal, in order, without what was "
                                     "truncated. DIR is a folder of segments, or a site's journal "
                                     "folder, of which the log is printed."
                                     "\vExample: riskwire journal dump run/a/journal/log -o csv",
                                     NULL,
                                     NULL,
                                     NULL};
    struct arguments arguments = {0};
    argp_parse(&argp, argc, argv, 0, NULL, &arguments);
    char log[PATH_BYTES];
    join(log, arguments.folder, "log");
    const char *folder = exists(log) ? log : arguments.folder;
    struct rw_journal_summary found;
    struct rw_dump out = {.out = stdout, .json = !arguments.csv};
    int rc = rw_journal_scan(folder, 0, NULL, NULL, &found);
    if (!rc) {
        out.kind = found.kind;
        rw_dump_header(&out);
        rc = rw_journal_scan(folder, 0, rw_dump_record, &out, &found);
    }
    if (rc == -EIO && ferror(stdout)) return RW_EXIT_FAILED; /* the reader of our output has gone */
    if (rc) {
        rw_err_print("riskwire journal dump");
        return rc == -ENOENT ? RW_EXIT_NO_INPUT : RW_EXIT_FAILED;
    }
    if (out.malformed)
        fprintf(stderr, "riskwire journal dump: %" PRIu64 " items of unknown type or length\n",
                out.malformed);
    if (found.torn_bytes)
        fprintf(stderr, "riskwire journal dump: a torn end of %" PRIu64 " bytes is left out\n",
                found.torn_bytes);
    return RW_EXIT_OK;
}

static const struct {
    const char *name;
    char *title; /* as argv[0] of the subcommand, for its usage line */
    const char *help;
    int (*run)(int argc, char **argv);
} subcommands[] = {
    {"verify", "riskwire journal verify", "check every byte: checksums, order, chain hash", verify},
    {"dump", "riskwire journal dump", "print the entries of a log, or results", dump},
    {"report", "riskwire journal report", "compute all results again from the log", rw_report_main},
};

int rw_verb_journal(int argc, char **argv) {
    argp_err_exit_status = RW_EXIT_USAGE;
    for (uint32_t i = 0; argc >= 2 && i < sizeof subcommands / sizeof *subcommands; i++) {
        if (strcmp(argv[1], subcommands[i].name) != 0) continue;
        argv[1] = subcommands[i].title;
        return subcommands[i].run(argc - 1, argv + 1);
    }
    bool asked = argc >= 2 && strcmp(argv[1], "--help") == 0;
    FILE *out = asked ? stdout : stderr;
    fputs("riskwire journal SUBCOMMAND DIR   (SUBCOMMAND --help tells more)\n\n", out);
    for (uint32_t i = 0; i < sizeof subcommands / sizeof *subcommands; i++)
        fprintf(out, "  %-8s %s\n", subcommands[i].name, subcommands[i].help);
    return asked ? RW_EXIT_OK : RW_EXIT_USAGE;
}
