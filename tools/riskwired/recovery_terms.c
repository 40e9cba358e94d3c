#include "tools/riskwired/recovery_terms.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/base/err.h"

#define NS_PER_MS         1000000ull
#define OUTSTANDING       8u    /* requests at once: a datagram of each fits into any socket */
#define QUIET_MS          1000u /* in which both sites notice that the venue has started again */
#define JUMP_PACKETS      8u
#define STORE_MEAN_BYTES  32u /* of a venue message; shorter ones are not kept so long */
#define REORDER_PACKETS   1024u
#define REORDER_RECOVERED 8192u /* about what comes while a request is answered */

/* split_servers cuts the list at its commas. */
static int split_servers(const struct rw_config_feed *config, const char *name,
                         struct rw_recover_channel *recover) {
    const char *at = config->request_servers;
    while (*at) {
        size_t length = strcspn(at, ",");
        if (recover->servers == RW_LINE_SERVERS_MAX)
            return rw_err_set(EINVAL, "%s.request_servers names more than %u servers", name,
                              RW_LINE_SERVERS_MAX);
        if (length == 0)
            return rw_err_set(EINVAL, "%s.request_servers is '%s': a name is missing at a comma",
                              name, config->request_servers);
        memcpy(recover->server[recover->servers++], at, length);
        at += length + (at[length] == ',');
        at += strspn(at, " ");
    }
    return 0;
}

static int set_glimpse(const struct rw_config_feed *config, const char *name,
                       const struct rw_feed_cfg *feed, struct rw_glimpse_cfg *glimpse) {
    if (strlen(config->snapshot_user) >= sizeof glimpse->username)
        return rw_err_set(EINVAL, "%s.snapshot_user is '%s', wanted at most %zu characters", name,
                          config->snapshot_user, sizeof glimpse->username - 1);
    if (strlen(config->snapshot_password) >= sizeof glimpse->password)
        return rw_err_set(EINVAL, "%s.snapshot_password is too long, wanted at most %zu characters",
                          name, sizeof glimpse->password - 1);
    if (*config->snapshot_server && strcmp(feed->line.venue->name, "itch50")) {
        int rc = rw_err_set(EINVAL, "%s.snapshot_server is set, but the venue is %s", name,
                            feed->line.venue->name);
        rw_err_why("GLIMPSE snapshots are made of ITCH 5.0 messages");
        rw_err_fix("leave snapshot_server empty");
        return rc;
    }
    strcpy(glimpse->username, config->snapshot_user);
    strcpy(glimpse->password, config->snapshot_password);
    glimpse->end_is_binary = !strcmp(config->snapshot_end, "binary");
    glimpse->end_is_last = !strcmp(config->snapshot_next, "plus_one");
    /* an add for each live order, and some messages for each of the symbols there can be */
    glimpse->messages_max = feed->books.book.orders_max + 8ull * RW_BOOK_LOCATES;
    return 0;
}

static void set_store(const struct rw_config_feed *config, struct rw_store_cfg *store) {
    uint64_t bytes = config->store_mib << 20;
    store->bytes = 1ull << 20;
    while (2 * store->bytes <= bytes) store->bytes *= 2;
    store->messages = (uint32_t)(store->bytes / STORE_MEAN_BYTES);
}

int rw_recovery_terms(const struct rw_config_feed *config, const char *name,
                      struct rw_feed_cfg *feed, struct rw_recover_channel *recover) {
    snprintf(recover->name, sizeof recover->name, "%s", name);
    snprintf(recover->serve, sizeof recover->serve, "%s", config->serve);
    snprintf(recover->snapshot, sizeof recover->snapshot, "%s", config->snapshot_server);
    int rc = split_servers(config, name, recover);
    if (!rc) rc = set_glimpse(config, name, feed, &recover->glimpse);
    if (rc) return rc;
    feed->recovery =
        (struct rw_recovery_cfg){.servers = recover->servers,
                                 .snapshot = *config->snapshot_server != 0,
                                 .outstanding = OUTSTANDING,
                                 .request_messages = (uint32_t)config->request_messages,
                                 .request_max = config->request_max,
                                 .attempts = (uint32_t)config->request_attempts,
                                 .timeout_ns = config->request_timeout_ms * NS_PER_MS,
                                 .snapshot_attempts = (uint32_t)config->snapshot_attempts,
                                 .snapshot_timeout_ns = config->snapshot_timeout_ms * NS_PER_MS,
                                 .snapshot_retry_ns = config->snapshot_retry_ms * NS_PER_MS,
                                 .quiet_ns = QUIET_MS * NS_PER_MS};
    if (*config->serve) set_store(config, &feed->store);
    bool recovers = rw_feed_recovers(feed);
    feed->line.reorder_packets = recovers ? REORDER_RECOVERED : REORDER_PACKETS;
    if (config->reorder_packets) feed->line.reorder_packets = (uint32_t)config->reorder_packets;
    if (recovers || !feed->line.file_ports) feed->line.jump_packets = JUMP_PACKETS;
    return 0;
}

bool rw_recovery_is_wanted(const struct rw_feed_cfg *feed) {
    return rw_feed_recovers(feed) || feed->store.bytes > 0;
}
