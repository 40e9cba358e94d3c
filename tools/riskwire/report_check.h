/* The naive side of `journal report`: end-of-session totals from fills and last ticks alone,
 * without the cores of risk/. What must agree: every position, every mark, and per portfolio gross,
 * net and realised + unrealised (= cash + value, whatever the cost method). */
#pragma once

#include <stdint.h>

#include "dataplane/record/entry.h"
#include "dataplane/record/image.h"

struct rw_report_check;

/* rw_report_check_new starts with the image's positions; NULL with an error set when memory is
 * short. */
struct rw_report_check *rw_report_check_new(const struct rw_image *image);
void rw_report_check_free(struct rw_report_check *check);
/* rw_report_check_take takes the next log entry: all its slots. 0 or -ENOMEM with an error. */
int rw_report_check_take(struct rw_report_check *check, const struct rw_entry *entry);
/* rw_report_check_settle adds up the fills that survived what was taken; call once, before the two
 * below. 0 or -ENOMEM with an error. */
int rw_report_check_settle(struct rw_report_check *check);

struct rw_report_total {
    __int128 pnl, gross, net; /* money 1e-4; pnl = realised + unrealised */
};
/* rw_report_check_portfolio returns a portfolio's totals; rw_report_check_position a position, with
 * its mark. Indices of the image. */
struct rw_report_total rw_report_check_portfolio(const struct rw_report_check *check,
                                                 uint32_t portfolio);
int64_t rw_report_check_position(const struct rw_report_check *check, uint32_t portfolio,
                                 uint32_t instrument, int64_t *mark);
