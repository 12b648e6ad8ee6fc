// Rows of factors as the lanes of vectors: how weights come into panels.
#pragma once

#include <algorithm>
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

// Puts the factors of up to LANES rows of `depth` terms, the next row `row_step` behind the last, into the
// lanes of vectors, `to_step` apart. Lanes without a row are zero.
inline void pack_lanes(const parameter* rows, int64_t row_step, int64_t count, int64_t depth, factor* to,
                       int64_t to_step) {
    const int64_t height = factors(depth);
    for (int64_t k = 0; k < height; k += LANES) {
        Factors row[LANES];
#pragma GCC unroll 16
        for (int lane = 0; lane < LANES; ++lane)
            row[lane] = lane < count ? load_factors(rows + lane * row_step, k, depth) : Factors{};
        transpose(row);
        const int there = static_cast<int>(std::min<int64_t>(LANES, height - k));
#pragma GCC unroll 16
        for (int j = 0; j < LANES; ++j)
            if (j < there) store_factors(to + (k + j) * to_step, row[j]);
    }
}

}  // namespace
