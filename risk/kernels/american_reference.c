#include "risk/kernels/american_reference.h"

#include "risk/kernels/american.h"
#include "risk/kernels/european.h"

#define NODES           25 /* of the boundary */
#define QUADRATURE      64 /* points of an integral */
#define ITERATIONS_MAX  200
#define TOLERANCE       1e-13
#define DEVIATION_LEAST 1e-5
#define PI              3.14159265358979323846
/* Closer than this the form of the equation for r = q converges faster. */
#define RATES_EQUAL 0.001

/* A put. */
struct put {
    double spot, strike, rate, dividend, vol, years;
};

struct boundary {
    struct put put;
    double start;         /* B(0+) */
    double root_years;    /* √T */
    double at[NODES];     /* √τ, from √T down to 0 */
    double height[NODES]; /* (ln B/B(0+))² */
    /* of an integral over u from 0 to τ: √u = √τ·sine, √(τ − u) = √τ·cosine,
     * du = 2·√u·√(τ − u)·weight */
    double sine[QUADRATURE], cosine[QUADRATURE], weight[QUADRATURE];
};

/* Gauss–Legendre points by Newton's method on the polynomial, from its usual first guess, on the
 * quarter circle that both square roots of an integral run along: it is smooth at both ends. */
static void quadrature(struct boundary *b) {
    for (int i = 0; i < QUADRATURE; i++) {
        double x = Sleef_finz_cospid1_u05purecfma((i + 0.75) / (QUADRATURE + 0.5)), slope = 1;
        for (int step = 0; step < 8; step++) {
            double before = 1, now = x;
            for (int k = 2; k <= QUADRATURE; k++) {
                double next = ((2 * k - 1) * x * now - (k - 1) * before) / k;
                before = now;
                now = next;
            }
            slope = QUADRATURE * (x * now - before) / (x * x - 1);
            x -= now / slope;
        }
        b->sine[i] = Sleef_finz_sinpid1_u05purecfma(0.25 * (1 + x));
        b->cosine[i] = Sleef_finz_cospid1_u05purecfma(0.25 * (1 + x));
        b->weight[i] = 0.5 * PI / ((1 - x * x) * slope * slope);
    }
}

/* boundary_at interpolates B at τ = root²: barycentric, Chebyshev points of the second kind. */
static double boundary_at(const struct boundary *b, double root) {
    double above = 0, below = 0;
    for (int i = 0; i < NODES; i++) {
        double distance = root - b->at[i];
        if (distance == 0) {
            above = b->height[i];
            below = 1;
            break;
        }
        double weight = (i & 1 ? -1.0 : 1.0) / distance;
        if (i == 0 || i == NODES - 1) weight *= 0.5;
        above += weight * b->height[i];
        below += weight;
    }
    double height = above / below;
    return b->start * rw_exp(-rw_root(height > 0 ? height : 0));
}

/* d1 over `years` (= root²) for a ratio of prices. */
static double d1_of(const struct put *put, double root, double ratio) {
    double carry = put->rate - put->dividend + 0.5 * put->vol * put->vol;
    return (rw_log(ratio) + carry * root * root) / (put->vol * root);
}

/* One step of the fixed-point equation at node i: the boundary there, given all of it. */
static double improved(const struct boundary *b, int i) {
    const struct put *put = &b->put;
    double root = b->at[i], years = root * root, here = boundary_at(b, root);
    bool equal = __builtin_fabs(put->rate - put->dividend) < RATES_EQUAL;
    double d1 = d1_of(put, root, here / put->strike), d2 = d1 - put->vol * root;
    double deviation = put->vol * root;
    double above = equal ? rw_normal_density(d2) / deviation : rw_normal_cdf(d2);
    double below = rw_normal_cdf(d1) + (equal ? rw_normal_density(d1) / deviation : 0);
    for (int k = 0; k < QUADRATURE; k++) {
        double past = root * b->sine[k], to_go = root * b->cosine[k], u = past * past;
        double e1 = d1_of(put, to_go, here / boundary_at(b, past)), e2 = e1 - put->vol * to_go;
        double step = b->weight[k] * past; /* du = 2·step·to_go */
        double borrow = 2 * step * put->rate * rw_exp(put->rate * u);
        double yield = 2 * step * put->dividend * rw_exp(put->dividend * u);
        if (equal) {
            above += borrow * rw_normal_density(e2) / put->vol;
            below += yield * (to_go * rw_normal_cdf(e1) + rw_normal_density(e1) / put->vol);
        } else {
            above += borrow * to_go * rw_normal_cdf(e2);
            below += yield * to_go * rw_normal_cdf(e1);
        }
    }
    return put->strike * rw_exp((put->dividend - put->rate) * years) * above / below;
}

static double height_of(const struct boundary *b, double price) {
    double ratio = price / b->start;
    if (!(ratio > 1e-300)) ratio = 1e-300;
    double log = ratio < 1 ? rw_log(ratio) : 0; /* the boundary never rises above its start */
    return log * log;
}

