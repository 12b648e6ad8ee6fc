// The cross-entropy of a linear layer whose outputs, the logits, are never all there: the losses and
// their gradients, one chunk of rows after the other.
//
// The logits of a chunk are held transposed: a line for each class, a lane for each row. Products read
// the weights row by row as they stand in memory, and a sum over the classes needs no sum over lanes. The
// lines turn in place from logits into exponentials into gradients of the logits. Each sum runs in one
// order, whatever the number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "functions.h"
#include "memory.h"
#include "outer.h"
#include "product.h"

namespace {

// Rows of the batch that are packed side by side, and classes that are computed with together: whole
// tiles of every height, whose weights stay in L2 from one panel to the next.
constexpr int64_t PANEL = GROUP * LANES, BLOCK = 96;
static_assert(BLOCK % TALLEST == 0 && BLOCK % PANEL == 0);
// The logits of a chunk stay in cache, but it has rows enough for the weights to be worth reading.
constexpr int64_t CHUNK_LOGITS = int64_t{1} << 20, FEWEST = BLOCK, MOST = 10 * BLOCK;
// A thread is worth so many multiplications, and gets its work in so many pieces: others may be faster.
constexpr int64_t WORTHWHILE = int64_t{1} << 20, PIECES = 16;

enum Outcome : int64_t { DONE = -1, NO_MEMORY = -2 };

// What the kernel is called with: numbers and addresses, 64 bits each, in this order.
struct Call {
    int64_t rows, width, classes, threads, ignored, mean;
    const real *input, *weight, *bias;  // (rows, width), (classes, width), (classes,) or null
    const int64_t* target;              // (rows,)
    const real* loss_gradient;          // (rows,), or null: that of the mean, or of the sum
    real *losses, *loss;                // (rows,) of zeros, and their mean or sum
    real *input_gradient;               // of zeros, or null if it is not wanted
    real *weight_gradient, *bias_gradient;  // or null
    int64_t* outcome;                   // a row with an impossible target, or an Outcome

    bool backward() const { return input_gradient || weight_gradient || bias_gradient; }
};

// Of so many columns, how many there are in a packed group, and in the vector that begins at `first`.
constexpr int64_t packed(int64_t columns) { return columns > LANES ? PANEL : LANES; }
constexpr int lanes_from(int64_t first, int64_t columns) {
    return static_cast<int>(std::clamp<int64_t>(columns - first, 0, LANES));
}

// The computation for the rows that are not ignored; nothing of the others is read, there may be NaN.
class LinearLoss {
public:
    LinearLoss(const Call& call, const std::vector<int64_t>& rows)
        : call_(call), rows_(rows),
          blocks_(divide_up(call.classes, BLOCK)), groups_(divide_up(call.width, PANEL)),
          most_(std::min<int64_t>(std::clamp(CHUNK_LOGITS / call.classes / BLOCK * BLOCK, FEWEST, MOST),
                                  divide_up(rows.size(), PANEL) * PANEL)),
          // A power of two would put all lines into the same few places of the cache.
          step_(most_ + LANES), backward_(call.backward()),
          memory_(allocate({{columns_, most_ * call.width},
                            {terms_, call.weight_gradient ? most_ * groups_ * PANEL : 0},
                            {lines_, backward_ ? call.classes * step_ : 0},
                            {greatest_, blocks_ * step_},
                            {sum_, blocks_ * step_},
                            {hit_, step_},
                            {loss_gradient_, step_},
                            {gradient_, call.input_gradient ? most_ * call.width : 0}})) {}

    void run() {
        const int64_t count = rows_.size();
        const int64_t worth = count * call_.width * call_.classes / WORTHWHILE;
        threads_ = static_cast<int>(std::clamp<int64_t>(worth, 1, call_.threads));
#pragma omp parallel num_threads(threads_)
        {
            const FlushDenormals flush;
            int64_t first = 0;
            do {
                compute({rows_.data() + first, std::min(most_, count - first), first == 0});
                first += most_;
            } while (first < count);
        }
    }

private:
    struct Chunk {
        const int64_t* row;  // of the batch, for each row of the chunk
        int64_t count;
        bool first;
    };

