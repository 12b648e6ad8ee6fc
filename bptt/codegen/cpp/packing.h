// How weights come into the panels that products read: rows of factors as the lanes of vectors.
#pragma once

#include <algorithm>

#include "recurrence.h"

namespace {

template <class Shape>
struct Packing {
    int64_t size[Shape::LETTERS];
    const parameter* matrix[at_least_one(Shape::MATRICES)];
    factor *to, *transposed;
    int64_t* sizes;
    int64_t threads, rows;  // the only number of rows that will meet the weights, 0 if there may be others

    bool wide() const { return rows && rows <= WIDE_ROWS; }
};

// Weights fewer than these are packed sooner than a second thread starts.
constexpr int64_t FEW_WEIGHTS = int64_t{1} << 17;

// Packs the panels of a pass, each of COLUMNS vectors for `depth` factors in all, and returns their end.
template <int COLUMNS, class Pack>
factor* pack_panels(int64_t threads, int64_t width, int64_t depth, factor* to, const Pack& pack) {
    constexpr int64_t UNITS = COLUMNS * LANES;
    const int64_t panels = (width + UNITS - 1) / UNITS;
    in_parallel(width * depth < FEW_WEIGHTS ? 1 : threads, panels, [&](int64_t k) {
        pack(k * UNITS, vectors_left(width - k * UNITS, COLUMNS), to + k * UNITS * depth);
    });
    return to + padded(width) * depth;
}

}  // namespace

namespace shared {

// Packs rows `first`, ... of several matrices side by side, E = entries a vector: column u * E + e of the
// panel holds the rows first + u * LANES, ... of matrix e.
factor* pack_rows(const parameter* const* matrix, int entries, int vectors, int64_t first, int64_t width,
                  int64_t depth, bool wide, factor* to);

#ifndef INT8
// Packs columns `first`, ... of a matrix (depth, width).
factor* pack_columns(const parameter* matrix, int vectors, int64_t first, int64_t width, int64_t depth, factor* to);
#endif

// Several arrays of numbers, by their sizes in bytes and their addresses.
struct Arrays {
    int64_t count;
    const int64_t *bytes, *address;
};

// A number that changes with every bit of several arrays, with the order of their words and of the arrays. It is the
// same for any number of threads, which share the pieces.
uint64_t checksum_of(const Arrays& arrays, int64_t threads);

}  // namespace shared

#ifndef LINKED
#include "packing_lanes.h"
#endif
