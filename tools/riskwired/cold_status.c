#include "tools/riskwired/cold_status.h"

const char *rw_cold_role_text(enum rw_role role) {
    static const char *const text[] = {"recover", "lead", "follow", "halt"};
    return role <= RW_ROLE_HALT ? text[role] : "unknown";
}

static json_int_t number(const rw_stat *cell) { return (json_int_t)rw_stat_get(cell); }

json_t *rw_cold_status(const struct rw_repl_gauges *gauges, const struct rw_config *config,
                       const struct rw_watermarks *watermarks, uint16_t soup_port) {
    enum rw_role role = (enum rw_role)rw_stat_get(&gauges->role);
    uint64_t stopped = rw_stat_get(&gauges->stopped);
    json_t *status = json_pack(
        "{s:b,s:s,s:s,s:s,s:s,s:s,s:I,s:b,s:b}", "ok", 1, "site", config->site, "session",
        config->session, "role", rw_cold_role_text(role), "mode",
        rw_stat_get(&gauges->mode) == RW_MODE_SOLO ? "solo" : "dual", "policy", config->peer_policy,
        "epoch", number(&gauges->epoch), "in_step", (int)rw_stat_get(&gauges->in_step), "peer_up",
        (int)rw_stat_get(&gauges->peer_up));
    const struct {
        const char *name;
        json_int_t value;
    } rows[] = {{"last", number(&gauges->last)},
                {"durable", number(&gauges->durable)},
                {"applied", number(&gauges->applied)},
                {"commit", (json_int_t)rw_word_get(&watermarks->commit)},
                {"released", (json_int_t)rw_word_get(&watermarks->released)},
                {"peer_received", number(&gauges->peer_received)},
                {"peer_durable", number(&gauges->peer_durable)},
                {"peer_applied", number(&gauges->peer_applied)},
                {"soup_port", soup_port}};
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        json_object_set_new(status, rows[i].name, json_integer(rows[i].value));
    if (stopped)
        json_object_set_new(status, "stopped",
                            json_string(rw_pair_reason_text((enum rw_pair_reason)stopped)));
    return status;
}
