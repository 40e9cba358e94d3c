/* Real captures through the feed, where they are there: not one message is left unexplained. */
#include "dataplane/feed/deep_book.h"
#include "dataplane/feed/mdp3_book.h"
#include "dataplane/feed/pitch_book.h"
#include "dataplane/io/pcap.h"
#include "dataplane/nic/udp.h"
#include "tests/unit/feed/venue_fixture.h"
#include "tests/unit/tools/shared_data.h"

#define MIDNIGHT_NS 1493092800000000000ull /* of the DEEP sample's day in New York */

static void run_capture(struct venue_feed *feed, const char *path) {
    struct rw_pcap *pcap;
    struct rw_pcap_record record;
    assert_int_equal(rw_pcap_open(path, &pcap), 0);
    while (rw_pcap_next(pcap, &record) > 0) {
        struct rw_udp udp;
        enum rw_udp_verdict verdict =
            rw_udp_parse(record.frame, record.bytes, RW_UDP_CHECK_NONE, &udp);
        if (verdict == RW_UDP_accepted || verdict == RW_UDP_cut_payload)
            feed_payload(feed, 0, udp.payload, udp.bytes);
    }
    rw_pcap_close(pcap);
}

/* Each message of the packets was taken, or left out for a reason that the channel counts; the
 * samples are packets of several hours in any order. */
static void expect_all_explained(struct venue_feed *feed) {
    const struct rw_channel_counters *channel = &feed->channel;
    feed_wait(feed);
    assert_true(rw_stat_get(&channel->delivered) > 0);
    assert_int_equal(rw_stat_get(&channel->messages),
                     rw_stat_get(&channel->delivered) + rw_stat_get(&channel->duplicates) +
                         rw_stat_get(&channel->late) + rw_stat_get(&channel->foreign) +
                         rw_stat_get(&channel->older_generation));
    assert_int_equal(rw_stat_get(&feed->feed.messages), rw_stat_get(&channel->delivered));
    assert_int_equal(rw_stat_get(&feed->feed.unknown_type), 0);
    assert_int_equal(rw_stat_get(&feed->feed.malformed), 0);
}

static struct venue_feed *capture_feed(const struct rw_venue *venue) {
    return feed_new(venue,
                    &(struct rw_books_cfg){.book = {.orders_max = 1u << 18, .levels_max = 1u << 17},
                                           .midnight_ns = MIDNIGHT_NS});
}

static void the_sample_day_comes_to_its_counts(void **state) {
    char path[512];
    if (!shared_path(path, sizeof path, "captures/iex/DEEP10.pcap.gz")) skip();
    struct venue_feed *feed = capture_feed(&rw_deep10_venue);
    run_capture(feed, path);
    assert_int_equal(rw_stat_get(&feed->channel.delivered), 392010);
    assert_int_equal(rw_stat_get(&feed->feed.messages), 392010);
    assert_int_equal(rw_stat_get(&feed->channel.packets), 121315);
    assert_int_equal(rw_stat_get(&feed->channel.restarts), 11);
    assert_int_equal(rw_stat_get(&feed->channel.truncated), 1);
    assert_int_equal(rw_stat_get(&feed->channel.gaps), 0);
    assert_int_equal(rw_stat_get(&feed->channel.duplicates), 0);
    assert_int_equal(rw_stat_get(&feed->feed.unknown_type), 0);
    assert_int_equal(rw_stat_get(&feed->feed.malformed), 0);
    assert_int_equal(rw_stat_get(&feed->feed.trades), 83343);
    assert_int_equal(rw_stat_get(&feed->feed.breaks), 73);
    assert_int_equal(feed_own(feed, "price_range"), 0);
    assert_int_equal(feed_own(feed, "instruments_full"), 0);
    feed_free(feed);
}

/* Samples captures/<folder>/<name>.pcap, each through a feed of its own. */
static void expect_samples(const struct rw_venue *venue, const char *folder,
                           const char *const *names, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        char name[128], path[512];
        snprintf(name, sizeof name, "captures/%s/%s.pcap", folder, names[i]);
        if (!shared_path(path, sizeof path, name)) skip();
        struct venue_feed *feed = capture_feed(venue);
        run_capture(feed, path);
        expect_all_explained(feed);
        feed_free(feed);
    }
}

static void each_sample_of_deep_plus_is_taken_whole(void **state) {
    static const char *const names[] = {"DeepPlus_B_TradeBreak",    "DeepPlus_D_SecurityDirectory",
                                        "DeepPlus_H_TradingStatus", "DeepPlus_L_OrderExecuted",
                                        "DeepPlus_M_OrderModify",   "DeepPlus_R_OrderDelete",
                                        "DeepPlus_S_SystemEvent",   "DeepPlus_T_Trade",
                                        "DeepPlus_a_AddOrder",      "DeepPlus_all_message_types"};
    expect_samples(&rw_deepplus_venue, "iex", names, sizeof names / sizeof *names);
}

static void the_pitch_samples_are_taken_whole(void **state) {
    static const char *const names[] = {"AddOrderShortMessage", "ModifyOrderShortMessage",
                                        "MultipleMessages"};
    expect_samples(&rw_pitch_venue, "pitch", names, sizeof names / sizeof *names);
}

/* The samples over UDP. Templates that the tables have are decoded, others are counted by their one
 * reason. */
static void the_mdp3_samples_are_decoded_or_counted_as_unknown_templates(void **state) {
    static const struct {
        const char *name;
        uint32_t messages, unknown;
    } samples[] = {{"v1.5_MdIncrementalRefreshBook", 0, 1},
                   {"v1.5_MdIncrementalRefreshSessionStatistics", 1, 5},
                   {"v1.5_MdIncrementalRefreshTradeSummary", 0, 1},
                   {"v1.5_MdIncrementalRefreshVolume", 1, 1},
                   {"v1.5_MdInstrumentDefinitionSpread", 0, 5},
                   {"v1.8_MdIncrementalRefreshTradeSummary", 1, 2},
                   {"v1.9_MdIncrementalRefreshBook", 2, 0},
                   {"v1.9_MdIncrementalRefreshOrderBook", 1, 0},
                   {"v1.9_MdIncrementalRefreshTradeSummary", 5, 0},
                   {"v1.9_MdIncrementalRefreshVolume", 7, 0}};
    for (uint32_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char name[128], path[512];
        snprintf(name, sizeof name, "captures/mdp3/%s.pcap", samples[i].name);
        if (!shared_path(path, sizeof path, name)) skip();
        struct venue_feed *feed = capture_feed(&rw_mdp3_venue);
        run_capture(feed, path);
        expect_all_explained(feed);
        assert_int_equal(feed_own(feed, "messages"), samples[i].messages);
        assert_int_equal(feed_own(feed, "unknown_template"), samples[i].unknown);
        assert_int_equal(feed_own(feed, "found"), samples[i].messages + samples[i].unknown);
        feed_free(feed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample_day_comes_to_its_counts),
        cmocka_unit_test(each_sample_of_deep_plus_is_taken_whole),
        cmocka_unit_test(the_pitch_samples_are_taken_whole),
        cmocka_unit_test(the_mdp3_samples_are_decoded_or_counted_as_unknown_templates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
