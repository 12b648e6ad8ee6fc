// The sum of outer products of rows: how a matrix's gradient adds up over time and batch.
//
// Like the products, each sum runs over its terms in one order, whatever the number of threads.
#pragma once

#include <algorithm>

#include "product.h"

namespace {

// Terms that are summed in registers before memory is touched: a panel of as many rows stays in L1.
constexpr int TERMS = 128;

struct Matrix {
    real* data;
    int64_t columns;
};

// to[m][n] += sum over k of left[k][m] * right[k][n], for R rows m and C vectors n of a packed right side.
template <int R, int C>
void outer_tile(const real* left, int64_t left_step, const real* right, int64_t terms, Matrix to,
                int64_t width) {
    Vector sum[R][C]{};
    for (int64_t k = 0; k < terms; ++k, left += left_step, right += GROUP * LANES) {
        Vector vector[C];
#pragma GCC unroll 2
        for (int c = 0; c < C; ++c) vector[c] = load(right + c * LANES);
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) {
            const Vector factor = broadcast(left[r]);
#pragma GCC unroll 2
            for (int c = 0; c < C; ++c) sum[r][c] += factor * vector[c];
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 2
        for (int c = 0; c < C; ++c) {
            real* at = to.data + r * to.columns + c * LANES;
            const int lanes = static_cast<int>(std::min<int64_t>(LANES, width - c * LANES));
            store(at, load(at, lanes) + sum[r][c], lanes);
        }
}

using OuterTile = void (*)(const real*, int64_t, const real*, int64_t, Matrix, int64_t);

template <int C, int... R>
constexpr std::array<OuterTile, sizeof...(R)> outer_tiles_of(std::integer_sequence<int, R...>) {
    return {outer_tile<R + 1, C>...};
}
template <int C>
constexpr auto OUTER_TILES = outer_tiles_of<C>(std::make_integer_sequence<int, TALLEST>{});

// Rows [begin, end) of `to`, of whose columns `width` <= GROUP * LANES are in the packed right side.
inline void outer(const real* left, int64_t left_step, const real* right, int64_t terms, Matrix to,
                  int64_t begin, int64_t end, int64_t width) {
    const auto& tiles = width > LANES ? OUTER_TILES<2> : OUTER_TILES<1>;
    for (int64_t m = begin; m < end; m += TALLEST) {
        const int64_t height = std::min<int64_t>(TALLEST, end - m);
        tiles[height - 1](left + m, left_step, right, terms, {to.data + m * to.columns, to.columns}, width);
    }
}

// One term of the right side, `width` of its columns, filled up with zeros.
INLINE void pack_term(const real* from, int64_t width, real* to) {
    for (int c = 0; c < GROUP; ++c) {
        const int64_t lanes = std::clamp<int64_t>(width - c * LANES, 0, LANES);
        store(to + c * LANES, lanes ? load(from + c * LANES, static_cast<int>(lanes)) : Vector{});
    }
}

}  // namespace
