/* Commands of a running venue, and the lines they come in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/riskwire/venue_control.h"

static void what_is_no_command_is_refused(void **state) {
    static const char *const lines[] = {"?",
                                        "start",
                                        "begin now",
                                        "requests",
                                        "requests good",
                                        "glimpse",
                                        "glimpse cut",
                                        "glimpse cut x",
                                        "glimpse up 3",
                                        "glimpse cut 3 4",
                                        "restart",
                                        "restart other",
                                        "restart new new",
                                        "blackout",
                                        "blackout -1",
                                        "blackout 61",
                                        "blackout .5",
                                        "blackout 1.",
                                        "blackout 1e3",
                                        "blackout 0.0000000001",
                                        "end now",
                                        "truth x",
                                        "a b c d e f",
                                        "drop-copy cut",
                                        "blackout 1.2.3",
                                        "BEGIN",
                                        "glimpse cut 1234567890123456789"};
    struct rw_venue_command command;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (rw_venue_command_read(lines[i], &command)) fail_msg("taken: %s", lines[i]);
    char longest[2 * RW_VENUE_LINE_MAX];
    memset(longest, 'x', sizeof longest);
    assert_false(rw_venue_command_read(longest, &command));
}

static void each_command_is_read_with_what_it_needs(void **state) {
    struct rw_venue_command command;
    assert_true(rw_venue_command_read("", &command) && command.verb == RW_VENUE_NOTHING);
    assert_true(rw_venue_command_read("  \t\r", &command) && command.verb == RW_VENUE_NOTHING);
    assert_true(rw_venue_command_read("begin", &command) && command.verb == RW_VENUE_BEGIN);
    assert_true(rw_venue_command_read(" requests  lying ", &command));
    assert_true(command.verb == RW_VENUE_REQUESTS && command.manner == RW_VENUE_LYING);
    assert_true(rw_venue_command_read("glimpse cut 30", &command));
    assert_true(command.verb == RW_VENUE_GLIMPSE && command.service == RW_VENUE_SERVICE_CUT);
    assert_int_equal(command.number, 30);
    assert_true(rw_venue_command_read("drop-copy slow", &command));
    assert_true(command.verb == RW_VENUE_DROPCOPY && command.service == RW_VENUE_SERVICE_SLOW);
    assert_true(rw_venue_command_read("restart same", &command));
    assert_true(command.verb == RW_VENUE_RESTART && command.restart == RW_VENUE_SAME_SESSION);
    assert_true(rw_venue_command_read("restart new", &command));
    assert_int_equal(command.restart, RW_VENUE_NEW_SESSION);
    assert_true(rw_venue_command_read("blackout 0.25", &command));
    assert_true(command.verb == RW_VENUE_BLACKOUT && command.number == 250000000);
    assert_true(rw_venue_command_read("blackout 60", &command));
    assert_true(command.number == RW_VENUE_BLACKOUT_MAX);
    assert_true(rw_venue_command_read("speed 0.25", &command));
    assert_true(command.verb == RW_VENUE_SPEED && command.number == 250);
    assert_true(rw_venue_command_read("speed 1000", &command) && command.number == 1000000);
    assert_true(rw_venue_command_read("truth", &command) && command.verb == RW_VENUE_TRUTH);
    assert_true(rw_venue_command_read("end", &command) && command.verb == RW_VENUE_END);
}

static void lines_come_in_any_pieces_and_long_ones_are_no_command(void **state) {
    struct rw_venue_line_reader reader = {0};
    const char *text = "begin\n\nend\n";
    char lines[3][RW_VENUE_LINE_MAX];
    int count = 0;
    for (const char *at = text; *at; at++)
        if (rw_venue_line_take(&reader, *at)) strcpy(lines[count++], reader.line);
    assert_int_equal(count, 3);
    assert_string_equal(lines[0], "begin");
    assert_string_equal(lines[1], "");
    assert_string_equal(lines[2], "end");
    for (uint32_t i = 0; i < 10 * RW_VENUE_LINE_MAX; i++)
        assert_false(rw_venue_line_take(&reader, 'b'));
    assert_true(rw_venue_line_take(&reader, '\n'));
    assert_string_equal(reader.line, "?");
    assert_false(rw_venue_line_take(&reader, '\0'));
    assert_true(rw_venue_line_take(&reader, '\n'));
    assert_string_equal(reader.line, "?");
    assert_false(rw_venue_line_take(&reader, 'x'));
    assert_true(rw_venue_line_take(&reader, '\n'));
    assert_string_equal(reader.line, "x");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_no_command_is_refused),
        cmocka_unit_test(lines_come_in_any_pieces_and_long_ones_are_no_command),
        cmocka_unit_test(each_command_is_read_with_what_it_needs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
