/* Results as text: the one formatter behind `subscribe` and `journal report`, so that their outputs
 * can be compared by bytes.
 *
 *   session,result_sequence,input_sequence,event_time_ns,kind,portfolio,instrument,position,mark,
 *   realised_pnl,unrealised_pnl,gross,net,limit_state,quality,
 *   var,es,worst_loss,worst_scenario,margin,delta,gamma,vega,theta,rho,            (kind risk)
 *   start_ns,length_ns,open,high,low,close,volume,notional,trades,version,         (bar, top)
 *   alert,rule,severity,key,value,threshold,acknowledged,                          (alert)
 *   venues,across_ns,                                      (position, several venues; else 0)
 *   open_buys,open_sells             (of orders: position, quantities; portfolio, money; else 0)
 *
 * Columns that a record's template does not have are 0 up to quality and empty behind it; JSON
 * leaves the latter out. Later schemas append columns.
 *
 * All fields but session and kind are integers: portfolio and instrument are indices of the
 * reference image, money and prices 1e-4, limit_state 0 OK, 1 soft, 2 hard, quality the bits of
 * enum rw_quality. kind is a word; a limit record's word names the measure: limit_gross,
 * desk_limit_net, firm_limit_loss. */
#pragma once

#include <stdio.h>

#include "dataplane/record/result.h"

/* rw_result_kind_word returns the word for a record's kind (and measure); "unknown" for a kind this
 * version does not know. Static storage. */
const char *rw_result_kind_word(const struct rw_result *result);

/* rw_result_print_csv_header writes the header line. */
void rw_result_print_csv_header(FILE *out);
/* rw_result_print_csv writes one line. session: NUL-terminated. Errors stay in the stream. */
void rw_result_print_csv(FILE *out, const char *session, const struct rw_result *result);
/* rw_result_print_json writes one object and a newline, with the keys of the CSV columns. */
void rw_result_print_json(FILE *out, const char *session, const struct rw_result *result);
