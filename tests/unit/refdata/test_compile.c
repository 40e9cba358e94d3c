/* CSV to image: the order of tables, the same bytes for the same rows, and every finding with its
 * place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"
#include "dataplane/record/result.h"
#include "refdata/compile.h"

#define INSTRUMENTS "symbol,locate,channel,multiplier,start_price,lot,currency,stale_after_ms\n"
#define PORTFOLIOS  "portfolio,account,desk\n"
#define POSITIONS   "portfolio,symbol,quantity,average_price\n"
#define LIMITS      "scope,name,measure,soft,hard\n"

enum { INSTRUMENT, PORTFOLIO, POSITION, LIMIT, FILES };
static const char *const names[FILES] = {"instruments.csv", "portfolios.csv", "positions.csv",
                                         "limits.csv"};
static char folder[64];

static int make_folder(void **state) {
    snprintf(folder, sizeof folder, "/tmp/rw_test_refdata_XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static const char *path_of(int file) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, names[file]);
    return path;
}

static int remove_folder(void **state) {
    for (int i = 0; i < FILES; i++) unlink(path_of(i));
    return rmdir(folder);
}

static void write_file(int file, const char *text) {
    FILE *out = fopen(path_of(file), "w");
    assert_non_null(out);
    fputs(text, out);
    fclose(out);
}

/* A small valid set, to which each test does its own harm. */
static void write_good(void) {
    write_file(INSTRUMENT, INSTRUMENTS "ZVZZT,8000,0,1,100.25,100,USD,1500\n"
                                       "AAPL,,0,1,0,100,USD,0\n"
                                       "ESZ5,17,3,50,4999.9999,1,USD,86400000\n");
    write_file(PORTFOLIO,
               PORTFOLIOS "p9,acc2,desk1\np1,acc2,desk1\np5,acc1,desk2\np2,acc3,desk1\n");
    write_file(POSITION, POSITIONS "p5,ZVZZT,-300,99.5\np1,ESZ5,2,5000\np9,ZVZZT,7,0.0001\n");
    write_file(LIMIT, LIMITS "firm,firm,loss,1000,2000.5\ndesk,desk2,net,5,5\n"
                             "portfolio,p9,loss,1.5,2\nportfolio,p9,gross,3,4\n");
}

/* Compiles; the findings are left in `report`. */
static char report[16384];
static int compile(struct rw_image **image) {
    memset(report, 0, sizeof report);
    FILE *out = fmemopen(report, sizeof report - 1, "w");
    int rc = rw_refdata_compile_report(folder, out, image);
    fclose(out);
    return rc;
}

static struct rw_image *compile_good(void) {
    struct rw_image *image = NULL;
    int rc = compile(&image);
    if (rc) print_message("%s%s\n", report, rw_err_text());
    assert_int_equal(rc, 0);
    assert_int_equal(rw_image_check(image, image->bytes), 0);
    return image;
}

static void assert_portfolio(const struct rw_image *image, uint32_t index, const char *name,
                             const char *account, const char *desk) {
    const struct rw_portfolio_row *rows = rw_image_rows(image, &image->portfolios);
    const struct rw_name_row *accounts = rw_image_rows(image, &image->accounts);
    const struct rw_name_row *desks = rw_image_rows(image, &image->desks);
    assert_string_equal(rows[index].name, name);
    assert_string_equal(accounts[rows[index].account].name, account);
    assert_string_equal(desks[rows[index].desk].name, desk);
    assert_int_equal(rw_image_portfolio(image, name), index);
}

static void portfolios_stand_in_order_of_desk_account_and_name(void **state) {
    write_good();
    struct rw_image *image = compile_good();
    assert_int_equal(image->portfolios.count, 5);
    assert_portfolio(image, 1, "p1", "acc2", "desk1");
    assert_portfolio(image, 2, "p9", "acc2", "desk1");
    assert_portfolio(image, 3, "p2", "acc3", "desk1");
    assert_portfolio(image, 4, "p5", "acc1", "desk2");
    assert_int_equal(rw_image_desk(image, "desk2"), 2);
    assert_int_equal(rw_image_desk(image, "desk3"), 0);
    free(image);
}

