// The sums of outer products, by tiles of every height.
#pragma once

#include <array>
#include <utility>

#include "outer.h"
#include "product_tiles.h"
#ifdef MATRIX_UNIT
#include "outer_unit.h"
#endif

namespace {

// to[m][n] += sum over k of left[k][m] * right[k][n], for R rows m and C vectors n of a packed right side.
template <int R, int C>
void outer_tile(const factor* left, int64_t left_step, const factor* right, int64_t depth, Matrix to,
                int64_t width) {
    Vector sum[R][C]{};
    for (int64_t k = 0; k < depth; ++k, left += left_step, right += GROUP * LANES) {
        Factors vector[C];
#pragma GCC unroll 2
        for (int c = 0; c < C; ++c) vector[c] = load_factors(right + c * LANES);
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) {
            const Factors one = spread(left[r]);
#pragma GCC unroll 2
            for (int c = 0; c < C; ++c) sum[r][c] = multiply_add(sum[r][c], one, vector[c]);
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

using OuterTile = void (*)(const factor*, int64_t, const factor*, int64_t, Matrix, int64_t);

template <int C, int... R>
constexpr std::array<OuterTile, sizeof...(R)> outer_tiles_of(std::integer_sequence<int, R...>) {
    return {outer_tile<R + 1, C>...};
}
template <int C>
constexpr auto OUTER_TILES = outer_tiles_of<C>(std::make_integer_sequence<int, TALLEST>{});

}  // namespace

namespace shared {

void outer(const factor* left, int64_t left_step, const factor* right, int64_t depth, Matrix to, int64_t begin,
           int64_t end, int64_t width) {
    const auto& tiles = width > LANES ? OUTER_TILES<2> : OUTER_TILES<1>;
    for (int64_t m = begin; m < end; m += TALLEST) {
        const int64_t height = std::min<int64_t>(TALLEST, end - m);
        tiles[height - 1](left + m, left_step, right, depth, {to.data + m * to.columns, to.columns}, width);
    }
}

void outer(const factor* left, const factor* right, int64_t depth, Matrix to, int64_t begin, int64_t end,
           int64_t width) {
#ifdef MATRIX_UNIT
    if (has_matrix_unit()) return outer_by_unit(left, right, depth, to, begin, end, static_cast<int>(width));
#endif
    const auto& tiles = width > LANES ? OUTER_TILES<2> : OUTER_TILES<1>;
    for (int64_t m = begin; m < end;) {
        const int64_t inside = m % TOGETHER, height = std::min<int64_t>({TALLEST, TOGETHER - inside, end - m});
        const factor* rows = left + (m - inside) * depth + inside;
        tiles[height - 1](rows, TOGETHER, right, depth, {to.data + m * to.columns, to.columns}, width);
        m += height;
    }
}

void pack_left(const factor* left, int64_t left_step, int64_t width, int64_t depth, factor* packed) {
#ifdef MATRIX_UNIT
    if (has_matrix_unit()) return pack_left_tiles(left, left_step, width, depth, packed);
#endif
    for (int64_t k = 0; k < depth; ++k, left += left_step)
        for (int64_t m = 0; m < width; m += TOGETHER)
            std::copy_n(left + m, TOGETHER, packed + m * depth + k * TOGETHER);
}

}  // namespace shared
