// The products of rows and panels by the matrix unit.
#pragma once

#include <type_traits>

#include "matrix_unit.h"
#include "product.h"

namespace {

// A packed panel: its columns are divided into groups of `size` vectors, and each group is stored as an array
// (depth, size, LANES).
struct Groups {
    const factor* panel;
    int64_t depth;
    int columns, size;

    int64_t first_of_group(int column) const { return column / size * size; }
    const factor* at(int column) const {
        return panel + (first_of_group(column) * depth + column % size) * LANES;
    }
    int64_t step(int column) const { return std::min<int64_t>(size, columns - first_of_group(column)) * LANES; }
};

// to = from + rows x N columns of a panel, the first `high` rows in one tile.
template <int M, int N>
void multiply_columns(const factor* const* rows, int high, int64_t row, const Groups& groups, int done, Tile from,
                      Tile to, const int* column) {
    constexpr int64_t BYTES = sizeof(factor);
    const int64_t step = groups.step(done) * BYTES;
    const Side left{{bytes(rows[0]), bytes(rows[M == 2 ? high : 0])}, row * BYTES, PER_TILE * BYTES};
    Side right{{}, step, PER_TILE * step};
    for (int n = 0; n < N; ++n) right.at[n] = bytes(groups.at(done + n));
    const Places starts = places<N>(from.at, from.step, high, column), ends = places<N>(to.at, to.step, high, column);
    multiply_tiles<M, N>(left, right, groups.depth, starts, ends);
}

// to = from + rows x panel. The rows are as far from each other as the first two.
inline void multiply_by_unit(const factor* const* rows, int count, const Groups& groups, Tile from, Tile to,
                             const int* column) {
    constexpr int MOST = 2 * PER_TILE;
    for (; count > MOST; rows += MOST, count -= MOST, from.at += MOST * from.step, to.at += MOST * to.step)
        multiply_by_unit(rows, MOST, groups, from, to, column);
    const int low = count > PER_TILE ? count / 2 : 0, high = count - low;
    const int64_t row = count > 1 ? rows[1] - rows[0] : 0;
    Tiles tiles(LANES);
    tiles.shape(high, low);
    int done = 0;
    // Direct calls: GCC 12 miscompiles a choice among pointers to these functions.
    const auto multiply = [&](auto m, auto n) {
        multiply_columns<m, n>(rows, high, row, groups, done, from, to, column + done);
        done += n;
    };
    constexpr std::integral_constant<int, 1> one;
    constexpr std::integral_constant<int, 2> two;
    constexpr std::integral_constant<int, 4> four;
    while (done < groups.columns) {
        const int rest = groups.columns - done;
        if (low) rest > 1 ? multiply(two, two) : multiply(two, one);
        else rest > 3 ? multiply(one, four) : rest > 1 ? multiply(one, two) : multiply(one, one);
    }
}

}  // namespace
