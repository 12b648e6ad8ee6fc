// Rows of the batch times a packed matrix.
//
// Every sum runs over its terms one by one in the same order, whatever the number of rows or threads:
// a result is the same to the last bit however the work was divided.
#pragma once

#include <algorithm>

#include "factors.h"
#include "vector.h"

namespace {

// A panel is a part of a packed matrix: at most WIDEST vectors of its columns, in groups of GROUP that
// lie one behind the other, each (depth, GROUP, LANES) factors. Two columns are enough for tall tiles to
// run at the speed of multiplication, and leave registers for twelve rows, so that weights are read once.
constexpr int WIDEST = 8, GROUP = 2;
constexpr int TALLEST = std::min((REGISTERS - GROUP - 1) / GROUP, 12);

// A few rows wait for the weights. They come fastest in one stream: in a wide panel all columns are one
// group, (depth, columns, LANES). So many rows have room for their sums, and factors are asked for ahead.
constexpr int WIDE_ROWS = (REGISTERS - 2) / (WIDEST + 1), PREFETCH = 2048 / sizeof(factor);

}  // namespace

namespace shared {

// Where sums start from and go to: those of row r and column c are at `at + r * step + column[c] * LANES`.
struct Tile {
    real* at;
    int64_t step;
};

// to = from + rows x wide panel, for at most WIDE_ROWS rows.
void multiply_wide(int columns, const factor* const* rows, int count, const factor* panel, int64_t depth, Tile from,
                   Tile to, const int* column);

// to = from + rows x panel, for `count` rows in tiles of near-equal height.
void multiply(int columns, const factor* const* rows, int count, const factor* panel, int64_t depth, Tile from,
              Tile to, const int* column);

}  // namespace shared

using namespace shared;

#ifndef LINKED
#include "product_tiles.h"
#endif
