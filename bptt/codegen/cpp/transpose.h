// Rows and columns of as many vectors as a vector has lanes, exchanged.
#pragma once

#include <utility>

#include "factors.h"

namespace {

// Of two rows that are STEP apart, the halves that a transposition exchanges.
template <int STEP, int... LANE>
INLINE void exchange(Factors& low, Factors& high, std::integer_sequence<int, LANE...>) {
    const Factors a = low, b = high;
#ifdef __clang__
    low = __builtin_shufflevector(a, b, (LANE & STEP ? LANES + LANE - STEP : LANE)...);
    high = __builtin_shufflevector(a, b, (LANE & STEP ? LANES + LANE : LANE + STEP)...);
#else
    low = __builtin_shuffle(a, b, Integers{(LANE & STEP ? LANES + LANE - STEP : LANE)...});
    high = __builtin_shuffle(a, b, Integers{(LANE & STEP ? LANES + LANE : LANE + STEP)...});
#endif
}

// Lane k of row r becomes lane r of row k.
template <int STEP = 1>
INLINE void transpose(Factors* row) {
#pragma GCC unroll 16
    for (int k = 0; k < LANES; ++k)
        if (!(k & STEP)) exchange<STEP>(row[k], row[k + STEP], std::make_integer_sequence<int, LANES>{});
    if constexpr (2 * STEP < LANES) transpose<2 * STEP>(row);
}

}  // namespace
