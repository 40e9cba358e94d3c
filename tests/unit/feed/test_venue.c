/* The table of venues: every name leads to a complete row. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/feed/venue.h"

static void an_unknown_name_has_no_venue(void **state) {
    assert_null(rw_venue_named(""));
    assert_null(rw_venue_named("itch"));
    assert_null(rw_venue_named(RW_VENUE_NAMES "|"));
}

static void every_name_has_a_complete_venue(void **state) {
    char names[] = RW_VENUE_NAMES;
    for (char *name = strtok(names, "|"); name; name = strtok(NULL, "|")) {
        const struct rw_venue *venue = rw_venue_named(name);
        assert_non_null(venue);
        assert_string_equal(venue->name, name);
        assert_true(venue->open && venue->footprint && venue->make && venue->clear);
        assert_true(venue->apply && venue->bbo && venue->symbol && venue->levels);
        assert_true(!venue->prefetch == !venue->coming);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unknown_name_has_no_venue),
        cmocka_unit_test(every_name_has_a_complete_venue),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
