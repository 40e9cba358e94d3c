/* rw_tap_reader: read the taps of a site on the same host.
 *
 *   open ─► find a tap by its row ─► ask … wanted ─► begin ─► next, next, … (renew by ask) ─► close
 *
 * Reading is a copy out of shared memory: no system call, nothing that the site could notice but
 * the want word. One thread per reader. */
#pragma once

#include "dataplane/link/tap.h"

struct rw_tap_reader;

/* rw_tap_reader_open maps the taps file of a site, for which this user must be its owner or in its
 * group. 0; -EINVAL when it is no sound taps file; -errno; with an error set. */
int rw_tap_reader_open(const char *path, struct rw_tap_reader **reader);
void rw_tap_reader_close(struct rw_tap_reader *reader);

/* What the file says. index < count. */
uint32_t rw_tap_reader_count(const struct rw_tap_reader *reader);
const struct rw_tap_row *rw_tap_reader_row(const struct rw_tap_reader *reader, uint32_t index);
uint64_t rw_tap_reader_pid(const struct rw_tap_reader *reader);
const char *rw_tap_reader_site(const struct rw_tap_reader *reader);
/* rw_tap_reader_closed tells that the site has stopped in good order: what was written before is
 * still to be read, and nothing follows. */
bool rw_tap_reader_closed(const struct rw_tap_reader *reader);
/* rw_tap_reader_unix_ns returns a record's time in Unix ns. */
uint64_t rw_tap_reader_unix_ns(const struct rw_tap_reader *reader,
                               const struct rw_tap_record *record);

/* rw_tap_reader_ask asks for a tap, or goes on asking: again within RW_TAP_LEASE_NS, or copying
 * stops. The site follows at its next housekeeping, about a millisecond later. */
void rw_tap_reader_ask(struct rw_tap_reader *reader, uint32_t index);
/* rw_tap_reader_wanted tells that the site copies now. */
bool rw_tap_reader_wanted(const struct rw_tap_reader *reader, uint32_t index);
/* rw_tap_reader_passed returns the number of the last one that had passed at the site's last
 * housekeeping. */
uint64_t rw_tap_reader_passed(const struct rw_tap_reader *reader, uint32_t index);
/* rw_tap_reader_begin goes to what is written next. */
void rw_tap_reader_begin(struct rw_tap_reader *reader, uint32_t index);
/* rw_tap_reader_next copies the next record of a tap: its head, and its bytes to `bytes`, which has
 * room for RW_TAP_RECORD_BYTES_MAX. 1; 0: there is none yet; -EOVERFLOW: it was overwritten, and
 * the reader goes on with what is written next. Never waits. */
int rw_tap_reader_next(struct rw_tap_reader *reader, uint32_t index, struct rw_tap_record *record,
                       void *bytes);
