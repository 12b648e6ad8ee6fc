// The sum of outer products of rows: how a matrix's gradient adds up over time and batch.
//
// Like the products, each sum runs over its terms in one order, whatever the number of threads.
#pragma once

#include <algorithm>

#include "product.h"

namespace {

// Terms that are summed in registers before memory is touched: a panel of as many rows stays in L1.
constexpr int TERMS = 128 * PER_FACTOR;
// Rows whose packed left sides lie together: those of a tile.
constexpr int TOGETHER = std::max(TALLEST, PER_TILE);

}  // namespace

namespace shared {

struct Matrix {
    real* data;
    int64_t columns;
};

// Rows [begin, end) of `to`, of whose columns `width` <= GROUP * LANES are in the packed right side.
void outer(const factor* left, int64_t left_step, const factor* right, int64_t depth, Matrix to, int64_t begin,
           int64_t end, int64_t width);

// The same with a left side that `pack_left` has packed.
void outer(const factor* left, const factor* right, int64_t depth, Matrix to, int64_t begin, int64_t end,
           int64_t width);

// The factors that the left sides of `width` rows m take up, packed for `depth` terms.
constexpr int64_t packed_left(int64_t width, int64_t depth) {
    return (width + TOGETHER - 1) / TOGETHER * TOGETHER * depth;
}

// Packs the left sides of `width` rows m as panels (depth, TOGETHER) one behind the other; for the matrix unit, a panel
// consists of tiles (TOGETHER, PER_TILE). Read where they are, a tile's would lie in a cache line of their own for each
// term, too far apart to be fetched ahead. `left` may be read for TOGETHER factors behind its width.
void pack_left(const factor* left, int64_t left_step, int64_t width, int64_t depth, factor* packed);

}  // namespace shared

#ifndef LINKED
#include "outer_tiles.h"
#endif
