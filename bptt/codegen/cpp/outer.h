// The sum of outer products of rows: how a matrix's gradient adds up over time and batch.
//
// Like the products, each sum runs over its terms in one order, whatever the number of threads.
#pragma once

#include <algorithm>

#include "product.h"

namespace {

// Terms that are summed in registers before memory is touched: a panel of as many rows stays in L1.
constexpr int TERMS = 128 * PER_FACTOR;

}  // namespace

namespace shared {

struct Matrix {
    real* data;
    int64_t columns;
};

// Rows [begin, end) of `to`, of whose columns `width` <= GROUP * LANES are in the packed right side.
void outer(const factor* left, int64_t left_step, const factor* right, int64_t depth, Matrix to, int64_t begin,
           int64_t end, int64_t width);

}  // namespace shared

#ifndef LINKED
#include "outer_tiles.h"
#endif
