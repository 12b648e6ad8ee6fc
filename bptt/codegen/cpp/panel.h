// Products with one panel of columns, the width of which need not be that of whole vectors.
#pragma once

#include <algorithm>

#include "outer.h"
#include "product.h"

namespace {

constexpr int64_t PANEL = GROUP * LANES;

// Of so many columns, how many there are in a packed panel, and in the vector that begins at `first`.
constexpr int64_t packed(int64_t columns) { return columns > LANES ? PANEL : LANES; }
constexpr int lanes_from(int64_t first, int64_t columns) {
    return static_cast<int>(std::clamp<int64_t>(columns - first, 0, LANES));
}

// So many rows of a matrix of `width` columns, as the columns of a panel.
inline void pack_columns(const real* from, int64_t width, const int64_t* row, int64_t count, real* to) {
    for (int64_t lane = 0; lane < packed(count); ++lane)
        for (int64_t k = 0; k < width; ++k)
            to[k * packed(count) + lane] = lane < count ? from[row[lane] * width + k] : 0;
}

// The first `columns` of these rows, as the rows of a panel.
inline void pack_terms(const real* from, int64_t width, const int64_t* row, int64_t count, int64_t columns,
                       real* to) {
    for (int64_t k = 0; k < count; ++k, to += packed(columns))
        pack_factors(from + row[k] * width, nullptr, columns, packed(columns), to);
}

// to = rows x panel, whole vectors of it.
inline void product(const real* const* rows, int64_t count, const real* panel, int64_t columns, int64_t depth,
                    Tile to) {
    alignas(64) static constexpr real zeros[PANEL]{};
    static constexpr int column[] = {0, 1};
    static_assert(GROUP == 2);
    multiply(columns > LANES ? 2 : 1, rows, static_cast<int>(count), panel, depth,
             {const_cast<real*>(zeros), 0}, to, column);
}

// to += sums, or the sums themselves: `columns` of each row.
inline void add(Tile sums, Matrix to, int64_t rows, int64_t columns, bool more) {
    for (; rows > 0; --rows, sums.at += sums.step, to.data += to.columns)
        for (int64_t c = 0; c < columns; c += LANES) {
            const int lanes = lanes_from(c, columns);
            const Vector sum = load(sums.at + c);
            store(to.data + c, more ? load(to.data + c, lanes) + sum : sum, lanes);
        }
}

}  // namespace
