#include "tools/riskwire/gen_refs.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/base/assert.h"
#include "dataplane/base/err.h"
#include "dataplane/base/rng.h"

#define PATH_BYTES       4096u
#define ACCOUNT_SIZE     4u /* portfolios of an account */
#define DESK_SIZE        5u /* accounts of a desk */
#define FEE_PER_SHARE    30 /* 1e-4 */
#define FILL_DELAY_NS    20000u
#define FILL_SPREAD_NS   180000u
#define REPEAT_ONE_IN    400u /* a drop copy sends an execution again */
#define CORRECT_ONE_IN   150u /* an execution is corrected later, or taken back */
#define CORRECT_DELAY_NS 50000000u
#define CORRECTION_IDS   UINT64_C(9000000001)
#define LATER_MAX        16u /* corrections to come; more are not made */

struct holding {
    uint32_t portfolio;
    int64_t quantity;
};

struct instrument {
    struct rw_gen_instrument row;
    uint32_t first, count; /* holdings */
};

/* What the limits of an owner are derived from. */
struct exposure {
    int64_t gross, net;
};

/* What is to come of a fill, as it is now: a correction, or the end of its order. */
struct later {
    struct rw_gen_fill fill; /* time_ns: when; execution: that of the fill */
    enum { LATER_CORRECT, LATER_BUST, LATER_CANCEL, LATER_EXPIRE, LATER_REPLACE } what;
    uint64_t order; /* of the last three */
};

struct rw_gen_refs {
    struct rw_gen_refs_cfg cfg;
    struct rw_rng rng;
    struct rw_rng corrections; /* of their own, so that a session is the same without them */
    struct later later[LATER_MAX];
    uint32_t later_count;
    struct instrument *instruments;
    struct holding *holdings;
    struct exposure *portfolios, *desks, firm;
    uint32_t instrument_count, holding_count, holding_room, desk_count;
    FILE *inputs;
    uint64_t last_ns, source_sequence, orders;
    struct rw_gen_refs_count count;
};

static uint64_t below(struct rw_gen_refs *refs, uint64_t limit) {
    return rw_rng_below(&refs->rng, limit);
}

static int name_length(const char name[8]) {
    int length = 8;
    while (length && name[length - 1] == ' ') length--;
    return length;
}

static void print_decimal(FILE *out, int64_t value, char end) {
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    fprintf(out, "%s%" PRIu64 ".%04" PRIu64 "%c", value < 0 ? "-" : "", size / 10000, size % 10000,
            end);
}

static uint32_t desk_of(uint32_t portfolio) { return portfolio / ACCOUNT_SIZE / DESK_SIZE; }

static int open_csv(const struct rw_gen_refs *refs, const char *name, const char *header,
                    FILE **file) {
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", refs->cfg.dir, name);
    *file = fopen(path, "w");
    if (!*file) return rw_err_set(errno, "cannot create %s: %s", path, strerror(errno));
    fprintf(*file, "%s\n", header);
    return 0;
}

static int close_csv(FILE *file, const char *name) {
    bool failed = ferror(file);
    if (fclose(file) != 0 || failed)
        return rw_err_set(errno ? errno : EIO, "cannot write %s: %s", name, strerror(errno));
    return 0;
}

/* ---- the four files of the start of day ----------------------------------------------------- */

static int write_instruments(struct rw_gen_refs *refs) {
    static const uint32_t stale_ms[] = {500, 2000, 2000, 10000, 60000};
    FILE *file;
    int rc =
        open_csv(refs, "instruments.csv",
                 "symbol,locate,channel,multiplier,start_price,lot,currency,stale_after_ms", &file);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < refs->instrument_count; i++) {
        const struct rw_gen_instrument *row = &refs->instruments[i].row;
        fprintf(file, "%.*s,", name_length(row->name), row->name);
        if (refs->cfg.locates) fprintf(file, "%u", row->locate);
        fputs(",0,1,", file);
        print_decimal(file, row->start_price, ',');
        fprintf(file, "100,USD,%" PRIu32 "\n", stale_ms[below(refs, 5)]);
    }
    return close_csv(file, "instruments.csv");
}

