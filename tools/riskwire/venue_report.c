#include "tools/riskwire/venue_report.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/riskwire/gen_truth.h"

int rw_venue_report_sessions(const struct rw_venue_core *venue, const char *dir) {
    int rc = 0;
    for (uint32_t life = 0; life <= rw_venue_life(venue) && rc == 0; life++) {
        const struct rw_venue_log *log = rw_venue_messages(venue, life);
        char name[32] = "session.itch";
        FILE *file;
        if (life > 0) snprintf(name, sizeof name, "session_%" PRIu32 ".itch", life + 1);
        rc = rw_gen_itch_open(dir, name, &file);
        if (rc < 0) return rc;
        for (uint64_t i = 1; i <= log->count && rc == 0; i++) {
            uint32_t bytes;
            const uint8_t *message = rw_venue_log_get(log, i, &bytes);
            rc = rw_gen_itch_put(file, message, bytes);
        }
        int closed = rw_gen_itch_close(file);
        if (rc == 0) rc = closed;
    }
    return rc;
}

static void print_value(const char *name, uint64_t value) {
    printf("%s %" PRIu64 "\n", name, value);
}

static void print_lines(const struct rw_venue_lines *lines) {
    struct rw_venue_lines_count count = rw_venue_lines_counted(lines);
    for (uint32_t i = 0; i < RW_GEN_WIRES; i++) {
        char letter = "ab"[i];
        if (rw_venue_lines_group(lines, i)->length == 0) continue;
        printf("sent_%c %" PRIu64 "\nlost_%c %" PRIu64 "\n", letter, count.sent[i], letter,
               count.wires.lost[i]);
        printf("held_back_%c %" PRIu64 "\ndoubled_%c %" PRIu64 "\nnot_sent_%c %" PRIu64 "\n",
               letter, count.wires.reordered[i], letter, count.wires.duplicated[i], letter,
               count.failed[i]);
    }
    print_value("lost_on_both", count.wires.both_lost);
    print_value("blacked_out", count.blacked_out);
    printf("late_p50_us %.1f\nlate_p99_us %.1f\nlate_max_us %.1f\n",
           (double)count.late_p50_ns / 1e3, (double)count.late_p99_ns / 1e3,
           (double)count.late_max_ns / 1e3);
}

static void print_service(const char *name, const struct rw_venue_service *service) {
    if (!service) return;
    struct rw_venue_service_count count = rw_venue_service_counted(service);
    printf("%s_logins %" PRIu64 "\n%s_served %" PRIu64 "\n", name, count.logins, name,
           count.served);
    printf("%s_messages %" PRIu64 "\n%s_refused %" PRIu64 "\n", name, count.messages, name,
           count.refused);
    printf("%s_dropped %" PRIu64 "\n", name, count.dropped);
}

void rw_venue_report_print(const struct rw_venue_report *report) {
    struct rw_venue_count count = rw_venue_counted(report->venue);
    struct rw_venue_dropcopy_count copies = rw_venue_dropcopy_counted(report->dropcopy);
    print_value("messages", count.messages);
    print_value("packets", count.packets);
    print_value("heartbeats", count.heartbeats);
    print_value("loop_packets", count.loops);
    print_value("restarts", count.restarts);
    print_value("live_orders", rw_gen_market_live(rw_venue_market(report->venue)));
    print_lines(report->lines);
    if (report->requests) {
        const struct rw_venue_requests_counters *c = rw_venue_requests_counted(report->requests);
        print_value("requests_received", rw_stat_get(&c->received));
        print_value("requests_unheard", rw_stat_get(&c->unheard));
        print_value("requests_answered", rw_stat_get(&c->answered));
        print_value("requests_messages", rw_stat_get(&c->messages));
        print_value("requests_lies", rw_stat_get(&c->lies));
    }
    print_service("glimpse", report->snapshots);
    print_service("drop_copy", report->copies);
    print_value("fills", copies.executed);
    print_value("truths", report->truths);
    if (report->is_asked_to_wait) print_value("joined", report->was_joined);
    print_value("commands", report->commands);
    print_value("commands_unknown", report->commands_unknown);
}
