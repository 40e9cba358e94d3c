/* A SoupBinTCP connection as bytes: what a client may say, and what it gets. */
#include "tests/unit/tools/venue_fixture.h"
#include "tools/riskwire/venue_soup.h"

#define SESSION "SESSION001"

static const struct rw_venue_soup_cfg cfg = {.username = "us",
                                             .password = "secret",
                                             .heartbeat_ns = SECOND_NS,
                                             .silence_ns = 15 * SECOND_NS};

struct bench {
    struct rw_venue_soup soup;
    struct rw_venue_log log;
    uint8_t out[4096];
    size_t out_bytes;
};

static void make(struct bench *bench, uint32_t messages) {
    memset(bench, 0, sizeof *bench);
    rw_venue_soup_open(&bench->soup, &cfg, 0);
    for (uint32_t i = 1; i <= messages; i++) rw_venue_log_add(&bench->log, &i, sizeof i);
}

static void say(struct bench *bench, enum rw_soup_type type, uint64_t now_ns) {
    uint8_t bytes[8];
    rw_venue_soup_take(&bench->soup, bytes, rw_soup_write(bytes, type, NULL, 0), now_ns);
}

static void log_in(struct bench *bench, const char *user, const char *session, uint64_t sequence) {
    struct rw_soup_login login = {.password = "secret", .sequence = sequence};
    uint8_t bytes[RW_SOUP_LOGIN_BYTES];
    snprintf(login.username, sizeof login.username, "%s", user);
    snprintf(login.session, sizeof login.session, "%s", session);
    rw_soup_write_login(bytes, &login);
    for (size_t i = 0; i < sizeof bytes; i++) /* byte by byte, as a network may */
        rw_venue_soup_take(&bench->soup, bytes + i, 1, 0);
}

static void fill(struct bench *bench, bool is_complete, uint64_t now_ns, size_t room) {
    bench->out_bytes = rw_venue_soup_fill(&bench->soup, SESSION, &bench->log, is_complete, now_ns,
                                          bench->out, room);
    assert_true(bench->out_bytes <= room);
}

/* The types of the packets in the output; every 'S' carries its number. */
static const char *types(const struct bench *bench, uint64_t *next) {
    static char text[256];
    struct rw_soup_packet packet;
    uint32_t count = 0;
    for (size_t at = 0; at < bench->out_bytes;) {
        int length = rw_soup_parse(bench->out + at, bench->out_bytes - at, &packet);
        assert_true(length > 0 && count < sizeof text - 1);
        text[count++] = (char)packet.type;
        char session[11];
        if (packet.type == RW_SOUP_ACCEPT) {
            assert_int_equal(rw_soup_read_accept(&packet, session, next), 0);
            assert_string_equal(session, SESSION);
        } else if (packet.type == RW_SOUP_SEQUENCED) {
            uint32_t number;
            assert_int_equal(packet.payload_bytes, sizeof number);
            memcpy(&number, packet.payload, sizeof number);
            assert_int_equal(number, (*next)++);
        }
        at += (size_t)length;
    }
    text[count] = '\0';
    return text;
}

static void fini(struct bench *bench) { rw_venue_log_fini(&bench->log); }

static void what_a_client_may_not_say_closes_the_connection(void **state) {
    static const uint8_t zero_length[] = {0, 0, 'L'};
    struct bench bench;
    enum rw_soup_type firsts[] = {RW_SOUP_CLIENT_HEARTBEAT, RW_SOUP_SEQUENCED, RW_SOUP_ACCEPT};
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        make(&bench, 3);
        say(&bench, firsts[i], 0);
        assert_int_equal(bench.soup.end, RW_VENUE_SOUP_GARBAGE);
        fill(&bench, false, 0, sizeof bench.out);
        assert_int_equal(bench.out_bytes, 0);
        fini(&bench);
    }
    make(&bench, 3);
    rw_venue_soup_take(&bench.soup, zero_length, sizeof zero_length, 0);
    assert_int_equal(bench.soup.end, RW_VENUE_SOUP_GARBAGE);
    fini(&bench);
    make(&bench, 3); /* a second log-in */
    log_in(&bench, "us", "", 1);
    log_in(&bench, "us", "", 1);
    assert_int_equal(bench.soup.end, RW_VENUE_SOUP_GARBAGE);
    fini(&bench);
    make(&bench, 3); /* longer than any client's packet */
    uint8_t endless[2 * RW_VENUE_SOUP_IN_BYTES] = {0x7F, 0xFF, 'U'};
    log_in(&bench, "us", "", 1);
    rw_venue_soup_take(&bench.soup, endless, sizeof endless, 0);
    assert_int_equal(bench.soup.end, RW_VENUE_SOUP_GARBAGE);
    fini(&bench);
}