static void instruments_keep_their_order_and_are_found(void **state) {
    write_good();
    struct rw_image *image = compile_good();
    const struct rw_instrument_row *rows = rw_image_rows(image, &image->instruments);
    const uint32_t *locate = rw_image_rows(image, &image->locate);
    assert_int_equal(image->instruments.count, 4);
    assert_string_equal(rows[3].symbol, "ESZ5");
    assert_int_equal(rows[3].multiplier, 50);
    assert_int_equal(rows[3].start_price, 49999999);
    assert_int_equal(rows[3].channel, 3);
    assert_int_equal(rows[3].stale_after_ns, 86400000000000);
    assert_memory_equal(rows[3].currency, "USD", 4);
    assert_int_equal(rows[2].locate, 0);
    assert_int_equal(locate[8000], 1);
    assert_int_equal(locate[17], 3);
    assert_int_equal(locate[1], 0);
    assert_int_equal(rw_image_symbol(image, "AAPL"), 2);
    assert_int_equal(rw_image_symbol8(image, "AAPL    "), 2);
    assert_int_equal(rw_image_symbol8(image, "ZVZZT\0\0\0"), 1);
    assert_int_equal(rw_image_symbol8(image, "        "), 0);
    assert_int_equal(rw_image_symbol(image, "AAP"), 0);
    assert_int_equal(rw_image_symbol(image, ""), 0);
    assert_int_equal(rw_image_symbol(image, "A_NAME_TOO_LONG"), 0);
    assert_int_equal(rw_image_portfolio(image, "a name that is far too long to be one"), 0);
    free(image);
}

static void positions_and_limits_are_sorted_and_owned(void **state) {
    write_good();
    struct rw_image *image = compile_good();
    const struct rw_position_row *positions = rw_image_rows(image, &image->positions);
    const struct rw_limit_row *limits = rw_image_rows(image, &image->limits);
    const struct rw_portfolio_row *portfolios = rw_image_rows(image, &image->portfolios);
    const struct rw_name_row *desks = rw_image_rows(image, &image->desks);
    static const struct rw_position_row wanted[] = {
        {1, 2, 7, 1}, {1, 4, -300, 995000}, {3, 1, 2, 50000000}};
    assert_int_equal(image->positions.count, 3);
    assert_memory_equal(positions, wanted, sizeof wanted);
    assert_int_equal(image->limits.count, 4);
    assert_int_equal(portfolios[2].limit_count, 2);
    const struct rw_limit_row *own = &limits[portfolios[2].limit_first];
    assert_int_equal(own[0].measure, RW_MEASURE_GROSS);
    assert_int_equal(own[1].measure, RW_MEASURE_LOSS);
    assert_int_equal(own[1].soft, 15000);
    assert_int_equal(desks[2].limit_count, 1);
    assert_int_equal(limits[desks[2].limit_first].hard, 50000);
    assert_int_equal(limits[3].scope, RW_SCOPE_FIRM);
    assert_int_equal(limits[3].hard, 20005000);
    free(image);
}

static void the_same_rows_give_the_same_bytes(void **state) {
    write_good();
    struct rw_image *first = compile_good(), *second = compile_good();
    assert_int_equal(first->bytes, second->bytes);
    assert_memory_equal(first, second, first->bytes);
    /* the order of rows matters for instruments only, comments and line ends for nothing */
    write_file(PORTFOLIO, PORTFOLIOS "p2,acc3,desk1\r\n# a comment\r\n\r\np1,acc2,desk1\r\n"
                                     "p9,acc2,desk1\r\np5,acc1,desk2");
    write_file(POSITION, POSITIONS "p9,ZVZZT,7,0.0001\np1,ESZ5,2,5000.0\np5,ZVZZT,-300,99.5\n");
    free(second);
    second = compile_good();
    assert_memory_equal(first, second, first->bytes);
    write_file(POSITION, POSITIONS "p9,ZVZZT,8,0.0001\np1,ESZ5,2,5000.0\np5,ZVZZT,-300,99.5\n");
    free(second);
    second = compile_good();
    assert_memory_not_equal(first->hash, second->hash, sizeof first->hash);
    free(first);
    free(second);
}