static int write_portfolios(struct rw_gen_refs *refs) {
    FILE *file;
    int rc = open_csv(refs, "portfolios.csv", "portfolio,account,desk", &file);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < refs->cfg.portfolios; i++)
        fprintf(file, "PF%05" PRIu32 ",ACC%04" PRIu32 ",DESK%02" PRIu32 "\n", i + 1,
                i / ACCOUNT_SIZE + 1, desk_of(i) + 1);
    return close_csv(file, "portfolios.csv");
}

static bool holds(const struct rw_gen_refs *refs, const struct instrument *instrument,
                  uint32_t portfolio) {
    for (uint32_t i = 0; i < instrument->count; i++)
        if (refs->holdings[instrument->first + i].portfolio == portfolio) return true;
    return false;
}

/* 1 to 2·mean-1 different holders, long or short, in round lots. */
static void draw_holders(struct rw_gen_refs *refs, struct instrument *instrument) {
    uint64_t wanted = 1 + below(refs, 2ull * refs->cfg.holders - 1);
    instrument->first = refs->holding_count;
    if (wanted > refs->cfg.portfolios) wanted = refs->cfg.portfolios;
    while (instrument->count < wanted) {
        uint32_t portfolio = (uint32_t)below(refs, refs->cfg.portfolios);
        if (holds(refs, instrument, portfolio)) continue;
        if (refs->holding_count == refs->holding_room) {
            refs->holding_room = refs->holding_room ? 2 * refs->holding_room : 1024;
            refs->holdings = realloc(refs->holdings, refs->holding_room * sizeof *refs->holdings);
            RW_ASSERT(refs->holdings);
        }
        int64_t quantity = 100 * (int64_t)(1 + below(refs, 50));
        if (below(refs, 100) < 40) quantity = -quantity;
        int64_t value = quantity * instrument->row.start_price;
        int64_t gross = value < 0 ? -value : value;
        struct exposure *owners[] = {&refs->portfolios[portfolio], &refs->desks[desk_of(portfolio)],
                                     &refs->firm};
        for (uint32_t k = 0; k < 3; k++) {
            owners[k]->gross += gross;
            owners[k]->net += value;
        }
        refs->holdings[refs->holding_count++] =
            (struct holding){.portfolio = portfolio, .quantity = quantity};
        instrument->count++;
    }
}

static int write_positions(struct rw_gen_refs *refs) {
    FILE *file;
    int rc = open_csv(refs, "positions.csv", "portfolio,symbol,quantity,average_price", &file);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < refs->instrument_count; i++) {
        struct instrument *instrument = &refs->instruments[i];
        draw_holders(refs, instrument);
        for (uint32_t k = 0; k < instrument->count; k++) {
            const struct holding *holding = &refs->holdings[instrument->first + k];
            int64_t price = instrument->row.start_price;
            price += price * ((int64_t)below(refs, 201) - 100) / 20000; /* within 0.5 % */
            fprintf(file, "PF%05" PRIu32 ",%.*s,%" PRId64 ",", holding->portfolio + 1,
                    name_length(instrument->row.name), instrument->row.name, holding->quantity);
            print_decimal(file, price, '\n');
            refs->count.positions++;
        }
    }
    return close_csv(file, "positions.csv");
}

/* A limit, every second one with hysteresis. */
static void print_bounds(struct rw_gen_refs *refs, FILE *file, const char *owner,
                         const char *measure, int64_t soft, int64_t hard) {
    fprintf(file, "%s,%s,", owner, measure);
    print_decimal(file, soft, ',');
    print_decimal(file, hard, ',');
    print_decimal(file, refs->count.limits++ % 2 * 20, '\n');
}

