#include "tests/oracle/price_one.h"

#include "dataplane/base/assert.h"
#include "risk/kernels/american_reference.h"
#include "risk/kernels/option_kernel.h"

static struct rw_option_terms terms_of(const struct option_case *o) {
    return (struct rw_option_terms){.style = (uint8_t)o->style,
                                    .type = o->put ? RW_OPTION_PUT : RW_OPTION_CALL,
                                    .strike = o->strike,
                                    .rate = o->rate,
                                    .dividend = o->dividend,
                                    .vol = o->vol,
                                    .years = o->days / 365.0};
}

struct option_value price_one(const struct option_case *option) {
    static _Alignas(64) uint8_t memory[8192];
    struct rw_option_table table;
    struct rw_option_terms terms = terms_of(option);
    struct option_value v;
    struct rw_option_values out = {&v.price, &v.delta, &v.gamma, &v.vega, &v.theta, &v.rho};
    rw_option_table_init(&table, memory, 1, true);
    RW_ASSERT(rw_option_set(&table, 0, &terms) == RW_OPTION_FINE);
    rw_option_kernel_best()->price(&table, 0, 1, option->spot, &out);
    return v;
}

double price_reference(const struct option_case *option) {
    struct rw_option_terms terms = terms_of(option);
    return rw_american_reference(&terms, option->spot);
}
