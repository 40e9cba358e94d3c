/* The SoupBinTCP server over real loopback sockets, driven step by step with a clock of the
 * test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "dataplane/base/bytes.h"
#include "dataplane/base/rng.h"
#include "dataplane/delivery/soup_server.h"
#include "dataplane/record/soupbintcp.h"
#include "tests/unit/delivery/results.h"

#define MS          1000000ull
#define SECOND      (1000 * MS)
#define DEPTH       64u
#define STEPS_MAX   20000u
#define CLIENTS_MAX 4u

struct fixture {
    char folder[32], path[64];
    struct rw_broadcast broadcast;
    struct rw_soup_counters counters;
    struct rw_soup_server *server;
    struct rw_result_status status;
    uint64_t now;
    uint32_t journal_reads;
    bool journal_stuck;
};

static struct fixture *start(const struct rw_soup_server_cfg *override) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    snprintf(fixture->folder, sizeof fixture->folder, "/tmp/rw-soup-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    snprintf(fixture->path, sizeof fixture->path, "%s/results", fixture->folder);
    struct rw_broadcast_cfg ring = {.path = fixture->path, .depth = DEPTH, .session = "2611210001"};
    assert_int_equal(rw_broadcast_create(&fixture->broadcast, &ring), 0);
    struct rw_soup_server_cfg cfg = {.clients_max = CLIENTS_MAX};
    if (override) cfg = *override;
    memcpy(cfg.session, "2611210001", 11);
    size_t bytes = (rw_soup_server_footprint(&cfg) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, bytes);
    memset(memory, 0, bytes);
    fixture->server = rw_soup_server_new(memory, &cfg, &fixture->counters);
    fixture->now = 1000 * SECOND;
    assert_int_equal(rw_soup_server_listen(fixture->server, "127.0.0.1", 0), 0);
    return fixture;
}

static void stop(struct fixture *fixture) {
    rw_soup_server_close(fixture->server);
    rw_broadcast_close(&fixture->broadcast, true);
    rmdir(fixture->folder);
    free(fixture->server);
    free(fixture);
}

/* One visit of the stage: 1 ms passes, the "journal" answers at once. */
static void step(struct fixture *fixture) {
    fixture->now += MS;
    rw_soup_server_poll(fixture->server, &fixture->broadcast, fixture->now);
    struct rw_soup_want want;
    if (fixture->journal_stuck || !rw_soup_server_wants(fixture->server, &want)) return;
    assert_true(want.first + want.count - 1 <= fixture->status.released);
    struct rw_result *records = calloc(want.count, sizeof *records);
    /* now and then the read fails, or gives less than was asked for */
    uint32_t count = ++fixture->journal_reads % 5 == 0 ? 0 : want.count;
    if (count > 1 && fixture->journal_reads % 3 == 0) count /= 2;
    for (uint32_t i = 0; i < count; i++) records[i] = make_result(want.first + i, want.first + i);
    rw_soup_server_supply(fixture->server, &want, records, count);
    free(records);
}

static void release(struct fixture *fixture, uint64_t to) {
    while (fixture->status.released < to) {
        uint64_t s = ++fixture->status.released;
        struct rw_result record = make_result(s, s);
        rw_broadcast_put(&fixture->broadcast, &record);
    }
    fixture->status.commit = to;
    rw_soup_server_release(fixture->server, &fixture->status);
}

/* A client that a test drives byte by byte. */
struct peer {
    int fd;
    uint8_t in[1 << 20];
    uint32_t at, used;
    bool closed;
};