/* A limit stands at base plus a share of the owner's gross, in 1/1,000, drawn from two ranges. */
static void print_limit(struct rw_gen_refs *refs, FILE *file, const char *owner,
                        const char *measure, int64_t base, int64_t gross, uint32_t step) {
    int64_t unit = gross / 1000 + 10000;
    int64_t soft = base + unit * (int64_t)(step + below(refs, 6ull * step)) / 10;
    int64_t hard = soft + unit * (int64_t)(step + below(refs, 8ull * step)) / 10;
    print_bounds(refs, file, owner, measure, soft, hard);
}

static void print_limits(struct rw_gen_refs *refs, FILE *file, const char *owner,
                         const struct exposure *exposure) {
    int64_t net = exposure->net < 0 ? -exposure->net : exposure->net;
    print_limit(refs, file, owner, "gross", exposure->gross, exposure->gross, 20);
    if (below(refs, 2)) print_limit(refs, file, owner, "net", net, exposure->gross, 20);
    if (below(refs, 5)) print_limit(refs, file, owner, "loss", 0, exposure->gross, 6);
}

/* Limits of VaR and ES about where a one-factor history puts them, for some portfolios. */
static void print_tail_limits(struct rw_gen_refs *refs, FILE *file, const char *owner,
                              const struct exposure *exposure) {
    static const char *const measures[] = {"var", "es"};
    int64_t net = exposure->net < 0 ? -exposure->net : exposure->net;
    uint64_t draw = (uint64_t)exposure->gross / 10000 % 8; /* leaves the generator alone */
    int64_t about = net / 50 + exposure->gross / 150 + 10000;
    if (draw > 3) return;
    for (uint32_t k = 0; k < 2; k++) {
        print_bounds(refs, file, owner, measures[k], about * (int64_t)(8 + draw) / 10,
                     about * (int64_t)(10 + draw) / 8);
    }
}

static int write_limits(struct rw_gen_refs *refs) {
    char owner[64];
    FILE *file;
    int rc = open_csv(refs, "limits.csv", "scope,name,measure,soft,hard,release", &file);
    if (rc < 0) return rc;
    for (uint32_t i = 0; i < refs->cfg.portfolios; i++) {
        snprintf(owner, sizeof owner, "portfolio,PF%05" PRIu32, i + 1);
        print_limits(refs, file, owner, &refs->portfolios[i]);
        int64_t unit = refs->portfolios[i].gross / 1000 + 10000;
        if (i % 3 == 0) print_bounds(refs, file, owner, "drawdown", 2 * unit, 4 * unit);
        int64_t size =
            refs->portfolios[i].net < 0 ? -refs->portfolios[i].net : refs->portfolios[i].net;
        if (i % 3 == 1) print_bounds(refs, file, owner, "open", size + 8 * unit, size + 16 * unit);
        if (i % 3 == 2) print_bounds(refs, file, owner, "order", 10 * unit, 20 * unit);
        if (refs->cfg.scenarios) print_tail_limits(refs, file, owner, &refs->portfolios[i]);
    }
    for (uint32_t i = 0; i < refs->desk_count; i++) {
        snprintf(owner, sizeof owner, "desk,DESK%02" PRIu32, i + 1);
        print_limits(refs, file, owner, &refs->desks[i]);
    }
    print_limits(refs, file, "firm,firm", &refs->firm);
    return close_csv(file, "limits.csv");
}

/* A day's return in 1e-9: a sum of uniform numbers is near enough to a normal one, with a heavier
 * day now and then. */
static int64_t draw_return(struct rw_rng *rng, int64_t deviation) {
    int64_t sum = 0;
    for (int i = 0; i < 12; i++) sum += (int64_t)rw_rng_below(rng, 2000001) - 1000000;
    if (rw_rng_chance(rng, 1, 40)) sum *= 3;
    return sum * deviation / 2000000;
}

static void print_return(FILE *out, int64_t value) {
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    fprintf(out, ",%s%" PRIu64 ".%09" PRIu64, value < 0 ? "-" : "", size / 1000000000,
            size % 1000000000);
}

/* One common factor and one of its own for each instrument; every tenth instrument's history is in
 * logarithms, one in 25 moves by amounts. Draws from a generator of its own, so that a session is
 * the same with and without a history. */
