/* Results as CSV and JSON, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/record/result_text.h"

static const struct rw_result extreme = {.result_sequence = UINT64_MAX,
                                         .input_sequence = 1,
                                         .event_time_ns = 34200000000000,
                                         .portfolio = 7,
                                         .kind = RW_RESULT_DESK_LIMIT,
                                         .measure = RW_MEASURE_NET,
                                         .limit_state = RW_LIMIT_HARD,
                                         .quality = 129,
                                         .position = INT64_MIN,
                                         .mark = 0,
                                         .realised_pnl = -1,
                                         .unrealised_pnl = INT64_MAX,
                                         .gross = 10,
                                         .net = -10};

static void columns_stand_in_their_fixed_order(void **state) {
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    rw_result_print_csv_header(out);
    rw_result_print_csv(out, "2611210001", &extreme);
    rw_result_print_json(out, "2611210001", &extreme);
    fclose(out);
    assert_string_equal(
        text,
        "session,result_sequence,input_sequence,event_time_ns,kind,portfolio,instrument,position,"
        "mark,realised_pnl,unrealised_pnl,gross,net,limit_state,quality\n"
        "2611210001,18446744073709551615,1,34200000000000,desk_limit_net,7,0,"
        "-9223372036854775808,0,-1,9223372036854775807,10,-10,2,129\n"
        "{\"session\":\"2611210001\",\"result_sequence\":18446744073709551615,"
        "\"input_sequence\":1,\"event_time_ns\":34200000000000,\"kind\":\"desk_limit_net\","
        "\"portfolio\":7,\"instrument\":0,\"position\":-9223372036854775808,\"mark\":0,"
        "\"realised_pnl\":-1,\"unrealised_pnl\":9223372036854775807,\"gross\":10,\"net\":-10,"
        "\"limit_state\":2,\"quality\":129}\n");
    free(text);
}

static void every_kind_has_a_word_of_its_own(void **state) {
    const char *seen[32];
    uint32_t count = 0;
    for (uint8_t kind = RW_RESULT_SESSION_OPEN; kind < RW_RESULT_KIND_COUNT; kind++)
        for (uint8_t measure = 0; measure < RW_MEASURE_COUNT; measure++) {
            bool limit = kind == RW_RESULT_LIMIT || kind == RW_RESULT_DESK_LIMIT ||
                         kind == RW_RESULT_FIRM_LIMIT;
            if (limit == (measure == RW_MEASURE_NONE)) continue;
            const char *word =
                rw_result_kind_word(&(struct rw_result){.kind = kind, .measure = measure});
            bool again = false;
            for (uint32_t i = 0; i < count; i++) again |= seen[i] != word && !strcmp(seen[i], word);
            assert_false(again);
            assert_string_not_equal(word, "unknown");
            seen[count++] = word;
        }
    assert_string_equal(rw_result_kind_word(&(struct rw_result){.kind = 0}), "unknown");
    assert_string_equal(rw_result_kind_word(&(struct rw_result){.kind = 255}), "unknown");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_stand_in_their_fixed_order),
        cmocka_unit_test(every_kind_has_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
