/* The MDP 3.0 row of the decoder on real packets: what prints, and why the rest does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/tools/shared_data.h"
#include "tools/riskwire/decode_feeds.h"

/* Messages that print, and messages of templates that version 12 has replaced (29, 32, 35, 42, …)
 * or that only the TCP service has. Every capture is one packet. */
static const struct capture {
    const char *name;
    uint64_t messages, unknown;
} captures[] = {
    {"v1.12_MdIncrementalRefreshBookLongQty.pcap", 0, 1},
    {"v1.12_MdIncrementalRefreshTradeSummaryLongQty.pcap", 0, 1},
    {"v1.12_RequestAck.Tcp.pcap", 0, 1},
    {"v1.12_SecurityListRequest.Tcp.pcap", 0, 1},
    {"v1.12_SecurityStatusRequest.Tcp.pcap", 0, 1},
    {"v1.12_SnapshotFullRefreshTcpLongQty.Tcp.pcap", 0, 1},
    {"v1.12_SubscriberHeartbeat.Tcp.pcap", 0, 1},
    {"v1.5_MdIncrementalRefreshBook.pcap", 0, 1},
    {"v1.5_MdIncrementalRefreshSessionStatistics.pcap", 1, 5},
    {"v1.5_MdIncrementalRefreshTradeSummary.pcap", 0, 1},
    {"v1.5_MdIncrementalRefreshVolume.pcap", 1, 1},
    {"v1.5_MdInstrumentDefinitionSpread.pcap", 0, 5},
    {"v1.8_MdIncrementalRefreshTradeSummary.pcap", 1, 2},
    {"v1.9_MdIncrementalRefreshBook.pcap", 2, 0},
    {"v1.9_MdIncrementalRefreshOrderBook.pcap", 1, 0},
    {"v1.9_MdIncrementalRefreshTradeSummary.pcap", 5, 0},
    {"v1.9_MdIncrementalRefreshVolume.pcap", 7, 0},
};

/* Decodes a capture into *text, which the caller frees; the feed is guessed and must be mdp3. */
static struct rw_decode_tally decode(const char *path, char **text) {
    size_t bytes = 0;
    const struct rw_decode_feed *feed;
    struct rw_decode decode = {.out = open_memstream(text, &bytes)};
    assert_non_null(decode.out);
    assert_int_equal(rw_decode_guess(path, &feed), 0);
    assert_non_null(feed);
    assert_string_equal(feed->name, "mdp3");
    assert_int_equal(rw_decode_capture(path, feed, &decode), 0);
    assert_int_equal(fclose(decode.out), 0);
    return decode.tally;
}

static void every_message_of_the_real_packets_prints_or_has_a_reason(void **state) {
    char path[1024], below[256], *text;
    for (size_t i = 0; i < sizeof captures / sizeof *captures; i++) {
        snprintf(below, sizeof below, "captures/mdp3/%s", captures[i].name);
        if (!shared_path(path, sizeof path, below)) skip();
        struct rw_decode_tally tally = decode(path, &text);
        free(text);
        assert_int_equal(tally.messages, captures[i].messages);
        assert_int_equal(tally.unknown_types, captures[i].unknown);
        uint64_t rest = tally.bad_lengths + tally.foreign_frames + tally.bad_packets + tally.cut;
        assert_int_equal(rest, 0);
    }
}

static void a_real_order_update_prints_as_it_should(void **state) {
    char path[1024], *text;
    if (!shared_path(path, sizeof path, "captures/mdp3/v1.9_MdIncrementalRefreshOrderBook.pcap"))
        skip();
    decode(path, &text);
    assert_string_equal(
        text, "{\"seq\": 911525, \"type\": \"47\", \"transact_time\": 1536760536853618175, "
              "\"match_event_indicator\": 132, \"incremental_refresh_order_book_groups\": "
              "[{\"order_id_optional\": 76662054355, \"md_order_priority_optional\": 641463012, "
              "\"md_entry_px_optional_ex\": 12068000000000, \"md_display_qty_optional\": 4, "
              "\"security_id\": 532259, \"md_update_action\": 0, \"md_entry_type_book\": 49}]}\n");
    free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_message_of_the_real_packets_prints_or_has_a_reason),
        cmocka_unit_test(a_real_order_update_prints_as_it_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
