// Where the values of sequences are, and what kernels are called with.
#pragma once

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "functions.h"
#include "product.h"
#include "vector.h"

namespace {

// The most rows that go through time together. Their sums for one panel fit into L1.
constexpr int BLOCK = 32;
// Rows that a thread needs for its products with the input to be fast step by step.
constexpr int FEW = 4;
// The most rows that wait for weights more than for arithmetic, and in training, where each thread has products of its
// own between the steps: from three rows on they are worth more than weights that are read once.
constexpr int FEW_ROWS = 8, FEW_TRAINED = 2;
// Bytes of gradients of the sums (δ) of one chunk of steps: what the caches of a processor hold.
constexpr int64_t CHUNK = int64_t{4} << 20;

// Bytes of kept values that are more than the caches of a processor hold until the backward pass reads them.
#ifndef STREAMED
#define STREAMED (int64_t{12} << 20)
#endif

constexpr int64_t at_least_one(int64_t count) { return count ? count : 1; }

// A sequence (T, B, width) in memory; `origin` is its first time step, `ring` the number of steps that
// it has room for, if it does not keep them all.
struct Sequence {
    real* data;
    int64_t step, row, origin, ring;

    real* at(int64_t t) const { return data + (ring ? t % ring : t - origin) * step; }
};

}  // namespace

namespace shared {

// Which rows are inside their sequence at which step. Rows are ranked by length, the longest first, so
// that the live ones are always the first; the slot of (t, rank) counts the live steps before it. A length
// beyond the steps that there are counts as all or none of them.
struct Rows {
    std::vector<int64_t> order, live, start;

    Rows(const int64_t* lengths, int64_t steps, int64_t batch);
};

// The blocks of `threads` threads: block k belongs to thread k % threads. With lengths the rows are dealt
// out back and forth, so that every block has long and short ones.
struct Blocks {
    int64_t count;
    std::vector<std::vector<int64_t>> ranks;

    Blocks(int64_t batch, int64_t threads, bool ragged);
};

}  // namespace shared

#ifndef LINKED
#include "row_order.h"
#endif

namespace {

// The rows of a block, and where everything that has a name is for each of them at the current step.
template <class Shape>
struct Block {
    int count = 0, live = 0;
    bool wide = false;     // whether the panels are
    bool streams = false;  // whether kept values go past the caches
    int64_t rank[BLOCK], row[BLOCK];
    real* at[Shape::SLOTS][BLOCK];
    const real* ahead[BLOCK];
    alignas(64) real tile[BLOCK * WIDEST * LANES];
    Vector partial[at_least_one(Shape::ROW_SUMS)][BLOCK];
    std::unique_ptr<real[]> scratch;
    Operand operand[at_least_one(Shape::OPERANDS)];

    // Makes this a block for another thread that works on the same rows.
    void share_memory_of(const Block& other) {
        count = other.count;
        std::copy_n(other.rank, BLOCK, rank);
        std::copy_n(other.row, BLOCK, row);
        std::copy_n(other.at[0], Shape::SLOTS * BLOCK, at[0]);
    }
};

// Memory for values of a row that one pass over the units leaves to a later one.
template <class Shape>
void lay_out_scratch(Block<Shape>& block, const int64_t* size, const int* widths, int count) {
    const auto padded = [&](int k) { return (size[widths[k]] + LANES - 1) / LANES * LANES; };
    int64_t all = 0;
    for (int k = 0; k < count; ++k) all += padded(k) * block.count;
    if (all) block.scratch.reset(new real[all]);
    real* at = block.scratch.get();
    for (int k = 0; k < count; ++k)
        for (int r = 0; r < block.count; ++r, at += padded(k)) block.at[Shape::SCRATCH_AT + k][r] = at;
}

// What a kernel is called with: numbers and addresses, 64 bits each, in this order.
template <class Shape>
struct Arguments {
    static constexpr int STATES = at_least_one(Shape::STATES), VECTORS = at_least_one(Shape::VECTORS);

    int64_t steps, batch, threads, reverse;
    const int64_t* lengths;              // (B,) or null
    int64_t size[Shape::LETTERS];        // by letter; the first is 1
    const real* x;                       // (T, B, I)
    int64_t x_step, x_row;
    const real* initial[STATES];         // (B, width) each
    real* state[STATES];                 // (T, B, width), or a ring of steps
    int64_t ring[STATES];
    real* output;                        // (T, B, width) if the output is no state
    real* kept;                          // (T, B, widths of all kept values), or null
    real* final[STATES];                 // (B, width) each
    const factor* weights;               // packed
    const real* vector[VECTORS];         // (width,) each
    int64_t every;                       // how many steps apart states are stored; 0: none is
    real* stored[STATES];                // (T / every, B, width) each: the state before steps 0, every, ...
    const uint8_t* restarts;             // (T, B): whether a row starts anew before a step, or null
    const real* restart[STATES];         // (B, width) each: the state that it then starts from

