/* Which of the equal kernels prices options on this host: AVX-512 where there, else AVX2, else
 * scalar. They give the same bits; the hash over a fixed set of options proves it where it runs,
 * and the two sites exchange it when they meet. */
#pragma once

#include "dataplane/base/hash.h"
#include "risk/kernels/option_table.h"

/* A spot of zero stands for this where a logarithm or a quotient is wanted. */
#define RW_SPOT_LEAST 1e-300
#define RW_SPOT_MOST  1e15
/* Halley steps of an implied-vol kernel. */
#define RW_IMPLIED_STEPS 3

/* A kernel prices rows first .. first + count − 1 at one spot (0..RW_SPOT_MOST) and stores row
 * first + i at out->*[i]. Any thread; the table must not change meanwhile. */
typedef void rw_option_price_fn(const struct rw_option_table *table, uint32_t first, uint32_t count,
                                double spot, const struct rw_option_values *out);

rw_option_price_fn rw_option_price_scalar, rw_option_price_avx2, rw_option_price_avx512;

/* An implied-vol kernel takes three Halley steps for rows first .. first + count − 1 from the vol
 * that the table holds, which is the published one, so that both sites take the same steps: toward
 * the vol at which row first + i costs price[i]. Stores it at vol[i]; the table is not changed. The
 * error falls with its cube at each step: below 1e-9 from a seed within a tenth, unless the price
 * hardly depends on the vol. A row without deviation, without a logarithm of the spot, or whose
 * price does not move with the vol keeps its vol. One step changes a vol at most fourfold. American
 * rows are taken for European. */
typedef void rw_option_implied_fn(const struct rw_option_table *table, uint32_t first,
                                  uint32_t count, double spot, const double *price, double *vol);

rw_option_implied_fn rw_option_implied_scalar, rw_option_implied_avx2, rw_option_implied_avx512;

struct rw_option_kernel {
    const char *name; /* "scalar", "avx2", "avx512" */
    uint32_t lanes;
    rw_option_price_fn *price;
    rw_option_implied_fn *implied;
};

/* rw_option_kernels returns the kernels, ended by one without a name; widest first. Those that this
 * host cannot run are left out. */
const struct rw_option_kernel *rw_option_kernels(void);
/* rw_option_kernel_best returns the widest one that this host can run. */
const struct rw_option_kernel *rw_option_kernel_best(void);
/* rw_option_kernel_hash prices a fixed set of options, of all styles and with all odd ends, and
 * hashes the bytes: equal hashes mean equal arithmetic. Takes some 10 µs and no memory of the
 * caller. */
struct rw_hash rw_option_kernel_hash(const struct rw_option_kernel *kernel);
