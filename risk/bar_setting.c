/* From text and milliseconds to a struct rw_bar_cfg that rw_bars_new accepts. */
#include "risk/bar_setting.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/err.h"

#define NS_PER_MS UINT64_C(1000000)
#define NS_PER_S  UINT64_C(1000000000)

static int refuse(const char *lengths_s) {
    int rc = rw_err_set(EINVAL, "the lengths of bars are '%s', wanted up to %u ascending ones",
                        lengths_s, RW_BAR_LENGTHS_MAX);
    rw_err_fix("give whole seconds from 1 to %u, like \"1,60\", or 0 for no bars",
               RW_BAR_LENGTH_S_MAX);
    return rc;
}

static int parse(struct rw_bar_cfg *cfg, const char *lengths_s) {
    const char *at = lengths_s;
    uint64_t before_ns = 0;
    cfg->lengths = 0;
    if (!*at || !strcmp(at, "0")) return 0;
    for (;;) {
        char *end;
        if (*at < '1' || *at > '9' || cfg->lengths == RW_BAR_LENGTHS_MAX) return refuse(lengths_s);
        uint64_t length_s = strtoull(at, &end, 10);
        if (length_s > RW_BAR_LENGTH_S_MAX || length_s * NS_PER_S <= before_ns)
            return refuse(lengths_s);
        before_ns = cfg->length_ns[cfg->lengths++] = length_s * NS_PER_S;
        if (!*end) return 0;
        if (*end != ',') return refuse(lengths_s);
        at = end + 1;
    }
}

int rw_bar_setting(struct rw_bar_cfg *cfg, const char *lengths_s, uint64_t bound_ms,
                   uint64_t lateness_ms) {
    int rc = parse(cfg, lengths_s);
    if (rc) return rc;
    if (bound_ms > RW_BAR_MS_MAX || lateness_ms > RW_BAR_MS_MAX)
        return rw_err_set(EINVAL,
                          "the bound of bars is %" PRIu64 " ms and their lateness %" PRIu64
                          " ms, wanted at most %u each",
                          bound_ms, lateness_ms, RW_BAR_MS_MAX);
    cfg->bound_ns = bound_ms * NS_PER_MS;
    cfg->lateness_ns = lateness_ms * NS_PER_MS;
    for (uint32_t k = 0; k < cfg->lengths; k++) {
        if (rw_bars_kept(cfg, k) <= RW_BAR_WINDOWS_MAX) continue;
        rc = rw_err_set(EINVAL,
                        "bars of %" PRIu64 " s would keep %" PRIu64
                        " windows of an instrument, wanted at most %u",
                        cfg->length_ns[k] / NS_PER_S, rw_bars_kept(cfg, k), RW_BAR_WINDOWS_MAX);
        rw_err_fix("make the bound or the allowed lateness shorter, or the shortest bar longer");
        return rc;
    }
    return 0;
}
