/* What a limit may be on: the one table of limit kinds, which the reference data's compiler, risk,
 * the results' text and the documentation share.
 *
 * X(NAME, word, unit, scopes, how it is computed). The number of a kind is its place, from 1; new
 * kinds are appended. Scopes: p portfolio, d desk, f firm. */
#pragma once

#define RW_MEASURES(X)                                                                           \
    X(GROSS, "gross", "money", "pdf", "sum of |quantity · multiplier · mark|")                   \
    X(NET, "net", "money", "pdf", "size of the sum of quantity · multiplier · mark")             \
    X(LOSS, "loss", "money", "pdf", "-(realised + unrealised) since the start of day")           \
    X(VAR, "var", "money", "p", "value at risk of the P&L vector, 99 %")                         \
    X(ES, "es", "money", "p", "expected shortfall of the P&L vector, 97.5 %")                    \
    X(DRAWDOWN, "drawdown", "money", "p", "highest realised + unrealised so far, minus present") \
    X(OPEN, "open", "money", "p", "max(|net + open buys|, |net - open sells|)")                  \
    X(ORDER, "order", "money", "p", "quantity · multiplier · price of the latest order")

#define RW_MEASURE_ENUM(NAME, word, unit, scopes, how) RW_MEASURE_##NAME,

enum rw_limit_measure { RW_MEASURE_NONE = 0, RW_MEASURES(RW_MEASURE_ENUM) RW_MEASURE_COUNT };