    // All threads go through this together; they meet at the end of each loop, except where it says nowait.
    void compute(const Chunk& chunk) {
        const int64_t panels = divide_up(chunk.count, PANEL), slices = divide_up(chunk.count, BLOCK);
        const int64_t squares = blocks_ * panels, parts = call_.weight_gradient ? blocks_ * groups_ : 0;
        const int64_t square_grain = grain(squares), part_grain = grain(parts);
#pragma omp for nowait
        for (int64_t panel = 0; panel < panels; ++panel) pack_columns(chunk, panel * PANEL);
        if (call_.weight_gradient) {
#pragma omp for nowait
            for (int64_t group = 0; group < groups_; ++group) pack_terms(chunk, group * PANEL);
        }
#pragma omp barrier
#pragma omp for schedule(dynamic, square_grain)
        for (int64_t k = 0; k < squares; ++k) exponentials(chunk, k / panels, k % panels * PANEL);
#pragma omp for
        for (int64_t first = 0; first < chunk.count; first += LANES) normalise(chunk, first);
        if (!backward_) return;
#pragma omp for
        for (int64_t block = 0; block < blocks_; ++block) logit_gradients(chunk, block);
#pragma omp for schedule(dynamic, part_grain) nowait
        for (int64_t k = 0; k < parts; ++k) weight_gradients(chunk, k / groups_, k % groups_ * PANEL);
        if (call_.input_gradient) {
#pragma omp for schedule(dynamic) nowait
            for (int64_t k = 0; k < slices * groups_; ++k)
                input_gradients(chunk, k % slices * BLOCK, k / slices * PANEL);
        }
#pragma omp barrier
    }

    int64_t grain(int64_t pieces) const { return std::max<int64_t>(1, pieces / (PIECES * threads_)); }
    int64_t classes_in(int64_t block) const { return std::min(BLOCK, call_.classes - block * BLOCK); }

    static void product(const real* const* rows, int64_t count, const real* panel, int64_t width,
                        int64_t depth, Tile to) {
        alignas(64) static constexpr real zeros[PANEL]{};
        static constexpr int column[] = {0, 1};
        static_assert(GROUP == 2);
        multiply(static_cast<int>(width / LANES), rows, static_cast<int>(count), panel, depth,
                 {const_cast<real*>(zeros), 0}, to, column);
    }

    // The input of a panel of rows as the columns of a packed matrix.
    void pack_columns(const Chunk& chunk, int64_t first) {
        const int64_t count = std::min(PANEL, chunk.count - first), width = packed(count);
        real* to = columns_ + first * call_.width;
        for (int64_t lane = 0; lane < width; ++lane) {
            const real* from = lane < count ? call_.input + chunk.row[first + lane] * call_.width : nullptr;
            for (int64_t d = 0; d < call_.width; ++d) to[d * width + lane] = from ? from[d] : 0;
        }
    }

    // A group of columns of the input, with its rows as the terms that are summed over.
    void pack_terms(const Chunk& chunk, int64_t first) {
        const int64_t columns = std::min(PANEL, call_.width - first), width = packed(columns);
        real* to = terms_ + first * most_;
        for (int64_t r = 0; r < chunk.count; ++r, to += width) {
            const real* from = call_.input + chunk.row[r] * call_.width + first;
            for (int64_t c = 0; c < width; c += LANES) store(to + c, load(from + c, lanes_from(c, columns)));
        }
    }