static int write_returns(struct rw_gen_refs *refs) {
    static const char *const kinds[] = {"relative", "log", "absolute"};
    int64_t *market = calloc(refs->cfg.scenarios, sizeof *market);
    struct rw_rng rng;
    FILE *file;
    int rc = market ? open_csv(refs, "returns.csv", "# daily returns, oldest first", &file)
                    : rw_err_set(ENOMEM, "no memory for the scenarios");
    if (rc < 0) {
        free(market);
        return rc;
    }
    rw_rng_seed(&rng, refs->cfg.seed ^ 0x52455455ull);
    fputs("symbol,shift", file);
    for (uint32_t s = 0; s < refs->cfg.scenarios; s++) {
        fprintf(file, ",day%" PRIu32, s + 1);
        market[s] = draw_return(&rng, 9000000);
    }
    for (uint32_t i = 0; i < refs->instrument_count; i++) {
        const struct rw_gen_instrument *row = &refs->instruments[i].row;
        uint32_t kind = i % 25 == 24 ? 2 : i % 10 == 8;
        fprintf(file, "\n%.*s,%s", name_length(row->name), row->name, kinds[kind]);
        for (uint32_t s = 0; s < refs->cfg.scenarios; s++) {
            int64_t value = market[s] + draw_return(&rng, 12000000);
            if (kind == 2) value = value / 10000 * row->start_price;
            print_return(file, value);
        }
    }
    fputc('\n', file);
    free(market);
    return close_csv(file, "returns.csv");
}

/* ---- fills ---------------------------------------------------------------------------------- */

/* The columns of every row up to symbol. */
static void print_row(struct rw_gen_refs *refs, const struct rw_gen_fill *fill, const char *type) {
    RW_ASSERT(fill->instrument < refs->instrument_count);
    const char *name = refs->instruments[fill->instrument].row.name;
    if (fill->time_ns > refs->last_ns) refs->last_ns = fill->time_ns; /* the source's own order */
    fprintf(refs->inputs, "%" PRIu64 ",1,%" PRIu64 ",%s,PF%05" PRIu32 ",%.*s,", refs->last_ns,
            ++refs->source_sequence, type, fill->portfolio + 1, name_length(name), name);
}

static void print_terms(struct rw_gen_refs *refs, const struct rw_gen_fill *fill) {
    fprintf(refs->inputs, "%c,%" PRIu64 ",", fill->side, fill->quantity);
    print_decimal(refs->inputs, fill->price, ',');
    print_decimal(refs->inputs, (int64_t)(fill->quantity * FEE_PER_SHARE), ',');
}

/* The rest of a row about an order. */
static void print_order(struct rw_gen_refs *refs, const struct rw_gen_fill *fill, uint64_t order,
                        bool terms) {
    fprintf(refs->inputs, "%c,", fill->side);
    if (terms) {
        fprintf(refs->inputs, "%" PRIu64 ",", fill->quantity);
        print_decimal(refs->inputs, fill->price, ',');
    } else {
        fputs(",,", refs->inputs);
    }
    fprintf(refs->inputs, ",,,%" PRIu64 "\n", order);
    refs->count.orders++;
}

static void write_correction(struct rw_gen_refs *refs, const struct later *later) {
    static const char *const words[] = {"CORRECT", "BUST", "CANCEL", "EXPIRE", "REPLACE"};
    print_row(refs, &later->fill, words[later->what]);
    if (later->what >= LATER_CANCEL) {
        bool over = later->what != LATER_REPLACE;
        print_order(refs, &later->fill, later->order, !over);
        return;
    }
    if (later->what == LATER_BUST)
        fputs(",,,,", refs->inputs);
    else
        print_terms(refs, &later->fill);
    fprintf(refs->inputs, "%" PRIu64 ",%" PRIu64 ",%" PRIu64 "\n",
            CORRECTION_IDS + refs->count.corrections++, later->fill.match_number,
            later->fill.execution);
}

