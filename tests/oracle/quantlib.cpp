// The option kernels against QuantLib, an implementation nobody here wrote: random options of each
// style, many times. Test build only; made where QuantLib is installed.
//
//   quantlib [--count N]      N random options per style (100,000), a two-hundredth of it for the slow checkers
//
// Seeded by RW_SEED. Exit 0 when every value agrees within the tolerance printed.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>
#include <vector>

#include <ql/exercise.hpp>
#include <ql/instruments/vanillaoption.hpp>
#include <ql/pricingengines/blackcalculator.hpp>
#include <ql/pricingengines/vanilla/baroneadesiwhaleyengine.hpp>
#include <ql/pricingengines/vanilla/qdfpamericanengine.hpp>
#include <ql/processes/blackscholesprocess.hpp>
#include <ql/quotes/simplequote.hpp>
#include <ql/settings.hpp>
#include <ql/termstructures/volatility/equityfx/blackconstantvol.hpp>
#include <ql/termstructures/yield/flatforward.hpp>
#include <ql/time/calendars/nullcalendar.hpp>
#include <ql/time/daycounters/actual365fixed.hpp>

#ifdef __AVX512F__
#error "this program is compiled for the same target as the product"
#endif

extern "C" {
#include "tests/oracle/price_one.h"
}

namespace ql = QuantLib;

struct Tally {
    const char *name;
    double tolerance, worst = 0;
    long count = 0, bad = 0;
    void see(double ours, double theirs, double unit) {
        double off = std::fabs(ours - theirs) / unit;
        count++;
        if (!(off <= tolerance) && bad++ < 5)
            std::printf("%s: %.17g, QuantLib %.17g\n", name, ours, theirs);
        if (off > worst) worst = off;
    }
    bool report() const {
        std::printf("%-28s %8ld values, largest distance %.3g, allowed %.3g, beyond %ld\n", name, count,
                    worst, tolerance, bad);
        return bad == 0 && count > 0;
    }
};

struct Draw {
    std::mt19937_64 bits;
    double between(double low, double high) {
        return low + (high - low) * static_cast<double>(bits() >> 11) * 0x1p-53;
    }
    option_case next(int style) {
        option_case o{};
        o.style = style;
        o.put = static_cast<int>(bits() & 1);
        o.spot = between(20, 300);
        o.strike = o.spot * std::exp(between(-0.7, 0.7));
        o.rate = between(-0.01, 0.12);
        o.dividend = style == 2 ? o.rate : between(-0.01, 0.10);
        o.vol = between(0.05, 1.0);
        o.days = 2 + static_cast<int>(bits() % 1500);
        return o;
    }
};

// Black's formula on the forward; the Greeks by the chain rule that QuantLib has built in.
static void european(Draw &draw, int style, long count, Tally &price, Tally &greeks) {
    for (long i = 0; i < count; i++) {
        option_case o = draw.next(style);
        double years = o.days / 365.0, discount = std::exp(-o.rate * years);
        double forward = o.spot * std::exp((o.rate - o.dividend) * years);
        ql::BlackCalculator black(o.put ? ql::Option::Put : ql::Option::Call, o.strike, forward,
                                  o.vol * std::sqrt(years), discount);
        option_value v = price_one(&o);
        price.see(v.price, black.value(), o.spot);
        greeks.see(v.delta, black.delta(o.spot), 1);
        greeks.see(v.gamma * o.spot, black.gamma(o.spot) * o.spot, 1);
        greeks.see(v.vega, black.vega(years), o.spot);
        greeks.see(v.theta, black.theta(o.spot, years), o.spot);
        if (style == 0) greeks.see(v.rho, black.rho(years), o.spot);
    }
}

// One process whose quotes move, so that engines need not be made anew.
struct Market {
    ql::Date today{1, ql::January, 2024};
    ql::DayCounter days = ql::Actual365Fixed();
    ql::ext::shared_ptr<ql::SimpleQuote> spot, rate, dividend, vol;
    ql::ext::shared_ptr<ql::BlackScholesMertonProcess> process;
    Market() {
        ql::Settings::instance().evaluationDate() = today;
        for (auto *quote : {&spot, &rate, &dividend, &vol}) *quote = ql::ext::make_shared<ql::SimpleQuote>(0.1);
        auto curve = [this](const ql::ext::shared_ptr<ql::SimpleQuote> &quote) {
            return ql::Handle<ql::YieldTermStructure>(
                ql::ext::make_shared<ql::FlatForward>(today, ql::Handle<ql::Quote>(quote), days));
        };
        process = ql::ext::make_shared<ql::BlackScholesMertonProcess>(
            ql::Handle<ql::Quote>(spot), curve(dividend), curve(rate),
            ql::Handle<ql::BlackVolTermStructure>(ql::ext::make_shared<ql::BlackConstantVol>(
                today, ql::NullCalendar(), ql::Handle<ql::Quote>(vol), days)));
    }
    double american(const option_case &o, const ql::ext::shared_ptr<ql::PricingEngine> &engine) {
        spot->setValue(o.spot), rate->setValue(o.rate);
        dividend->setValue(o.dividend), vol->setValue(o.vol);
        ql::VanillaOption option(
            ql::ext::make_shared<ql::PlainVanillaPayoff>(o.put ? ql::Option::Put : ql::Option::Call, o.strike),
            ql::ext::make_shared<ql::AmericanExercise>(today, today + o.days));
        option.setPricingEngine(engine);
        return option.NPV();
    }
};

static void american(Draw &draw, long count, Tally &approximation, Tally &checker) {
    long gave_up = 0;
    Market market;
    ql::ext::shared_ptr<ql::PricingEngine> baw =
        ql::ext::make_shared<ql::BaroneAdesiWhaleyApproximationEngine>(market.process);
    ql::ext::shared_ptr<ql::PricingEngine> exact = ql::ext::make_shared<ql::QdFpAmericanEngine>(
        market.process, ql::QdFpAmericanEngine::highPrecisionScheme());
    for (long i = 0; i < count; i++) {
        option_case o = draw.next(1);
        o.rate = draw.between(0.002, 0.12); // QuantLib's approximation divides by 1 − e^(−rT)
        o.dividend = draw.between(0.002, 0.10);
        try {
            approximation.see(price_one(&o).price, market.american(o, baw), o.spot);
        } catch (const ql::Error &error) {
            gave_up++; // QuantLib's own iteration left the range of prices
        }
        if (i % 200 == 0) checker.see(price_reference(&o), market.american(o, exact), o.spot);
    }
    std::printf("QuantLib's approximation gave up on %ld of %ld\n", gave_up, count);
}

int main(int argc, char **argv) {
    long count = argc == 3 && !std::strcmp(argv[1], "--count") ? std::atol(argv[2]) : 100000;
    const char *given = std::getenv("RW_SEED");
    Draw draw{std::mt19937_64(given ? std::strtoull(given, nullptr, 0) : 1)};
    std::printf("RW_SEED=%s\n", given ? given : "1");
    Tally tallies[] = {{"european price / spot", 1e-13}, {"european greeks", 2e-12},
                       {"black76 price / spot", 1e-13},  {"black76 greeks", 2e-12},
                       {"american BAW / spot", 2e-6},    {"american reference / spot", 1e-7}};
    european(draw, 0, count, tallies[0], tallies[1]);
    european(draw, 2, count, tallies[2], tallies[3]);
    american(draw, count, tallies[4], tallies[5]);
    bool fine = true;
    for (const Tally &tally : tallies) fine = tally.report() && fine;
    return fine ? 0 : 1;
}
