/* Reading a whole folder, offline. Two passes when there is a visitor: the first finds the
 * cuts, so that the second can leave out what was truncated later. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/journal/reader.h"
#include "dataplane/journal/store.h"

#define SEGMENT_BYTES_MAX (1u << 30)

int64_t rw_store_list(const char *folder, uint64_t *first, uint64_t *last) {
    DIR *rows = opendir(folder);
    if (!rows) {
        int cause = errno;
        return rw_err_set(cause, "cannot list the journal folder %s: %s", folder, strerror(cause));
    }
    int64_t count = 0;
    for (struct dirent *row; (row = readdir(rows));) {
        if (strlen(row->d_name) != 14 || strspn(row->d_name, "0123456789") != 10) continue;
        if (strcmp(row->d_name + 10, ".seg") != 0) continue;
        uint64_t index = strtoull(row->d_name, NULL, 10);
        if (count == 0 || index < *first) *first = index;
        if (count == 0 || index > *last) *last = index;
        count++;
    }
    closedir(rows);
    return count;
}

int64_t rw_store_load(const char *folder, uint64_t index, uint8_t **bytes, uint64_t *room) {
    char path[RW_STORE_PATH_MAX + 1024];
    snprintf(path, sizeof path, "%s/%010llu.seg", folder, (unsigned long long)index);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat stat;
    if (fd < 0 || fstat(fd, &stat)) {
        int cause = errno;
        if (fd >= 0) close(fd);
        /* a hole in the numbers is damage like any other, not a missing input */
        if (cause == ENOENT) return rw_err_set(EBADMSG, "journal segment %s is missing", path);
        return rw_err_set(cause, "cannot read %s: %s", path, strerror(cause));
    }
    uint64_t size = (uint64_t)stat.st_size;
    if (size > SEGMENT_BYTES_MAX) {
        close(fd);
        return rw_err_set(EBADMSG, "%s has %llu bytes, a segment at most %u", path,
                          (unsigned long long)size, SEGMENT_BYTES_MAX);
    }
    if (size > *room) {
        uint8_t *more = realloc(*bytes, size);
        if (!more) {
            close(fd);
            return rw_err_set(ENOMEM, "no memory for %llu bytes of %s", (unsigned long long)size,
                              path);
        }
        *bytes = more;
        *room = size;
    }
    for (uint64_t at = 0; at < size;) {
        ssize_t got = pread(fd, *bytes + at, size - at, (off_t)at);
        if (got <= 0) {
            int cause = got < 0 ? errno : EIO;
            close(fd);
            return rw_err_set(cause, "cannot read %s at %llu: %s", path, (unsigned long long)at,
                              strerror(cause));
        }
        at += (uint64_t)got;
    }
    close(fd);
    return (int64_t)size;
}

int rw_store_damage(const struct rw_walk *walk, const char *folder) {
    rw_err_set(EBADMSG, "journal %s is damaged in segment %llu at offset %llu: %s", folder,
               (unsigned long long)walk->bad.segment, (unsigned long long)walk->bad.offset,
               walk->cause);
    if (walk->bad.offset)
        rw_err_why("records of later writes stand behind it, so it had been written whole");
    rw_err_fix("restore the segment from a copy, or start this site without its journal and let it "
               "resync");
    return -EBADMSG;
}

/* The second pass: hands out what the cuts of the first leave valid. */
struct second_pass {
    const struct rw_walk *first;
    rw_journal_visit visit;
    void *context;
};

static int hand_out(void *context, const struct rw_walk *walk, const struct rw_journal_head *head,
                    const uint8_t *block, struct rw_place place) {
    const struct second_pass *pass = context;
    if (!(head->flags & RW_JOURNAL_ITEMS)) return 0;
    struct rw_journal_record record;
    const struct rw_cut *limit = rw_cuts_limit(&pass->first->cuts, place);
    int seen = rw_record_view(&record, head, block, place, walk->kind, limit, UINT64_MAX);
    if (seen < 0)
        return rw_err_set(EBADMSG, "an item in segment %llu at offset %llu is malformed",
                          (unsigned long long)place.segment, (unsigned long long)place.offset);
    return seen ? pass->visit(pass->context, &record) : 0;
}

static int walk_all(struct rw_walk *walk, const char *folder, uint64_t first, uint64_t last) {
    uint8_t *bytes = NULL;
    uint64_t room = 0;
    int rc = 0;
    for (uint64_t index = first; index <= last && rc == 0; index++) {
        int64_t size = rw_store_load(folder, index, &bytes, &room);
        rc = size < 0 ? (int)size : rw_walk_segment(walk, index, bytes, (uint64_t)size);
        if (walk->visit && walk->damage != RW_DAMAGE_NONE) break;
    }
    free(bytes);
    return rc;
}

static void sum_up(struct rw_journal_summary *summary, const struct rw_walk *walk) {
    uint64_t last = walk->next_sequence ? walk->next_sequence - 1 : 0;
    *summary = (struct rw_journal_summary){
        .kind = walk->kind,
        .store_id = walk->store_id,
        .segments = walk->segments,
        .segments_unused = walk->segments_unused,
        .records = walk->records,
        .cuts = walk->cut_records,
        .marks = walk->marks,
        .first = walk->first,
        .last = walk->first ? last : 0,
        .epoch = walk->epoch,
        .acked = walk->acked,
        .chain = walk->chain,
        .closed = walk->closed && walk->damage == RW_DAMAGE_NONE,
    };
    if (walk->damage != RW_DAMAGE_TORN) return;
    summary->torn_segment = walk->bad.segment;
    summary->torn_offset = walk->bad.offset;
    summary->torn_bytes = walk->torn_bytes;
}

static int scan(const char *folder, uint64_t promised, rw_journal_visit visit, void *context,
                struct rw_walk *walk, struct rw_journal_summary *summary) {
    uint64_t first = 0, last = 0;
    int64_t count = rw_store_list(folder, &first, &last);
    if (count < 0) return (int)count;
    if (count == 0) {
        rw_err_set(ENOENT, "no journal in %s", folder);
        rw_err_fix("name the folder that holds the .seg files");
        return -ENOENT;
    }
    int rc = walk_all(&walk[0], folder, first, last);
    if (rc) return rc;
    sum_up(summary, &walk[0]);
    if (walk[0].damage == RW_DAMAGE_CORRUPT) return rw_store_damage(&walk[0], folder);
    if (walk[0].next_sequence <= promised && promised)
        return rw_err_set(ENODATA, "journal %s ends at %llu but durability was promised up to %llu",
                          folder,
                          (unsigned long long)(walk[0].next_sequence - !!walk[0].next_sequence),
                          (unsigned long long)promised);
    if (!visit) return 0;
    struct second_pass pass = {&walk[0], visit, context};
    walk[1] = (struct rw_walk){.visit = hand_out, .context = &pass};
    return walk_all(&walk[1], folder, first, last);
}

int rw_journal_scan(const char *folder, uint64_t promised, rw_journal_visit visit, void *context,
                    struct rw_journal_summary *summary) {
    struct rw_walk *walk = calloc(2, sizeof *walk);
    if (!walk) return rw_err_set(ENOMEM, "no memory to scan journal %s", folder);
    int rc = scan(folder, promised, visit, context, walk, summary);
    free(walk);
    return rc;
}