static void write_fill(struct rw_gen_refs *refs, const struct rw_gen_fill *fill, uint64_t order) {
    print_row(refs, fill, "FILL");
    print_terms(refs, fill);
    fprintf(refs->inputs, "%" PRIu64 ",%" PRIu64 ",", fill->execution, fill->match_number);
    if (order) fprintf(refs->inputs, "%" PRIu64, order);
    fputc('\n', refs->inputs);
    refs->count.fills++;
}

/* Writes what is due before an instant. */
static void write_later(struct rw_gen_refs *refs, uint64_t time_ns) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < refs->later_count; i++)
        if (refs->later[i].fill.time_ns <= time_ns)
            write_correction(refs, &refs->later[i]);
        else
            refs->later[kept++] = refs->later[i];
    refs->later_count = kept;
}

/* Some executions were not what they seemed: a wrong price or quantity, or none at all. */
static void correct_later(struct rw_gen_refs *refs, const struct rw_gen_fill *fill) {
    struct rw_rng *rng = &refs->corrections;
    if (!rw_rng_chance(rng, 1, CORRECT_ONE_IN) || refs->later_count == LATER_MAX) return;
    struct later later = {.fill = *fill,
                          .what = rw_rng_chance(rng, 1, 3) ? LATER_BUST : LATER_CORRECT};
    later.fill.time_ns += CORRECT_DELAY_NS + rw_rng_below(rng, 4 * CORRECT_DELAY_NS);
    if (rw_rng_chance(rng, 1, 2))
        later.fill.price += 100 * (int32_t)(1 + rw_rng_below(rng, 5));
    else
        later.fill.quantity += 1 + rw_rng_below(rng, fill->quantity);
    refs->later[refs->later_count++] = later;
}

/* Half of the fills come of an order of their own, larger by some; the rest of it ends later. Now
 * and then an order is rejected. Returns the order, 0: none that is told. */
static uint64_t order_of(struct rw_gen_refs *refs, const struct rw_gen_fill *fill) {
    struct rw_rng *rng = &refs->corrections;
    if (rw_rng_chance(rng, 1, 2)) return 0;
    uint64_t order = ++refs->orders;
    struct later later = {.fill = *fill, .what = LATER_CANCEL, .order = order};
    uint64_t more = rw_rng_below(rng, 3) * fill->quantity;
    later.fill.quantity += more;
    bool rejected = rw_rng_chance(rng, 1, 40);
    print_row(refs, fill, rejected ? "REJECT" : "ORDER");
    print_order(refs, &later.fill, order, true);
    if (rejected || more == 0 || refs->later_count == LATER_MAX) return rejected ? 0 : order;
    later.fill.quantity = more;
    later.what = LATER_CANCEL + (int)rw_rng_below(rng, 3);
    later.fill.time_ns += CORRECT_DELAY_NS + rw_rng_below(rng, 8 * CORRECT_DELAY_NS);
    refs->later[refs->later_count++] = later;
    return order;
}

void rw_gen_refs_fill(struct rw_gen_refs *refs, const struct rw_gen_fill *fill) {
    write_later(refs, fill->time_ns);
    write_fill(refs, fill, 0);
}

uint32_t rw_gen_refs_holder(const struct rw_gen_refs *refs, uint32_t instrument, uint32_t pick) {
    RW_ASSERT(instrument < refs->instrument_count);
    const struct instrument *held = &refs->instruments[instrument];
    return refs->holdings[held->first + pick % held->count].portfolio;
}