static void empty_tables_make_an_image(void **state) {
    write_file(INSTRUMENT, INSTRUMENTS);
    write_file(PORTFOLIO, PORTFOLIOS);
    write_file(POSITION, POSITIONS);
    write_file(LIMIT, LIMITS);
    struct rw_image *image = compile_good();
    assert_int_equal(image->instruments.count, 1);
    assert_int_equal(rw_image_symbol(image, "AAPL"), 0);
    free(image);
}

static void every_finding_names_line_column_value_and_want(void **state) {
    static const struct {
        int file;
        const char *text, *wanted;
    } harms[] = {
        {INSTRUMENT, INSTRUMENTS "A,1,0,1,1,1,USD,0\nA,2,0,1,1,1,USD,0\n",
         "instruments.csv:3:1: symbol is 'A', which line 2 has already"},
        {INSTRUMENT, INSTRUMENTS "A,1,0,1,1,1,USD,0\nB,1,0,1,1,1,USD,0\n",
         "instruments.csv:3:3: locate is '1', which line 2 has already"},
        {INSTRUMENT, INSTRUMENTS "A,65536,0,1,1,1,USD,0\n",
         "instruments.csv:2:3: locate is '65536', wanted a whole number from 1 to 65535"},
        {INSTRUMENT, INSTRUMENTS "A,1,0,0,1,1,USD,0\n",
         "instruments.csv:2:7: multiplier is '0', wanted"},
        {INSTRUMENT, INSTRUMENTS "A,1,0,1,1.00001,1,USD,0\n",
         "instruments.csv:2:9: start_price is '1.00001', wanted a decimal with at most four "
         "places"},
        {INSTRUMENT, INSTRUMENTS "A,1,0,1,214748.3648,1,USD,0\n",
         "start_price is '214748.3648', wanted"},
        {INSTRUMENT, INSTRUMENTS "A,1,0,1,1,1,usd,0\n",
         "instruments.csv:2:13: currency is 'usd', wanted three capital letters"},
        {INSTRUMENT, INSTRUMENTS "A,1,0,1,1,1,USD,0\nB,2,0,1,1,1,EUR,0\n",
         "instruments.csv:3:13: currency is 'EUR', wanted 'USD' as in line 2"},
        {INSTRUMENT, INSTRUMENTS "ABCDEFGHIJKL,1,0,1,1,1,USD,0\n",
         "symbol is 'ABCDEFGHIJKL', wanted 1 to 11 characters"},
        {INSTRUMENT, INSTRUMENTS "A,1,0,1,1,1,USD\n", "instruments.csv:2:1: 7 fields, wanted 8"},
        {PORTFOLIO, PORTFOLIOS "p1,a,d\np1,a,d\n",
         "portfolios.csv:3:1: portfolio is 'p1', which line 2 has already"},
        {PORTFOLIO, PORTFOLIOS "p1,a,d\np2,a,e\n",
         "portfolios.csv:3:6: desk is 'e', wanted 'd', the desk of account 'a' in line 2"},
        {PORTFOLIO, PORTFOLIOS "p1,,d\n", "portfolios.csv:2:4: account is '', wanted 1 to 23"},
        {POSITION, POSITIONS "p1,IBM,1,1\n",
         "positions.csv:2:4: symbol is 'IBM', wanted one of instruments.csv"},
        {POSITION, POSITIONS "p7,AAPL,1,1\n",
         "positions.csv:2:1: portfolio is 'p7', wanted one of portfolios.csv"},
        {POSITION, POSITIONS "p1,AAPL,1.5,1\n", "positions.csv:2:9: quantity is '1.5', wanted"},
        {POSITION, POSITIONS "p1,AAPL,1,-1\n", "average_price is '-1', wanted"},
        {POSITION, POSITIONS "p1,AAPL,2147483647,1\np1,ESZ5,1,1\n",
         "positions.csv:3:9: quantity is '1' (multiplier 50), wanted at most 2147483647 units"},
        {POSITION, POSITIONS "p1,AAPL,1,1\np9,AAPL,1,1\np1,AAPL,2,1\n",
         "positions.csv:4:1: the same portfolio and symbol as in line 2, wanted once"},
        {LIMIT, LIMITS "book,p1,net,1,2\n", "limits.csv:2:1: scope is 'book', wanted one of"},
        {LIMIT, LIMITS "portfolio,p7,net,1,2\n",
         "limits.csv:2:11: portfolio is 'p7', wanted one of portfolios.csv"},
        {LIMIT, LIMITS "desk,d7,net,1,2\n", "limits.csv:2:6: desk is 'd7', wanted one of"},
        {LIMIT, LIMITS "firm,bank,net,1,2\n", "name is 'bank', wanted 'firm' or nothing"},
        {LIMIT, LIMITS "firm,,,1,2\n",
         "limits.csv:2:7: measure is '', wanted one of gross|net|loss"},
        {LIMIT, LIMITS "desk,d1,drawdown,1,2\n", "measure is 'drawdown' of a desk or the firm"},
        {LIMIT, "scope,name,measure,soft,hard,release\nfirm,,net,1,2,0.51\n",
         "limits.csv:2:15: release is '0.51', wanted"},
        {LIMIT, LIMITS "firm,,delta,1,2\n", "measure is 'delta', wanted one of gross|net|loss"},
        {LIMIT, LIMITS "firm,,net,2,1\n", "hard is '1', wanted at least the soft limit"},
        {LIMIT, LIMITS "firm,,net,0,1\n", "soft is '0', wanted a decimal"},
        {LIMIT, LIMITS "firm,,net,1,2\nfirm,firm,net,1,2\n",
         "limits.csv:3:1: the same scope, name and measure as in line 2, wanted once"},
    };
    for (size_t i = 0; i < sizeof harms / sizeof *harms; i++) {
        struct rw_image *image;
        write_good();
        write_file(harms[i].file, harms[i].text);
        int rc = compile(&image);
        if (rc != -EINVAL || !strstr(report, harms[i].wanted))
            fail_msg("wanted: %s\nfound: %d %s", harms[i].wanted, rc, report);
    }
}