    bool few_rows() const { return batch <= (kept ? FEW_TRAINED : FEW_ROWS); }
    // Which rows start anew before step t, or null.
    const uint8_t* restarts_at(int64_t t) const { return restarts ? restarts + t * batch : nullptr; }
};

template <class Shape>
struct BackwardArguments : Arguments<Shape> {
    static constexpr int STATES = at_least_one(Shape::STATES), LOSSES = Shape::STATES + Shape::OUTPUTS;

    const factor* transposed;            // packed
    const real* loss[at_least_one(LOSSES)];   // (T, B, width) each, or null: of the states, then of the output
    int64_t loss_step[at_least_one(LOSSES)], loss_row[at_least_one(LOSSES)];
    const real* last[STATES];            // (B, width): of the final states, or null
    real* first[STATES];                 // (B, width): the gradients of the initial states
    real* input;                         // (T, B, I), or null
    real* matrix[at_least_one(Shape::MATRICES)];      // the gradients of the parameters, or null
    real* vector_gradient[at_least_one(Shape::VECTORS)];
    double* norms;                       // (T, B, DELTAS + STATES), zero at first, or null
    int64_t shared;                      // whether all rows have the inputs, states and kept values of one
};

template <class Shape>
int64_t total(const int64_t* size, const int* widths, int count) {
    int64_t sum = 0;
    for (int k = 0; k < count; ++k) sum += size[widths[k]];
    return sum;
}

// A row of δ, with a margin that keeps neighbouring rows out of the same cache set.
template <class Shape>
int64_t delta_row(const int64_t* size) {
    return (total<Shape>(size, Shape::DELTA_WIDTH, Shape::DELTAS) + 2 * LANES - 1) / LANES * LANES;
}

// What the passes of a cell are made of.

INLINE int64_t padded(int64_t width) { return (width + LANES - 1) / LANES * LANES; }
INLINE int lanes_left(int64_t width) { return static_cast<int>(std::min<int64_t>(LANES, width)); }
INLINE int vectors_left(int64_t width, int most) {
    return static_cast<int>(std::min<int64_t>(most, (width + LANES - 1) / LANES));
}
INLINE Vector inside(Vector value, int lanes) { return select(lanes_below(lanes), value, Vector{}); }
INLINE void keep(real* to, Vector value, int lanes, bool streams) {
    if (streams && lanes == LANES) stream(to, value);
    else store(to, value, lanes);
}
INLINE void add_to(real* at, Vector value, int lanes) { store(at, load(at, lanes) + value, lanes); }

INLINE void fill(Tile to, int rows, int column, Vector value) {
    for (int r = 0; r < rows; ++r) store(to.at + r * to.step + column * LANES, value);
}
INLINE void clear(Tile to, int rows, int columns) {
    for (int c = 0; c < columns; ++c) fill(to, rows, c, Vector{});
}

template <class Shape>
INLINE void copy_ahead(Block<Shape>& block, int64_t before, int columns) {
    for (int r = 0; r < block.live; ++r)
        std::copy_n(block.ahead[r] + before, columns * LANES, block.tile + r * WIDEST * LANES);
}

// The product with the next panel, added to those columns of the tile. Returns the panel after it.
template <int... COLUMN>
INLINE const factor* multiply_panel(int columns, const factor* const* rows, int count, const factor* panel,
                                    int64_t depth, Tile tile, bool wide = false) {
    static constexpr int column[] = {COLUMN...};
    (wide ? multiply_wide : multiply)(columns, rows, count, panel, depth, tile, tile, column);
    return panel + columns * depth * LANES;
}

template <class Shape>
void point_kept(Block<Shape>& block, const Sequence& kept, const int64_t* size, int64_t t) {
    real* now = kept.at(t);
    for (int k = 0; k < Shape::KEPT; now += size[Shape::KEPT_WIDTH[k++]])
        for (int r = 0; r < block.live; ++r) block.at[Shape::KEPT_AT + k][r] = now + block.row[r] * kept.row;
}

}  // namespace