void rw_gen_refs_trade(struct rw_gen_refs *refs, uint64_t time_ns, uint32_t instrument,
                       uint32_t shares, int32_t price, uint64_t match_number) {
    RW_ASSERT(instrument < refs->instrument_count);
    const struct instrument *traded = &refs->instruments[instrument];
    if (shares == 0 || below(refs, 100) >= refs->cfg.fills_percent) return;
    uint32_t portfolio = refs->holdings[traded->first + below(refs, traded->count)].portfolio;
    if (below(refs, 10) == 0) portfolio = (uint32_t)below(refs, refs->cfg.portfolios);
    struct rw_gen_fill fill = {.execution = 1000001 + refs->count.fills,
                               .match_number = match_number,
                               .instrument = instrument,
                               .portfolio = portfolio,
                               .price = price};
    fill.quantity = 1 + below(refs, shares);
    fill.time_ns = time_ns + FILL_DELAY_NS + below(refs, FILL_SPREAD_NS);
    fill.side = below(refs, 2) ? 'B' : 'S';
    write_later(refs, fill.time_ns);
    uint64_t order = order_of(refs, &fill);
    write_fill(refs, &fill, order);
    correct_later(refs, &fill);
    if (below(refs, REPEAT_ONE_IN) == 0) {
        write_fill(refs, &fill, order);
        refs->count.fills--;
        refs->count.repeated_fills++;
    }
}

/* ---- the whole ------------------------------------------------------------------------------ */

static void free_refs(struct rw_gen_refs *refs) {
    free(refs->instruments);
    free(refs->holdings);
    free(refs->portfolios);
    free(refs->desks);
    free(refs);
}

int rw_gen_refs_open(const struct rw_gen_refs_cfg *cfg, const struct rw_gen_instrument *instruments,
                     uint32_t count, struct rw_gen_refs **refs) {
    RW_ASSERT(count >= 1 && cfg->portfolios >= 1 && cfg->holders >= 1);
    struct rw_gen_refs *opened = calloc(1, sizeof *opened);
    RW_ASSERT(opened);
    opened->cfg = *cfg;
    opened->instrument_count = count;
    opened->desk_count = desk_of(cfg->portfolios - 1) + 1;
    opened->instruments = calloc(count, sizeof *opened->instruments);
    opened->portfolios = calloc(cfg->portfolios, sizeof *opened->portfolios);
    opened->desks = calloc(opened->desk_count, sizeof *opened->desks);
    RW_ASSERT(opened->instruments && opened->portfolios && opened->desks);
    rw_rng_seed(&opened->rng, cfg->seed ^ 0x52454653ull);
    rw_rng_seed(&opened->corrections, cfg->seed ^ 0x434F5252ull);
    for (uint32_t i = 0; i < count; i++) opened->instruments[i].row = instruments[i];

    int rc = write_instruments(opened);
    if (rc == 0) rc = write_portfolios(opened);
    if (rc == 0) rc = write_positions(opened);
    if (rc == 0) rc = write_limits(opened);
    if (rc == 0 && cfg->scenarios) rc = write_returns(opened);
    if (rc == 0)
        rc = open_csv(opened, "inputs.csv",
                      "event_time_ns,source,source_sequence,type,portfolio,symbol,side,quantity,"
                      "price,fee,exec_id,match_number,reference",
                      &opened->inputs);
    if (rc < 0)
        free_refs(opened);
    else
        *refs = opened;
    return rc;
}

int rw_gen_refs_open_market(const struct rw_gen_refs_cfg *cfg, const struct rw_gen_market *market,
                            uint32_t symbols, struct rw_gen_refs **refs) {
    struct rw_gen_instrument *instruments = calloc(symbols, sizeof *instruments);
    RW_ASSERT(instruments);
    for (uint32_t i = 0; i < symbols; i++) {
        struct rw_gen_symbol_info info = rw_gen_market_symbol(market, i);
        memcpy(instruments[i].name, info.name, sizeof info.name);
        instruments[i].locate = info.locate;
        instruments[i].start_price = info.start_price;
    }
    int rc = rw_gen_refs_open(cfg, instruments, symbols, refs);
    free(instruments);
    return rc;
}

int rw_gen_refs_close(struct rw_gen_refs *refs, struct rw_gen_refs_count *count) {
    write_later(refs, UINT64_MAX);
    int rc = close_csv(refs->inputs, "inputs.csv");
    *count = refs->count;
    free_refs(refs);
    return rc;
}