static void find_boundary(struct boundary *b, const struct put *put) {
    b->put = *put;
    b->root_years = rw_root(put->years);
    b->start = put->strike;
    if (put->dividend > put->rate) b->start *= put->rate / put->dividend;
    quadrature(b);
    for (int i = 0; i < NODES; i++) {
        double z = Sleef_finz_cospid1_u05purecfma((double)i / (NODES - 1));
        b->at[i] = 0.5 * b->root_years * (1 + z);
        struct rw_option_terms terms = {RW_OPTION_AMERICAN, RW_OPTION_PUT, put->strike,
                                        put->rate,          put->dividend, put->vol,
                                        b->at[i] * b->at[i]};
        struct rw_american_point guess = rw_american_point_of(&terms);
        b->height[i] = i == NODES - 1 ? 0 : height_of(b, rw_exp(guess.log_critical));
    }
    for (int round = 0; round < ITERATIONS_MAX; round++) {
        double next[NODES], moved = 0;
        for (int i = 0; i < NODES - 1; i++) {
            next[i] = height_of(b, improved(b, i));
            double change = __builtin_fabs(rw_root(next[i]) - rw_root(b->height[i]));
            if (change > moved) moved = change;
        }
        for (int i = 0; i < NODES - 1; i++) b->height[i] = next[i];
        if (moved < TOLERANCE) break;
    }
}

static double intrinsic(const struct put *put) {
    return put->strike > put->spot ? put->strike - put->spot : 0;
}

/* Without vol the spot moves along its forward: the best time to exercise is now, at expiry, or
 * where the derivative of K·e^(−rt) − S·e^(−qt) is zero. */
static double certain(const struct put *put) {
    double r = put->rate, q = put->dividend, times[3] = {0, put->years, 0}, best = 0;
    if (r > 0 && q > 0 && r != q && put->spot > 0 && put->strike > 0)
        times[2] = rw_log(q * put->spot / (r * put->strike)) / (q - r);
    for (int i = 0; i < 3; i++) {
        if (!(times[i] >= 0 && times[i] <= put->years)) continue;
        double worth = put->strike * rw_exp(-r * times[i]) - put->spot * rw_exp(-q * times[i]);
        if (worth > best) best = worth;
    }
    return best;
}

static double european(const struct put *put) {
    struct rw_european o = {-1,       put->spot, put->strike, put->rate, put->dividend,
                            put->vol, put->years};
    double price = rw_european_value(&o).price;
    return price > 0 ? price : 0;
}

/* The value of the right to exercise early: interest on the strike less dividends, whenever the
 * spot is below the boundary. */
static double premium(const struct boundary *b, double spot) {
    const struct put *put = &b->put;
    double sum = 0;
    for (int k = 0; k < QUADRATURE; k++) {
        double gone = b->root_years * b->cosine[k], left = b->root_years * b->sine[k];
        double t = gone * gone, d1 = d1_of(put, gone, spot / boundary_at(b, left));
        double d2 = d1 - put->vol * gone;
        double borrow = put->rate * put->strike * rw_exp(-put->rate * t) * rw_normal_cdf(-d2);
        double yield = put->dividend * spot * rw_exp(-put->dividend * t) * rw_normal_cdf(-d1);
        sum += 2 * b->weight[k] * left * gone * (borrow - yield);
    }
    return sum;
}

/* A put whose boundary is known, or NULL when early exercise never pays or needs none. */
static double value(const struct put *put, const struct boundary *b) {
    double least = intrinsic(put);
    if (put->strike <= 0 || put->years == 0) return least;
    if (put->spot <= 0)
        return put->rate < 0 ? put->strike * rw_exp(-put->rate * put->years) : least;
    if (put->vol * rw_root(put->years) < DEVIATION_LEAST) return certain(put);
    double price = european(put);
    if (b && put->spot <= boundary_at(b, b->root_years)) return least;
    if (b) price += premium(b, put->spot);
    return price > least ? price : least;
}

static bool has_boundary(const struct put *put) {
    return put->rate > 0 && put->strike > 0 && put->spot > 0 &&
           put->vol * rw_root(put->years) >= DEVIATION_LEAST;
}

static struct put put_of(const struct rw_option_terms *terms, double spot) {
    if (terms->type == RW_OPTION_PUT)
        return (struct put){spot,       terms->strike, terms->rate, terms->dividend,
                            terms->vol, terms->years};
    return (struct put){terms->strike, spot,       terms->dividend,
                        terms->rate,   terms->vol, terms->years};
}

double rw_american_reference(const struct rw_option_terms *terms, double spot) {
    struct boundary boundary;
    struct put put = put_of(terms, spot);
    if (!has_boundary(&put)) return value(&put, NULL);
    find_boundary(&boundary, &put);
    return value(&put, &boundary);
}

static double slope_in(const struct rw_option_terms *terms, double spot, size_t field,
                       double step) {
    struct rw_option_terms low = *terms, high = *terms;
    *(double *)((char *)&low + field) -= step;
    *(double *)((char *)&high + field) += step;
    return (rw_american_reference(&high, spot) - rw_american_reference(&low, spot)) / (2 * step);
}

void rw_american_reference_values(const struct rw_option_terms *terms, double spot,
                                  struct rw_american_values *values) {
    double step = 1e-3 * spot, here = rw_american_reference(terms, spot);
    *values = (struct rw_american_values){.price = here};
    if (spot > 0) {
        double above = rw_american_reference(terms, spot + step);
        double below = rw_american_reference(terms, spot - step);
        values->delta = (above - below) / (2 * step);
        values->gamma = (above - 2 * here + below) / (step * step);
    }
    if (terms->vol > 0)
        values->vega =
            slope_in(terms, spot, offsetof(struct rw_option_terms, vol), 1e-3 * terms->vol);
    if (terms->years > 0)
        values->theta =
            -slope_in(terms, spot, offsetof(struct rw_option_terms, years), 1e-3 * terms->years);
    values->rho = slope_in(terms, spot, offsetof(struct rw_option_terms, rate), 1e-5);
}
