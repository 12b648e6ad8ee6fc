// The products of rows and panels, by tiles of every height.
#pragma once

#include <array>
#include <utility>

#include "product.h"
#ifdef MATRIX_UNIT
#include "product_unit.h"
#endif

namespace {

// How many groups a tile of so many rows takes at once: few rows alone would wait for each other's sums.
constexpr int groups_at_once(int rows) {
    const int most = (REGISTERS - 1) / (GROUP * (rows + 1));
    return most >= 4 ? 4 : most >= 2 ? 2 : 1;
}

// to = from + rows x groups, for R rows and G groups of C columns.
template <int R, int C, int G>
void multiply_tile(const factor* const* rows, const factor* panel, int64_t depth, Tile from, Tile to,
                   const int* column) {
    Sum sum[R][G][C];
    const factor* row[R];
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r) {
        row[r] = rows[r];
#pragma GCC unroll 4
        for (int g = 0; g < G; ++g)
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c)
                sum[r][g][c] = first_sum(from.at + r * from.step + column[g * C + c] * LANES);
    }
    const int64_t next = depth * C * LANES;
    for (int64_t k = 0; k < depth - BEHIND; ++k, panel += C * LANES) {
        Factors weight[G][C];
#pragma GCC unroll 4
        for (int g = 0; g < G; ++g)
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) {
                if constexpr (C > GROUP) __builtin_prefetch(panel + c * LANES + PREFETCH);
                weight[g][c] = load_factors(panel + g * next + c * LANES);
            }
#pragma GCC unroll 12
        for (int r = 0; r < R; ++r) {
            const Factors left = spread(row[r][k]);
#pragma GCC unroll 4
            for (int g = 0; g < G; ++g)
#pragma GCC unroll 8
                for (int c = 0; c < C; ++c) sum[r][g][c] = multiply_add(sum[r][g][c], left, weight[g][c]);
        }
    }
#pragma GCC unroll 12
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
        for (int g = 0; g < G; ++g)
#pragma GCC unroll 8
            for (int c = 0; c < C; ++c) {
                const int64_t at = column[g * C + c] * LANES;
                const factor* weights = panel + g * next + c * LANES;
                store(to.at + r * to.step + at, last_sum(sum[r][g][c], from.at + r * from.step + at, weights,
                                                         C * LANES, row[r] + depth - BEHIND));
            }
}

using MultiplyTile = void (*)(const factor* const*, const factor*, int64_t, Tile, Tile, const int*);

template <int C, int G, int... R>
constexpr std::array<MultiplyTile, sizeof...(R)> tiles_of(std::integer_sequence<int, R...>) {
    return {multiply_tile<R + 1, C, std::min(G, groups_at_once(R + 1))>...};
}

// The tiles by height, one group at a time and as many as there is room for.
template <int C, int G>
constexpr auto TILES = tiles_of<C, G>(std::make_integer_sequence<int, TALLEST>{});

inline void multiply_rows(int columns, const factor* const* rows, int height, const factor* panel,
                          int64_t depth, Tile from, Tile to, const int* column) {
    const int wide = groups_at_once(height);
    int done = 0;
    while (columns - done >= GROUP) {
        const int groups = columns - done >= wide * GROUP ? wide : columns - done >= 2 * GROUP && wide > 2 ? 2 : 1;
        const auto tile = groups == 4 ? TILES<GROUP, 4>[height - 1]
                        : groups == 2 ? TILES<GROUP, 2>[height - 1] : TILES<GROUP, 1>[height - 1];
        tile(rows, panel + done * depth * LANES, depth, from, to, column + done);
        done += groups * GROUP;
    }
    if (done < columns) TILES<1, 1>[height - 1](rows, panel + done * depth * LANES, depth, from, to, column + done);
}

template <int... TILE>
constexpr std::array<MultiplyTile, sizeof...(TILE)> wide_tiles_of(std::integer_sequence<int, TILE...>) {
    return {multiply_tile<TILE / WIDEST + 1, TILE % WIDEST + 1, 1>...};
}

}  // namespace

namespace shared {

void multiply_wide(int columns, const factor* const* rows, int count, const factor* panel, int64_t depth, Tile from,
                   Tile to, const int* column) {
#ifdef MATRIX_UNIT
    if (has_matrix_unit()) return multiply_by_unit(rows, count, {panel, depth, columns, columns}, from, to, column);
#endif
    static constexpr auto tiles = wide_tiles_of(std::make_integer_sequence<int, WIDE_ROWS * WIDEST>{});
    tiles[(count - 1) * WIDEST + columns - 1](rows, panel, depth, from, to, column);
}

void multiply(int columns, const factor* const* rows, int count, const factor* panel, int64_t depth, Tile from,
              Tile to, const int* column) {
#ifdef MATRIX_UNIT
    if (has_matrix_unit()) return multiply_by_unit(rows, count, {panel, depth, columns, GROUP}, from, to, column);
#endif
    const int tiles = (count + TALLEST - 1) / TALLEST;
    for (int k = 0, first = 0; k < tiles; ++k) {
        const int last = count * (k + 1) / tiles;
        multiply_rows(columns, rows + first, last - first, panel, depth, {from.at + first * from.step, from.step},
                      {to.at + first * to.step, to.step}, column);
        first = last;
    }
}

}  // namespace shared
