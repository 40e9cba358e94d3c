/* rw_soup_client: read a site's results over SoupBinTCP, from any sequence on. For programs
 * outside the appliance: it allocates, waits, and reads the monotonic clock.
 *
 *     struct rw_soup_client *client;
 *     int rc = rw_soup_client_open(&client, "10.0.0.1", 7001, "", 1, 5000);
 *     while (!rc && (rc = rw_soup_client_next(client, &record, 1000)) >= 0)
 *         if (rc == RW_SOUP_GOT_RECORD) use(&record);
 *
 * It numbers the records by counting from the accept and checks them against the record's own
 * number. It sends its heartbeats while the caller keeps calling next. When the connection is
 * lost, open again, here or at the other site, from rw_soup_client_position on. One thread at a
 * time. */
#pragma once

#include <stdint.h>

#include "dataplane/record/result.h"
#include "dataplane/record/result_status.h"

struct rw_soup_client;

/* rw_soup_client_open connects and logs in, within timeout_ms in all. session "" = the current
 * one; sequence 0 = the next to be released. Returns 0; -EACCES not authorised; -ESTALE no such
 * session; -ETIMEDOUT; -EPROTO it does not speak SoupBinTCP; or the errno of resolve and
 * connect; with an error. */
int rw_soup_client_open(struct rw_soup_client **client, const char *host, uint16_t port,
                        const char *session, uint64_t sequence, uint32_t timeout_ms);
/* rw_soup_client_credentials sets the user name (≤ 6) and password (≤ 10) of later opens in this
 * process; without it both are blank. */
void rw_soup_client_credentials(const char *username, const char *password);

enum rw_soup_got {
    RW_SOUP_GOT_NOTHING = 0, /* within timeout_ms */
    RW_SOUP_GOT_RECORD = 1,
    RW_SOUP_GOT_STATUS = 2, /* rw_soup_client_status has changed */
    RW_SOUP_GOT_END = 3,    /* the session has ended; nothing more will come */
};
/* rw_soup_client_next waits up to timeout_ms (0 = looks only) for the next packet that matters.
 * Returns enum rw_soup_got; -ECONNRESET when the server closed; -ETIMEDOUT after 15 s without a
 * byte; -EPROTO when a packet cannot be a result record or its number is not the one counted;
 * -errno. Sets no error text. */
int rw_soup_client_next(struct rw_soup_client *client, struct rw_result *record,
                        uint32_t timeout_ms);
/* rw_soup_client_pending is true when a whole packet has been received and next will not wait. */
int rw_soup_client_pending(const struct rw_soup_client *client);
/* rw_soup_client_position returns the sequence of the next record. */
uint64_t rw_soup_client_position(const struct rw_soup_client *client);
/* rw_soup_client_session returns the ten characters of the accept. */
const char *rw_soup_client_session(const struct rw_soup_client *client);
/* rw_soup_client_status returns the last status received; all zero before the first. */
const struct rw_result_status *rw_soup_client_status(const struct rw_soup_client *client);
/* rw_soup_client_close logs out, closes and frees. NULL is ignored. */
void rw_soup_client_close(struct rw_soup_client *client);