    // The logits of a block of classes for a panel of rows, and of these what softmax is made of.
    void exponentials(const Chunk& chunk, int64_t block, int64_t first) {
        const int64_t begin = block * BLOCK, classes = classes_in(block);
        const int64_t count = std::min(PANEL, chunk.count - first), width = packed(count);
        const real *weights[BLOCK], *bias = call_.bias ? call_.bias + begin : nullptr;
        for (int64_t v = 0; v < classes; ++v) weights[v] = call_.weight + (begin + v) * call_.width;
        alignas(64) real own[BLOCK * PANEL];
        const Tile to = backward_ ? Tile{lines_ + begin * step_ + first, step_} : Tile{own, PANEL};
        product(weights, classes, columns_ + first * call_.width, width, call_.width, to);
        for (int64_t r = 0; r < count; ++r) {
            const int64_t v = call_.target[chunk.row[first + r]] - begin;
            if (v >= 0 && v < classes) hit_[first + r] = to.at[v * to.step + r] + (bias ? bias[v] : 0);
        }
        for (int64_t c = 0; c < width; c += LANES) {
            const int64_t place = block * step_ + first + c;
            exponentials({to.at + c, to.step}, bias, classes, greatest_ + place, sum_ + place);
        }
    }

    // One vector of rows: the greatest logit, exp(logit - greatest) in place of the logits, and their sum.
    static void exponentials(Tile lines, const real* bias, int64_t classes, real* greatest, real* sum) {
        const auto logit = [&](int64_t v) { return load(lines.at + v * lines.step) + (bias ? bias[v] : 0); };
        // Finite, for a class may be ruled out by -∞, and -∞ less -∞ is NaN.
        Vector most = broadcast(std::numeric_limits<real>::lowest()), total{};
        for (int64_t v = 0; v < classes; ++v) most = select(logit(v) > most, logit(v), most);
        for (int64_t v = 0; v < classes; ++v) {
            const Vector exponential = function::exp(logit(v) - most);
            store(lines.at + v * lines.step, exponential);
            total += exponential;
        }
        store(greatest, most);
        store(sum, total);
    }

    // One vector of rows: their losses, and instead of the greatest logit of each block the factor that
    // turns its exponentials into softmax times the gradient of the loss.
    void normalise(const Chunk& chunk, int64_t first) {
        Vector most = broadcast(std::numeric_limits<real>::lowest()), scale{};
        for (int64_t b = 0; b < blocks_; ++b) {
            const Vector greatest = load(greatest_ + b * step_ + first);
            most = select(greatest > most, greatest, most);
        }
        double total[LANES]{};
        for (int64_t b = 0; b < blocks_; ++b) {
            real* at = greatest_ + b * step_ + first;
            const Vector factor = function::exp(load(at) - most);
            const Vector sum = factor * load(sum_ + b * step_ + first);
            store(at, factor);
            for (int k = 0; k < LANES; ++k) total[k] += sum[k];
        }
        for (int k = 0; k < lanes_from(first, chunk.count); ++k) {
            const int64_t n = chunk.row[first + k];
            const double hit = hit_[first + k], mean = 1.0 / static_cast<double>(rows_.size());
            call_.losses[n] = static_cast<real>(std::log(total[k]) - (hit - most[k]));
            const double gradient = call_.loss_gradient ? call_.loss_gradient[n] : call_.mean ? mean : 1.0;
            loss_gradient_[first + k] = static_cast<real>(gradient);
            scale[k] = static_cast<real>(gradient / total[k]);
        }
        for (int64_t b = 0; b < blocks_; ++b) {
            real* at = greatest_ + b * step_ + first;
            store(at, load(at) * scale);
        }
    }

    // The gradients of the logits of a block of classes, and their sums, which are those of the bias.
    void logit_gradients(const Chunk& chunk, int64_t block) {
        const int64_t begin = block * BLOCK, classes = classes_in(block);
        const real* factor = greatest_ + block * step_;
        real* lines = lines_ + begin * step_;
        for (real* line = lines; line < lines + classes * step_; line += step_)
            for (int64_t c = 0; c < chunk.count; c += LANES)
                store(line + c, load(line + c) * load(factor + c));
        for (int64_t r = 0; r < chunk.count; ++r) {
            const int64_t v = call_.target[chunk.row[r]] - begin;
            if (v >= 0 && v < classes) lines[v * step_ + r] -= loss_gradient_[r];
        }
        if (!call_.bias_gradient) return;
        for (int64_t v = 0; v < classes; ++v) {
            Vector sum{};
            for (int64_t c = 0; c < chunk.count; c += LANES)
                sum += load(lines + v * step_ + c, lanes_from(c, chunk.count));
            real& to = call_.bias_gradient[begin + v];
            to = (chunk.first ? 0 : to) + sum_of_lanes(sum);
        }
    }