static void a_wrong_user_and_a_wrong_session_are_told_so(void **state) {
    struct bench bench;
    uint64_t next = 0;
    make(&bench, 3);
    log_in(&bench, "them", "", 1);
    fill(&bench, false, 0, sizeof bench.out);
    assert_string_equal(types(&bench, &next), "J");
    assert_int_equal(bench.out[3], RW_SOUP_NOT_AUTHORISED);
    assert_int_equal(bench.soup.state, RW_VENUE_SOUP_CLOSED);
    fini(&bench);
    make(&bench, 3);
    log_in(&bench, "us", "OTHER", 1);
    fill(&bench, false, 0, sizeof bench.out);
    assert_string_equal(types(&bench, &next), "J");
    assert_int_equal(bench.out[3], RW_SOUP_NO_SESSION);
    assert_int_equal(bench.soup.state, RW_VENUE_SOUP_CLOSED);
    fini(&bench);
}

static void a_silent_client_is_dropped_and_a_heartbeat_keeps_it(void **state) {
    struct bench bench;
    uint64_t next = 0;
    make(&bench, 0);
    log_in(&bench, "us", "", 1);
    fill(&bench, false, 0, sizeof bench.out);
    say(&bench, RW_SOUP_CLIENT_HEARTBEAT, 10 * SECOND_NS);
    fill(&bench, false, 20 * SECOND_NS, sizeof bench.out);
    assert_string_equal(types(&bench, &next), "H");
    fill(&bench, false, 20 * SECOND_NS + 1, sizeof bench.out);
    assert_int_equal(bench.out_bytes, 0);
    fill(&bench, false, 25 * SECOND_NS, sizeof bench.out);
    assert_int_equal(bench.out_bytes, 0);
    assert_int_equal(bench.soup.end, RW_VENUE_SOUP_SILENT);
    fini(&bench);
}

static void a_client_gets_all_from_where_it_asks_and_the_end(void **state) {
    struct bench bench;
    uint64_t next = 0;
    uint32_t more = 6;
    make(&bench, 5);
    log_in(&bench, "us", SESSION, 3);
    fill(&bench, false, 0, sizeof bench.out);
    assert_string_equal(types(&bench, &next), "ASSS");
    rw_venue_log_add(&bench.log, &more, sizeof more);
    fill(&bench, true, 0, sizeof bench.out);
    assert_string_equal(types(&bench, &next), "SZ");
    assert_int_equal(next, 7);
    assert_int_equal(bench.soup.end, RW_VENUE_SOUP_ENDED);
    fini(&bench);
}

static void zero_means_the_next_one_and_a_later_number_is_waited_for(void **state) {
    struct bench bench;
    uint64_t next = 0;
    uint32_t number = 6;
    make(&bench, 5);
    log_in(&bench, "us", "", 0);
    fill(&bench, false, 0, sizeof bench.out);
    assert_string_equal(types(&bench, &next), "A");
    assert_int_equal(next, 6);
    fini(&bench);
    make(&bench, 5);
    log_in(&bench, "us", "", 7);
    fill(&bench, false, 0, sizeof bench.out);
    rw_venue_log_add(&bench.log, &number, sizeof number);
    fill(&bench, false, 0, sizeof bench.out);
    assert_int_equal(bench.out_bytes, 0);
    number++;
    rw_venue_log_add(&bench.log, &number, sizeof number);
    fill(&bench, false, 0, sizeof bench.out);
    next = 7;
    assert_string_equal(types(&bench, &next), "S");
    fini(&bench);
}

static void a_small_buffer_only_makes_it_slower(void **state) {
    struct bench bench;
    uint8_t all[4096];
    size_t bytes = 0;
    make(&bench, 200);
    log_in(&bench, "us", "", 1);
    for (uint32_t i = 0; bench.soup.end == RW_VENUE_SOUP_OPEN; i++) {
        fill(&bench, true, 0, i % 60);
        assert_true(bytes + bench.out_bytes <= sizeof all);
        memcpy(all + bytes, bench.out, bench.out_bytes);
        bytes += bench.out_bytes;
    }
    memcpy(bench.out, all, bytes);
    bench.out_bytes = bytes;
    uint64_t next = 0;
    assert_int_equal(strlen(types(&bench, &next)), 202);
    assert_int_equal(next, 201);
    fini(&bench);
}

static void a_logout_closes(void **state) {
    struct bench bench;
    make(&bench, 5);
    log_in(&bench, "us", "", 1);
    say(&bench, RW_SOUP_LOGOUT, 0);
    fill(&bench, false, 0, sizeof bench.out);
    assert_int_equal(bench.out_bytes, 0);
    assert_int_equal(bench.soup.end, RW_VENUE_SOUP_LOGOUT);
    fini(&bench);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_client_may_not_say_closes_the_connection),
        cmocka_unit_test(a_wrong_user_and_a_wrong_session_are_told_so),
        cmocka_unit_test(a_silent_client_is_dropped_and_a_heartbeat_keeps_it),
        cmocka_unit_test(a_logout_closes),
        cmocka_unit_test(a_client_gets_all_from_where_it_asks_and_the_end),
        cmocka_unit_test(zero_means_the_next_one_and_a_later_number_is_waited_for),
        cmocka_unit_test(a_small_buffer_only_makes_it_slower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
