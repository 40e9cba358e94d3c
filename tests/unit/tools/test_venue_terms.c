/* Sessions and days of venues as the configuration says them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/feed/itch50_book.h"
#include "dataplane/feed/pitch_book.h"
#include "tools/riskwired/venue_terms.h"

static void a_session_that_the_venue_cannot_have_is_refused(void **state) {
    char session[RW_SESSION_BYTES];
    assert_int_equal(rw_venue_terms_session(&rw_itch50_venue, "12345678901", "feed", session),
                     -EINVAL);
    const char *wrong[] = {"a", "1x", "-1", " 1", "18446744073709551616"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(rw_venue_terms_session(&rw_pitch_venue, wrong[i], "feed", session),
                         -EINVAL);
}

static void a_session_is_text_or_a_number_as_the_venue_has_it(void **state) {
    const char none[RW_SESSION_BYTES] = {0};
    char session[RW_SESSION_BYTES], wanted[RW_SESSION_BYTES];
    assert_int_equal(rw_venue_terms_session(&rw_itch50_venue, "A1", "feed", session), 0);
    assert_memory_equal(session, "A1        ", RW_SESSION_BYTES);
    assert_int_equal(rw_venue_terms_session(&rw_pitch_venue, "7", "feed", session), 0);
    rw_session_of(wanted, 7);
    assert_memory_equal(session, wanted, RW_SESSION_BYTES);
    assert_int_equal(rw_venue_terms_session(&rw_pitch_venue, "", "feed", session), 0);
    assert_memory_equal(session, none, RW_SESSION_BYTES);
}

static void a_zone_or_day_that_is_none_is_refused(void **state) {
    const char *zones[] = {"", "5", "-5:00", "-05:00 ", "05:00", "-15:00", "+00:60", "-0500"};
    uint64_t midnight;
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++)
        assert_int_equal(rw_venue_terms_midnight("2601020001", zones[i], "feed", &midnight),
                         -EINVAL);
    assert_int_equal(rw_venue_terms_midnight("2602300001", "-05:00", "feed", &midnight), -EINVAL);
    assert_int_equal(rw_venue_terms_midnight("2600010001", "-05:00", "feed", &midnight), -EINVAL);
}

static void the_day_begins_at_midnight_of_its_zone(void **state) {
    uint64_t midnight;
    assert_int_equal(rw_venue_terms_midnight("1704250000", "-04:00", "feed", &midnight), 0);
    assert_true(midnight == 1493092800ull * 1000000000u);
    assert_int_equal(rw_venue_terms_midnight("0001010000", "+00:30", "feed", &midnight), 0);
    assert_true(midnight == (946684800ull - 1800) * 1000000000u);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_session_that_the_venue_cannot_have_is_refused),
        cmocka_unit_test(a_session_is_text_or_a_number_as_the_venue_has_it),
        cmocka_unit_test(a_zone_or_day_that_is_none_is_refused),
        cmocka_unit_test(the_day_begins_at_midnight_of_its_zone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