static uint32_t count_lines(const char *text) {
    uint32_t lines = 0;
    for (; *text; text++) lines += *text == '\n';
    return lines;
}

static void all_findings_of_all_files_are_listed_at_once(void **state) {
    struct rw_image *image;
    write_good();
    write_file(INSTRUMENT, INSTRUMENTS "A,1,0,0,x,1,USD,0\n");
    write_file(PORTFOLIO, PORTFOLIOS "p1,,\n");
    write_file(POSITION,
               POSITIONS "p1,A,x,1\n"); /* only the x: the names are not known to be wrong */
    assert_int_equal(compile(&image), -EINVAL);
    assert_int_equal(count_lines(report), 5);
    assert_non_null(strstr(rw_err_text(), "5 findings"));
}

static void at_most_twenty_findings_of_a_file_are_listed(void **state) {
    struct rw_image *image;
    static char text[4096] = INSTRUMENTS;
    write_good();
    for (int i = 0; i < 50; i++) strcat(text, "A,1,0,0,1,1,USD,0\n");
    write_file(INSTRUMENT, text);
    assert_int_equal(compile(&image), -EINVAL);
    assert_non_null(strstr(report, "instruments.csv: and 79 more\n"));
    assert_int_equal(count_lines(report), 21);
}

static void a_missing_file_and_a_wrong_header_are_told_by_name(void **state) {
    struct rw_image *image;
    write_good();
    unlink(path_of(LIMIT));
    assert_int_equal(compile(&image), -ENOENT);
    assert_non_null(strstr(rw_err_text(), "limits.csv"));
    write_file(LIMIT, "scope,name\n");
    assert_int_equal(compile(&image), -EINVAL);
    assert_non_null(strstr(rw_err_text(), "limits.csv:1:1: the header is 'scope,name'"));
}

static void any_changed_byte_of_an_image_is_found(void **state) {
    write_good();
    struct rw_image *image = compile_good();
    uint8_t *bytes = (uint8_t *)image;
    for (uint64_t i = 0; i < image->bytes && i < sizeof *image + 4096; i++) {
        uint64_t count = image->bytes;
        bytes[i] ^= 0x10;
        assert_int_equal(rw_image_check(image, count), -EBADMSG);
        bytes[i] ^= 0x10;
    }
    assert_int_equal(rw_image_check(image, image->bytes - 64), -EBADMSG);
    assert_int_equal(rw_image_check(image, 10), -EBADMSG);
    assert_int_equal(rw_image_check(image, image->bytes), 0);
    free(image);
}

