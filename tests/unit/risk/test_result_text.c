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

static const struct rw_result extreme = {.template_id = RW_RESULT_TEMPLATE,
                                         .result_sequence = UINT64_MAX,
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
                                         .net = -10,
                                         .venues = 255,
                                         .across_ns = UINT64_MAX,
                                         .open_buys = 5,
                                         .open_sells = -6};

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
        "mark,realised_pnl,unrealised_pnl,gross,net,limit_state,quality,var,es,worst_loss,"
        "worst_scenario,margin,delta,gamma,vega,theta,rho,start_ns,length_ns,open,high,low,close,"
        "volume,notional,trades,version,alert,rule,severity,key,value,threshold,acknowledged,"
        "venues,across_ns,open_buys,open_sells\n"
        "2611210001,18446744073709551615,1,34200000000000,desk_limit_net,7,0,"
        "-9223372036854775808,0,-1,9223372036854775807,10,-10,2,129,,,,,,,,,,,,,,,,,,,,,,,,,,,,255,"
        "18446744073709551615,5,-6\n"
        "{\"session\":\"2611210001\",\"result_sequence\":18446744073709551615,"
        "\"input_sequence\":1,\"event_time_ns\":34200000000000,\"kind\":\"desk_limit_net\","
        "\"portfolio\":7,\"instrument\":0,\"position\":-9223372036854775808,\"mark\":0,"
        "\"realised_pnl\":-1,\"unrealised_pnl\":9223372036854775807,\"gross\":10,\"net\":-10,"
        "\"limit_state\":2,\"quality\":129,\"venues\":255,"
        "\"across_ns\":18446744073709551615,\"open_buys\":5,\"open_sells\":-6}\n");
    free(text);
}

static void each_template_fills_its_own_columns(void **state) {
    struct rw_result_risk risk = {.template_id = RW_RESULT_TEMPLATE_RISK,
                                  .kind = RW_RESULT_RISK,
                                  .var = -1,
                                  .rho = INT64_MIN,
                                  .worst_scenario = 65535};
    struct rw_result_bar bar = {.template_id = RW_RESULT_TEMPLATE_BAR,
                                .kind = RW_RESULT_BAR,
                                .instrument = 3,
                                .start_ns = 60,
                                .length_ns = 1,
                                .low = INT32_MIN,
                                .volume = UINT64_MAX,
                                .version = 2};
    struct rw_result_alert alert = {.template_id = RW_RESULT_TEMPLATE_ALERT,
                                    .kind = RW_RESULT_ALERT,
                                    .start_ns = 60,
                                    .version = 1,
                                    .value = -5,
                                    .severity = 255};
    char *text;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    rw_result_print_csv(out, "s", (const struct rw_result *)&risk);
    rw_result_print_csv(out, "s", (const struct rw_result *)&bar);
    rw_result_print_csv(out, "s", (const struct rw_result *)&alert);
    rw_result_print_json(out, "s", (const struct rw_result *)&alert);
    fclose(out);
    assert_string_equal(
        text, "s,0,0,0,risk,0,0,0,0,0,0,0,0,0,0,-1,0,0,65535,0,0,0,0,0,-9223372036854775808"
              ",,,,,,,,,,,,,,,,,,,,,\n"
              "s,0,0,0,bar,0,3,0,0,0,0,0,0,0,0,,,,,,,,,,,60,1,0,0,-2147483648,0,"
              "18446744073709551615,0,0,2,,,,,,,,,,,\n"
              "s,0,0,0,alert,0,0,0,0,0,0,0,0,0,0,,,,,,,,,,,60,0,,,,,,,,1,0,0,255,0,-5,0,0,,,,\n"
              "{\"session\":\"s\",\"result_sequence\":0,\"input_sequence\":0,\"event_time_ns\":0,"
              "\"kind\":\"alert\",\"portfolio\":0,\"instrument\":0,\"position\":0,\"mark\":0,"
              "\"realised_pnl\":0,\"unrealised_pnl\":0,\"gross\":0,\"net\":0,\"limit_state\":0,"
              "\"quality\":0,\"start_ns\":60,\"length_ns\":0,\"version\":1,\"alert\":0,\"rule\":0,"
              "\"severity\":255,\"key\":0,\"value\":-5,\"threshold\":0,\"acknowledged\":0}\n");
    free(text);
}

static void every_kind_has_a_word_of_its_own(void **state) {
    const char *seen[64];
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
        cmocka_unit_test(each_template_fills_its_own_columns),
        cmocka_unit_test(every_kind_has_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
