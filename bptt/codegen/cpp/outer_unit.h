// The sums of outer products by the matrix unit.
#pragma once

#include "matrix_unit.h"
#include "outer.h"
#include "transpose.h"

namespace {

// N vectors of rows [begin, end) of `to` += packed left sides x right sides: see `outer`.
template <int N>
void add_columns(const factor* left, const factor* right, int64_t depth, Matrix to, int64_t begin, int64_t end,
                 int width) {
    constexpr int64_t BYTES = sizeof(factor), ROW = PER_TILE * BYTES, TILE = PER_TILE * ROW;
    constexpr int column[] = {0, 1};
    const int64_t step = GROUP * LANES * BYTES;
    const Side rights{{bytes(right), bytes(right + LANES)}, step, PER_TILE * step};
    Tiles tiles(width);
    for (int64_t m = begin; m < end;) {
        const int64_t inside = m % PER_TILE, high = std::min<int64_t>(PER_TILE - inside, end - m);
        const int64_t low = std::min<int64_t>(PER_TILE, end - m - high);
        const Side lefts{{bytes(left + (m - inside) * depth + inside * PER_TILE), bytes(left + (m + high) * depth)},
                         ROW, TILE};
        tiles.shape(high, low);
        const Places at = places<N>(to.data + m * to.columns, to.columns, high, column);
        if (low) multiply_tiles<2, N>(lefts, rights, depth, at, at);
        else multiply_tiles<1, N>(lefts, rights, depth, at, at);
        m += high + low;
    }
}

// See `outer`.
inline void outer_by_unit(const factor* left, const factor* right, int64_t depth, Matrix to, int64_t begin,
                          int64_t end, int width) {
    if (width >= 2 * LANES) return add_columns<2>(left, right, depth, to, begin, end, LANES);
    for (int column = 0; column < width; column += LANES)
        add_columns<1>(left, right + column, depth, {to.data + column, to.columns}, begin, end,
                       std::min(width - column, LANES));
}

// See `pack_left`.
inline void pack_left_tiles(const factor* left, int64_t left_step, int64_t width, int64_t depth, factor* packed) {
    static_assert(TOGETHER == PER_TILE && PER_TILE == LANES);
    for (int64_t m = 0; m < width; m += PER_TILE)
        for (int64_t k = 0; k < depth; k += PER_TILE) {
            Factors row[LANES];
#pragma GCC unroll 16
            for (int j = 0; j < LANES; ++j) row[j] = load_factors(left + (k + j) * left_step + m);
            transpose(row);
#pragma GCC unroll 16
            for (int j = 0; j < LANES; ++j) store_factors(packed + (m * depth + k * PER_TILE) + j * LANES, row[j]);
        }
}

}  // namespace