static struct peer *dial(struct fixture *fixture) {
    struct peer *peer = calloc(1, sizeof *peer);
    peer->fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in name = {.sin_family = AF_INET,
                               .sin_port = htons(rw_soup_server_port(fixture->server)),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(connect(peer->fd, (struct sockaddr *)&name, sizeof name), 0);
    step(fixture);
    return peer;
}

static void hang_up(struct peer *peer) {
    close(peer->fd);
    free(peer);
}

static void say(struct peer *peer, const void *bytes, size_t count) {
    assert_int_equal(send(peer->fd, bytes, count, MSG_NOSIGNAL), count);
}

static void say_login(struct peer *peer, const char *session, uint64_t sequence) {
    struct rw_soup_login login = {.username = "me", .password = "pw", .sequence = sequence};
    snprintf(login.session, sizeof login.session, "%s", session);
    uint8_t bytes[RW_SOUP_LOGIN_BYTES];
    say(peer, bytes, rw_soup_write_login(bytes, &login));
}

/* Returns the next packet, stepping the server until it is there; false when the server has
 * closed or nothing comes for `steps` steps. */
static bool hear(struct fixture *fixture, struct peer *peer, struct rw_soup_packet *packet,
                 uint32_t steps) {
    for (uint32_t i = 0; i <= steps; i++) {
        int length = rw_soup_parse(peer->in + peer->at, peer->used - peer->at, packet);
        assert_true(length >= 0);
        if (length > 0) {
            peer->at += (uint32_t)length;
            return true;
        }
        if (peer->closed) return false;
        memmove(peer->in, peer->in + peer->at, peer->used - peer->at);
        peer->used -= peer->at;
        peer->at = 0;
        ssize_t got =
            recv(peer->fd, peer->in + peer->used, sizeof peer->in - peer->used, MSG_DONTWAIT);
        if (got > 0) peer->used += (uint32_t)got;
        if (got == 0 || (got < 0 && errno == ECONNRESET)) peer->closed = true;
        if (got < 0) step(fixture);
    }
    return false;
}

/* The next packet that is neither heartbeat nor status. */
static bool hear_data(struct fixture *fixture, struct peer *peer, struct rw_soup_packet *packet) {
    while (hear(fixture, peer, packet, STEPS_MAX))
        if (packet->type != RW_SOUP_SERVER_HEARTBEAT && packet->type != RW_SOUP_UNSEQUENCED)
            return true;
    return false;
}

static void expect_accept(struct fixture *fixture, struct peer *peer, uint64_t sequence) {
    struct rw_soup_packet packet;
    char session[11];
    uint64_t next;
    assert_true(hear_data(fixture, peer, &packet));
    assert_int_equal(packet.type, RW_SOUP_ACCEPT);
    assert_int_equal(rw_soup_read_accept(&packet, session, &next), 0);
    assert_string_equal(session, "2611210001");
    assert_int_equal(next, sequence);
}

static void expect_records(struct fixture *fixture, struct peer *peer, uint64_t first,
                           uint64_t last) {
    for (uint64_t s = first; s <= last; s++) {
        struct rw_soup_packet packet;
        struct rw_result record;
        assert_true(hear_data(fixture, peer, &packet));
        assert_int_equal(packet.type, RW_SOUP_SEQUENCED);
        assert_int_equal(packet.payload_bytes, RW_RESULT_BYTES);
        memcpy(&record, packet.payload, sizeof record);
        assert_true(is_result(&record, s));
        if (s % 100 == 0) say(peer, "\0\1R", 3);
    }
}

static void expect_closed(struct fixture *fixture, struct peer *peer) {
    struct rw_soup_packet packet;
    while (hear(fixture, peer, &packet, STEPS_MAX)) {
    }
    assert_true(peer->closed);
}

static void a_client_gets_an_accept_a_status_and_the_records_from_its_sequence_on(void **state) {
    struct fixture *fixture = start(NULL);
    struct rw_soup_packet packet;
    fixture->status.epoch = 7;
    release(fixture, 30);
    struct peer *peer = dial(fixture);
    say_login(peer, "2611210001", 11);
    expect_accept(fixture, peer, 11);
    assert_true(hear(fixture, peer, &packet, 10));
    assert_int_equal(packet.type, RW_SOUP_UNSEQUENCED);
    assert_int_equal(packet.payload_bytes, RW_RESULT_STATUS_BYTES);
    struct rw_result_status status;
    memcpy(&status, packet.payload, sizeof status);
    assert_int_equal(status.released, 30);
    assert_int_equal(status.commit, 30);
    assert_int_equal(status.epoch, 7);
    expect_records(fixture, peer, 11, 30);
    release(fixture, 35);
    expect_records(fixture, peer, 31, 35);
    assert_int_equal(rw_stat_get(&fixture->counters.records_from_journal), 0);
    hang_up(peer);
    stop(fixture);
}

static void sequence_zero_is_the_next_record_and_a_later_one_is_waited_for(void **state) {
    struct fixture *fixture = start(NULL);
    release(fixture, 20);
    struct peer *next = dial(fixture), *later = dial(fixture);
    say_login(next, "", 0);
    say_login(later, "", 40);
    expect_accept(fixture, next, 21);
    expect_accept(fixture, later, 40);
    release(fixture, 50);
    expect_records(fixture, next, 21, 50);
    expect_records(fixture, later, 40, 50);
    hang_up(next);
    hang_up(later);
    stop(fixture);
}

static void old_records_come_from_the_journal_and_join_the_ring_without_a_seam(void **state) {
    struct fixture *fixture = start(NULL);
    release(fixture, 3000);
    struct peer *peers[3];
    for (int i = 0; i < 3; i++) {
        peers[i] = dial(fixture);
        say_login(peers[i], "", 1 + 900u * (uint32_t)i);
        expect_accept(fixture, peers[i], 1 + 900u * (uint32_t)i);
    }
    for (int i = 0; i < 3; i++) expect_records(fixture, peers[i], 1 + 900u * (uint32_t)i, 3000);
    assert_true(fixture->journal_reads > 10);
    assert_true(rw_stat_get(&fixture->counters.records_from_journal) >= 3 * 1200 - 3 * DEPTH);
    release(fixture, 3100); /* all at once: more than the ring holds */
    for (int i = 0; i < 3; i++) {
        expect_records(fixture, peers[i], 3001, 3100);
        hang_up(peers[i]);
    }
    stop(fixture);
}

static void the_end_of_session_follows_the_last_record_and_the_connection_closes(void **state) {
    struct fixture *fixture = start(NULL);
    struct rw_soup_packet packet;
    release(fixture, 10);
    struct peer *peer = dial(fixture), *late = dial(fixture);
    say_login(peer, "", 1);
    expect_accept(fixture, peer, 1);
    fixture->status.closed = 1;
    release(fixture, 12);
    expect_records(fixture, peer, 1, 12);
    assert_true(hear_data(fixture, peer, &packet));
    assert_int_equal(packet.type, RW_SOUP_END);
    expect_closed(fixture, peer);
    say_login(late, "", 99); /* beyond the end: nothing will come */
    expect_accept(fixture, late, 99);
    assert_true(hear_data(fixture, late, &packet));
    assert_int_equal(packet.type, RW_SOUP_END);
    expect_closed(fixture, late);
    assert_int_equal(rw_stat_get(&fixture->counters.ended), 2);
    hang_up(peer);
    hang_up(late);
    stop(fixture);
}

static void a_wrong_user_or_session_is_rejected_with_its_reason(void **state) {
    struct rw_soup_server_cfg cfg = {.clients_max = 4, .username = "me", .password = "pw"};
    struct fixture *fixture = start(&cfg);
    struct rw_soup_packet packet;
    struct peer *peer = dial(fixture);
    say_login(peer, "2611200001", 1);
    assert_true(hear(fixture, peer, &packet, 100));
    assert_int_equal(packet.type, RW_SOUP_REJECT);
    assert_int_equal(packet.payload[0], RW_SOUP_NO_SESSION);
    expect_closed(fixture, peer);
    hang_up(peer);
    peer = dial(fixture);
    struct rw_soup_login login = {.username = "me", .password = "wrong", .sequence = 1};
    uint8_t bytes[RW_SOUP_LOGIN_BYTES];
    say(peer, bytes, rw_soup_write_login(bytes, &login));
    assert_true(hear(fixture, peer, &packet, 100));
    assert_int_equal(packet.type, RW_SOUP_REJECT);
    assert_int_equal(packet.payload[0], RW_SOUP_NOT_AUTHORISED);
    expect_closed(fixture, peer);
    hang_up(peer);
    peer = dial(fixture);
    say_login(peer, "", 1);
    expect_accept(fixture, peer, 1);
    hang_up(peer);
    assert_int_equal(rw_stat_get(&fixture->counters.rejected_session), 1);
    assert_int_equal(rw_stat_get(&fixture->counters.rejected_user), 1);
    stop(fixture);
}

static void a_log_in_may_arrive_byte_by_byte_with_other_packets_behind_it(void **state) {
    struct fixture *fixture = start(NULL);
    release(fixture, 5);
    struct peer *peer = dial(fixture);
    struct rw_soup_login login = {.sequence = 1};
    uint8_t bytes[RW_SOUP_LOGIN_BYTES + 10];
    size_t count = rw_soup_write_login(bytes, &login);
    count += rw_soup_write(bytes + count, RW_SOUP_CLIENT_HEARTBEAT, NULL, 0);
    count += rw_soup_write(bytes + count, RW_SOUP_UNSEQUENCED, "hi", 2);
    for (size_t i = 0; i < count; i++) {
        say(peer, bytes + i, 1);
        step(fixture);
    }
    expect_accept(fixture, peer, 1);
    expect_records(fixture, peer, 1, 5);
    hang_up(peer);
    stop(fixture);
}

static void garbage_is_dropped_and_disturbs_nobody(void **state) {
    const char *text = getenv("RW_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 7;
    print_message("RW_SEED=%lu\n", (unsigned long)seed);
    struct rw_rng rng;
    rw_rng_seed(&rng, seed);
    struct fixture *fixture = start(NULL);
    struct peer *good = dial(fixture);
    say_login(good, "", 1);
    expect_accept(fixture, good, 1);
    for (uint64_t round = 1; round <= 200; round++) {
        struct peer *bad = dial(fixture);
        uint8_t bytes[600];
        size_t count = 1 + rw_rng_below(&rng, sizeof bytes);
        for (size_t i = 0; i < count; i++) bytes[i] = (uint8_t)rw_rng_next(&rng);
        if (rw_rng_chance(&rng, 1, 2)) bytes[0] = 0; /* plausible lengths */
        if (count > 2 && rw_rng_chance(&rng, 1, 2)) bytes[2] = 'L';
        say(bad, bytes, count);
        step(fixture);
        release(fixture, round);
        expect_records(fixture, good, round, round);
        hang_up(bad);
        step(fixture);
        step(fixture);
    }
    assert_int_equal(rw_soup_server_clients(fixture->server), 1);
    assert_int_equal(rw_stat_get(&fixture->counters.accepted), 201);
    assert_int_equal(rw_stat_get(&fixture->counters.garbage) +
                         rw_stat_get(&fixture->counters.lost) +
                         rw_stat_get(&fixture->counters.logouts),
                     200);
    assert_true(rw_stat_get(&fixture->counters.garbage) > 50);
    hang_up(good);
    stop(fixture);
}

static void a_second_log_in_and_a_packet_longer_than_the_buffer_are_garbage(void **state) {
    struct fixture *fixture = start(NULL);
    struct peer *peer = dial(fixture);
    say_login(peer, "", 1);
    expect_accept(fixture, peer, 1);
    say_login(peer, "", 1);
    expect_closed(fixture, peer);
    assert_int_equal(rw_stat_get(&fixture->counters.garbage), 1);
    hang_up(peer);
    peer = dial(fixture);
    uint8_t bytes[RW_SOUP_IN_BYTES] = {0};
    rw_store_be16(bytes, RW_SOUP_IN_BYTES);
    bytes[2] = RW_SOUP_DEBUG;
    say(peer, bytes, sizeof bytes);
    expect_closed(fixture, peer);
    assert_int_equal(rw_stat_get(&fixture->counters.garbage), 2);
    hang_up(peer);
    stop(fixture);
}

static void who_does_not_log_in_or_falls_silent_is_dropped_in_time(void **state) {
    struct fixture *fixture = start(NULL);
    struct peer *mute = dial(fixture), *silent = dial(fixture), *lively = dial(fixture);
    say_login(silent, "", 1);
    say_login(lively, "", 1);
    expect_accept(fixture, silent, 1);
    expect_accept(fixture, lively, 1);
    uint64_t begin = fixture->now;
    while (fixture->now - begin < 4900 * MS) step(fixture);
    assert_int_equal(rw_soup_server_clients(fixture->server), 3);
    while (fixture->now - begin < 5100 * MS) step(fixture);
    assert_int_equal(rw_stat_get(&fixture->counters.login_timeouts), 1);
    say(lively, "\0\1R", 3);
    while (fixture->now - begin < 14900 * MS) step(fixture);
    assert_int_equal(rw_soup_server_clients(fixture->server), 2);
    while (fixture->now - begin < 15100 * MS) step(fixture);
    assert_int_equal(rw_stat_get(&fixture->counters.silence_timeouts), 1);
    assert_int_equal(rw_soup_server_clients(fixture->server), 1);
    hang_up(mute);
    hang_up(silent);
    hang_up(lively);
    stop(fixture);
}

static void a_quiet_connection_carries_a_status_or_heartbeat_each_second(void **state) {
    struct rw_soup_server_cfg cfg = {.clients_max = 4, .status_ns = 3 * SECOND + 500 * MS};
    struct fixture *fixture = start(&cfg);
    struct peer *peer = dial(fixture);
    say_login(peer, "", 1);
    expect_accept(fixture, peer, 1);
    uint64_t begin = fixture->now;
    uint32_t statuses = 0, heartbeats = 0;
    struct rw_soup_packet packet;
    while (fixture->now - begin < 10 * SECOND && hear(fixture, peer, &packet, 2000)) {
        statuses += packet.type == RW_SOUP_UNSEQUENCED;
        heartbeats += packet.type == RW_SOUP_SERVER_HEARTBEAT;
    }
    assert_in_range(statuses, 3, 4); /* one of them at log-in */
    assert_in_range(heartbeats, 6, 9);
    hang_up(peer);
    stop(fixture);
}

static void a_slow_consumer_is_dropped_and_the_others_go_on(void **state) {
    struct fixture *fixture = start(NULL);
    struct peer *slow = dial(fixture), *fast = dial(fixture);
    int small = 4096;
    assert_int_equal(setsockopt(slow->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small), 0);
    say_login(slow, "", 1);
    say_login(fast, "", 1);
    expect_accept(fixture, fast, 1);
    uint64_t released = 0;
    /* the slow one speaks but does not read, until the kernel's buffers are full and the time is
     * over */
    for (uint32_t i = 0; i < 400 && rw_soup_server_clients(fixture->server) == 2; i++) {
        release(fixture, released + 1000);
        expect_records(fixture, fast, released + 1, released + 1000);
        released += 1000;
        fixture->now += 100 * MS;
        if (send(slow->fd, "\0\1R", 3, MSG_NOSIGNAL) != 3) break;
        say(fast, "\0\1R", 3);
    }
    assert_int_equal(rw_stat_get(&fixture->counters.slow_consumers), 1);
    assert_int_equal(rw_soup_server_clients(fixture->server), 1);
    release(fixture, released + 1);
    expect_records(fixture, fast, released + 1, released + 1);
    hang_up(slow);
    hang_up(fast);
    stop(fixture);
}

static void
a_client_that_leaves_during_its_journal_read_does_not_get_it_in_its_next_life(void **state) {
    struct fixture *fixture = start(NULL);
    fixture->journal_stuck = true;
    release(fixture, 1000);
    struct peer *peer = dial(fixture);
    say_login(peer, "", 1);
    expect_accept(fixture, peer, 1);
    step(fixture);
    struct rw_soup_want want;
    assert_true(rw_soup_server_wants(fixture->server, &want));
    assert_int_equal(want.first, 1);
    struct rw_soup_want none;
    assert_false(rw_soup_server_wants(fixture->server, &none));
    hang_up(peer);
    while (rw_soup_server_clients(fixture->server)) step(fixture);
    peer = dial(fixture);
    say_login(peer, "", 500);
    expect_accept(fixture, peer, 500);
    struct rw_result record = make_result(1, 1);
    rw_soup_server_supply(fixture->server, &want, &record, 1);
    fixture->journal_stuck = false;
    expect_records(fixture, peer, 500, 1000);
    hang_up(peer);
    stop(fixture);
}

static void beyond_the_planned_clients_connections_are_refused_and_counted(void **state) {
    struct fixture *fixture = start(NULL);
    struct peer *peers[CLIENTS_MAX + 1];
    for (uint32_t i = 0; i <= CLIENTS_MAX; i++) peers[i] = dial(fixture);
    for (uint32_t i = 0; i < 10; i++) step(fixture);
    assert_int_equal(rw_soup_server_clients(fixture->server), CLIENTS_MAX);
    assert_int_equal(rw_stat_get(&fixture->counters.refused_full), 1);
    expect_closed(fixture, peers[CLIENTS_MAX]);
    say(peers[0], "\0\1O", 3); /* a log-out frees the place */
    expect_closed(fixture, peers[0]);
    assert_int_equal(rw_stat_get(&fixture->counters.logouts), 1);
    for (uint32_t i = 0; i <= CLIENTS_MAX; i++) hang_up(peers[i]);
    stop(fixture);
}

static void a_port_in_use_and_a_name_for_an_address_are_errors(void **state) {
    struct fixture *first = start(NULL), *second = start(NULL);
    rw_soup_server_close(second->server);
    uint16_t port = rw_soup_server_port(first->server);
    assert_int_equal(rw_soup_server_listen(second->server, "127.0.0.1", port), -EADDRINUSE);
    assert_int_equal(rw_soup_server_listen(second->server, "localhost", 0), -EINVAL);
    assert_int_equal(rw_soup_server_port(second->server), 0);
    stop(first);
    stop(second);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_client_gets_an_accept_a_status_and_the_records_from_its_sequence_on),
        cmocka_unit_test(sequence_zero_is_the_next_record_and_a_later_one_is_waited_for),
        cmocka_unit_test(old_records_come_from_the_journal_and_join_the_ring_without_a_seam),
        cmocka_unit_test(the_end_of_session_follows_the_last_record_and_the_connection_closes),
        cmocka_unit_test(a_wrong_user_or_session_is_rejected_with_its_reason),
        cmocka_unit_test(a_log_in_may_arrive_byte_by_byte_with_other_packets_behind_it),
        cmocka_unit_test(garbage_is_dropped_and_disturbs_nobody),
        cmocka_unit_test(a_second_log_in_and_a_packet_longer_than_the_buffer_are_garbage),
        cmocka_unit_test(who_does_not_log_in_or_falls_silent_is_dropped_in_time),
        cmocka_unit_test(a_quiet_connection_carries_a_status_or_heartbeat_each_second),
        cmocka_unit_test(a_slow_consumer_is_dropped_and_the_others_go_on),
        cmocka_unit_test(
            a_client_that_leaves_during_its_journal_read_does_not_get_it_in_its_next_life),
        cmocka_unit_test(beyond_the_planned_clients_connections_are_refused_and_counted),
        cmocka_unit_test(a_port_in_use_and_a_name_for_an_address_are_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