    // What the chunk adds to the gradients of the weights of a block of classes, in one group of columns.
    void weight_gradients(const Chunk& chunk, int64_t block, int64_t first) {
        const int64_t begin = block * BLOCK, classes = classes_in(block);
        const int64_t columns = std::min(PANEL, call_.width - first), width = packed(columns);
        alignas(64) real sums[BLOCK * PANEL];
        int64_t r = 0;
        // Once also for no rows: all may be ignored.
        do {
            const real* lines[BLOCK];
            for (int64_t v = 0; v < classes; ++v) lines[v] = lines_ + (begin + v) * step_ + r;
            product(lines, classes, terms_ + first * most_ + r * width, width,
                    std::min<int64_t>(TERMS, chunk.count - r), {sums, PANEL});
            for (int64_t v = 0; v < classes; ++v)
                for (int64_t c = 0; c < columns; c += LANES) {
                    real* to = call_.weight_gradient + (begin + v) * call_.width + first + c;
                    const int lanes = lanes_from(c, columns);
                    const Vector sum = load(sums + v * PANEL + c);
                    store(to, chunk.first && r == 0 ? sum : load(to, lanes) + sum, lanes);
                }
            r += TERMS;
        } while (r < chunk.count);
    }

    // The gradients of the input of at most BLOCK rows of the chunk, in one group of columns.
    void input_gradients(const Chunk& chunk, int64_t begin, int64_t first) {
        const int64_t end = std::min(begin + BLOCK, chunk.count);
        const int64_t columns = std::min(PANEL, call_.width - first);
        const Matrix to{gradient_ + first, call_.width};
        for (int64_t r = begin; r < end; ++r) std::fill_n(to.data + r * to.columns, columns, real{0});
        alignas(64) real weights[TERMS * PANEL];
        for (int64_t v = 0; v < call_.classes; v += TERMS) {
            const int64_t terms = std::min<int64_t>(TERMS, call_.classes - v);
            for (int64_t k = 0; k < terms; ++k)
                pack_term(call_.weight + (v + k) * call_.width + first, columns, weights + k * PANEL);
            outer(lines_ + v * step_, step_, weights, terms, to, begin, end, columns);
        }
        for (int64_t r = begin; r < end; ++r) {
            real* row = call_.input_gradient + chunk.row[r] * call_.width;
            std::copy_n(to.data + r * to.columns, columns, row + first);
        }
    }

    const Call& call_;
    const std::vector<int64_t>& rows_;
    int64_t blocks_, groups_, most_, step_;
    bool backward_;
    int threads_ = 1;
    real *columns_, *terms_;   // the input of a chunk, packed for the logits and for the weights' gradient
    real* lines_;              // (classes, step_)
    real *greatest_, *sum_;    // (blocks_, step_)
    real* hit_;                // (step_,), the logits of the targets
    real* loss_gradient_;      // (step_,)
    real* gradient_;           // (most_, width), of the input
    Memory memory_;
};

inline int64_t linear_loss(const Call& call) {
    std::vector<int64_t> rows;
    for (int64_t n = 0; n < call.rows; ++n) {
        if (call.target[n] == call.ignored) continue;
        if (call.target[n] < 0 || call.target[n] >= call.classes) return n;
        rows.push_back(n);
    }
    LinearLoss(call, rows).run();
    double total = 0;
    for (const int64_t n : rows) total += call.losses[n];
    *call.loss = static_cast<real>(call.mean ? total / static_cast<double>(rows.size()) : total);
    return DONE;
}

}  // namespace