/* Even with a right hash, an image of wrong content is not trusted. */
static void a_sealed_image_with_wrong_content_is_refused(void **state) {
    write_good();
    for (int harm = 0; harm < 9; harm++) {
        struct rw_image *image = compile_good();
        struct rw_instrument_row *instruments = (void *)rw_image_rows(image, &image->instruments);
        struct rw_portfolio_row *portfolios = (void *)rw_image_rows(image, &image->portfolios);
        struct rw_position_row *positions = (void *)rw_image_rows(image, &image->positions);
        struct rw_limit_row *limits = (void *)rw_image_rows(image, &image->limits);
        uint32_t *locate = (void *)rw_image_rows(image, &image->locate);
        uint32_t *symbols = (void *)rw_image_rows(image, &image->symbols);
        uint64_t bytes = image->bytes;
        if (harm == 0) image->positions.offset = bytes;
        if (harm == 1) image->limits.count = UINT32_MAX;
        if (harm == 2) instruments[2].symbol[0] = 0;
        if (harm == 3) portfolios[1].desk = 3;
        if (harm == 4) positions[0].portfolio = 99;
        if (harm == 5) limits[0].owner = 99;
        if (harm == 6) locate[5] = 2;
        if (harm == 7) memset(symbols, 0, image->symbols.count * sizeof *symbols);
        if (harm == 8) image->instruments.offset = 0;
        rw_image_seal(image);
        assert_int_equal(rw_image_check(image, bytes), -EBADMSG);
        free(image);
    }
}

static void a_large_book_is_compiled(void **state) {
    enum { COUNT = 20000 };
    FILE *out[FILES];
    for (int i = 0; i < FILES; i++) out[i] = fopen(path_of(i), "w");
    fputs(INSTRUMENTS, out[INSTRUMENT]);
    fputs(PORTFOLIOS, out[PORTFOLIO]);
    fputs(POSITIONS, out[POSITION]);
    fputs(LIMITS, out[LIMIT]);
    for (int i = 0; i < COUNT; i++) {
        fprintf(out[INSTRUMENT], "S%d,%d,0,1,%d.5,100,USD,1000\n", i, i + 1, i);
        fprintf(out[PORTFOLIO], "P%d,A%d,D%d\n", i, i / 10, i / 100);
        fprintf(out[POSITION], "P%d,S%d,%d,1\n", i * 7 % COUNT, i, i - 500);
        fprintf(out[LIMIT], "portfolio,P%d,gross,1,2\n", i);
    }
    for (int i = 0; i < FILES; i++) fclose(out[i]);
    struct rw_image *image = compile_good();
    const struct rw_position_row *positions = rw_image_rows(image, &image->positions);
    assert_int_equal(image->desks.count, COUNT / 100 + 1);
    for (int i = 0; i < COUNT; i++) {
        char name[RW_NAME_BYTES];
        snprintf(name, sizeof name, "P%d", i * 7 % COUNT);
        assert_int_equal(positions[i].instrument, i + 1);
        assert_int_equal(positions[i].portfolio, rw_image_portfolio(image, name));
    }
    free(image);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(portfolios_stand_in_order_of_desk_account_and_name),
        cmocka_unit_test(instruments_keep_their_order_and_are_found),
        cmocka_unit_test(positions_and_limits_are_sorted_and_owned),
        cmocka_unit_test(the_same_rows_give_the_same_bytes),
        cmocka_unit_test(empty_tables_make_an_image),
        cmocka_unit_test(every_finding_names_line_column_value_and_want),
        cmocka_unit_test(all_findings_of_all_files_are_listed_at_once),
        cmocka_unit_test(at_most_twenty_findings_of_a_file_are_listed),
        cmocka_unit_test(a_missing_file_and_a_wrong_header_are_told_by_name),
        cmocka_unit_test(any_changed_byte_of_an_image_is_found),
        cmocka_unit_test(a_sealed_image_with_wrong_content_is_refused),
        cmocka_unit_test(a_large_book_is_compiled),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
