// The cross-entropy of a linear layer whose outputs, the logits, are never all there: the losses and
// their gradients, one chunk of rows after the other.
//
// The logits of a chunk are held transposed: a line for each class, a lane for each row. Products read
// the weights row by row as they stand in memory, and a sum over the classes needs no sum over lanes. What
// is kept of a line are exponentials, which turn in place into gradients of the logits. Each sum runs in
// one order, whatever the number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "functions.h"
#include "memory.h"
#include "outer.h"
#include "panel.h"

namespace {

// At most so many classes are computed together, in whole tiles of every height: their weights stay in L2
// from one panel of rows to the next.
constexpr int64_t BLOCK = 96;
static_assert(BLOCK % TALLEST == 0 && BLOCK % PANEL == 0);
// The logits of a chunk stay in cache, but it has rows enough for the weights to be worth reading. So many
// of its rows are summed in registers before memory is touched.
constexpr int64_t CHUNK_LOGITS = int64_t{3} << 20, FEWEST = BLOCK, MOST = 10 * BLOCK, SEGMENT = 2 * BLOCK;
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
};

// The computation for the rows that are not ignored; nothing of the others is read, there may be NaN.
class LinearLoss {
public:
    LinearLoss(const Call& call, const std::vector<int64_t>& rows)
        : call_(call), rows_(rows),
          block_(std::min(BLOCK, divide_up(call.classes, PIECES * TALLEST) * TALLEST)),
          blocks_(divide_up(call.classes, block_)), groups_(divide_up(call.width, PANEL)),
          most_(std::min<int64_t>(std::clamp(CHUNK_LOGITS / call.classes / BLOCK * BLOCK, FEWEST, MOST),
                                  divide_up(rows.size(), PANEL) * PANEL)),
          // A power of two would put all lines into the same few places of the cache.
          step_(most_ + LANES),
          backward_(call.input_gradient || call.weight_gradient || call.bias_gradient),
          memory_(allocate({{columns_, most_ * call.width},
                            {terms_, call.weight_gradient ? most_ * groups_ * PANEL : 0},
                            {lines_, backward_ ? call.classes * step_ : 0},
                            {greatest_, blocks_ * step_},
                            {sum_, blocks_ * step_},
                            {hit_, step_},
                            {gradient_, call.input_gradient ? most_ * call.width : 0}})) {}

    void run() {
        const int64_t worth = rows_.size() * call_.width * call_.classes / WORTHWHILE;
        threads_ = static_cast<int>(std::clamp<int64_t>(worth, 1, call_.threads));
#pragma omp parallel num_threads(threads_)
        {
            const FlushDenormals flush;
            Chunk chunk = chunk_at(0);
            pack(chunk);
#pragma omp barrier
            // Once also for no rows: all may be ignored.
            do {
                const Chunk next = chunk_at(chunk.number + 1);
                compute(chunk, next);
                chunk = next;
            } while (chunk.count > 0);
        }
    }

private:
    struct Chunk {
        int64_t number, count;
        const int64_t* row;  // of the batch, for each row of the chunk
    };

    // Of each row of a chunk; `scale` is the gradient over the sum of all exp(logit - greatest).
    struct Softmax {
        alignas(64) real greatest[MOST], loss[MOST], gradient[MOST], scale[MOST];
    };

    Chunk chunk_at(int64_t number) const {
        const int64_t first = number * most_, count = rows_.size();
        return {number, std::clamp<int64_t>(count - first, 0, most_), rows_.data() + std::min(first, count)};
    }

    // All threads go through this together. To meet the others costs much where these have other work too:
    // they do at the end of each loop without nowait, and at the end.
    void compute(const Chunk& chunk, const Chunk& next) {
        const int64_t panels = divide_up(chunk.count, PANEL), slices = divide_up(chunk.count, BLOCK);
        const int64_t squares = blocks_ * panels, square_grain = grain(squares), block_grain = grain(blocks_);
        // Together, groups of columns read the lines from nearby; alone, there is work for all threads.
        const int64_t together = std::max<int64_t>(1, slices * groups_ / (2 * threads_)) * PANEL;
        const int64_t parts = call_.input_gradient ? slices * divide_up(call_.width, together) : 0;
#pragma omp for schedule(dynamic, square_grain)
        for (int64_t k = 0; k < squares; ++k) exponentials(chunk, k / panels, k % panels * PANEL);
        Softmax softmax;
        for (int64_t first = 0; first < chunk.count; first += LANES) normalise(chunk, first, softmax);
#pragma omp master
        for (int64_t r = 0; r < chunk.count; ++r) call_.losses[chunk.row[r]] = softmax.loss[r];
        if (backward_) {
#pragma omp for schedule(dynamic, block_grain)
            for (int64_t block = 0; block < blocks_; ++block) {
                logit_gradients(chunk, block, softmax);
                if (call_.weight_gradient) weight_gradients(chunk, block);
            }
#pragma omp for schedule(dynamic) nowait
            for (int64_t k = 0; k < parts; ++k) {
                const int64_t low = k / slices * together;
                input_gradients(chunk, k % slices * BLOCK, low, std::min(call_.width, low + together));
            }
        }
        pack(next);
#pragma omp barrier
    }

    int64_t grain(int64_t pieces) const { return std::max<int64_t>(1, pieces / (PIECES * threads_)); }
    int64_t classes_in(int64_t block) const { return std::min(block_, call_.classes - block * block_); }

    void pack(const Chunk& chunk) {
        const int64_t width = call_.width;
#pragma omp for nowait
        for (int64_t first = 0; first < chunk.count; first += PANEL)
            pack_columns(call_.input, width, chunk.row + first, std::min(PANEL, chunk.count - first),
                         columns_ + first * width);
        if (!call_.weight_gradient) return;
#pragma omp for nowait
        for (int64_t first = 0; first < width; first += PANEL)
            pack_terms(call_.input + first, width, chunk.row, chunk.count, std::min(PANEL, width - first),
                       terms_ + first * most_);
    }

    // The logits of a block of classes for a panel of rows, and of these what softmax is made of.
    void exponentials(const Chunk& chunk, int64_t block, int64_t first) {
        const int64_t begin = block * block_, classes = classes_in(block);
        const int64_t count = std::min(PANEL, chunk.count - first), width = packed(count);
        const real *weights[BLOCK], *bias = call_.bias ? call_.bias + begin : nullptr;
        for (int64_t v = 0; v < classes; ++v) weights[v] = call_.weight + (begin + v) * call_.width;
        alignas(64) real logits[BLOCK * PANEL];
        product(weights, classes, columns_ + first * call_.width, count, call_.width, {logits, PANEL});
        for (int64_t r = 0; r < count; ++r) {
            const int64_t v = call_.target[chunk.row[first + r]] - begin;
            if (v >= 0 && v < classes) hit_[first + r] = logits[v * PANEL + r] + (bias ? bias[v] : 0);
        }
        const Tile to = backward_ ? Tile{lines_ + begin * step_ + first, step_} : Tile{logits, PANEL};
        for (int64_t c = 0; c < width; c += LANES) {
            const int64_t place = block * step_ + first + c;
            exponentials(logits + c, bias, classes, {to.at + c, to.step}, greatest_ + place, sum_ + place);
        }
    }

    // One vector of rows: the greatest logit, exp(logit - greatest), and their sum.
    static void exponentials(const real* logits, const real* bias, int64_t classes, Tile to, real* greatest,
                             real* sum) {
        const auto logit = [&](int64_t v) { return load(logits + v * PANEL) + (bias ? bias[v] : 0); };
        // Finite, for a class may be ruled out by -∞, and -∞ less -∞ is NaN.
        Vector most = broadcast(std::numeric_limits<real>::lowest()), total{};
        for (int64_t v = 0; v < classes; ++v) most = select(logit(v) > most, logit(v), most);
        for (int64_t v = 0; v < classes; ++v) {
            const Vector exponential = function::exp(logit(v) - most);
            store(to.at + v * to.step, exponential);
            total += exponential;
        }
        store(greatest, most);
        store(sum, total);
    }

    // One vector of rows, from the exponentials of all blocks.
    void normalise(const Chunk& chunk, int64_t first, Softmax& softmax) {
        Vector most = broadcast(std::numeric_limits<real>::lowest());
        for (int64_t b = 0; b < blocks_; ++b) {
            const Vector greatest = load(greatest_ + b * step_ + first);
            most = select(greatest > most, greatest, most);
        }
        store(softmax.greatest + first, most);
        double total[LANES]{};
        for (int64_t b = 0; b < blocks_; ++b) {
            const int64_t place = b * step_ + first;
            const Vector sum = load(sum_ + place) * function::exp(load(greatest_ + place) - most);
            for (int k = 0; k < LANES; ++k) total[k] += sum[k];
        }
        const real equal = call_.mean ? real{1} / static_cast<real>(rows_.size()) : 1;
        store(softmax.scale + first, Vector{});
        for (int k = 0; k < lanes_from(first, chunk.count); ++k) {
            const int64_t r = first + k;
            softmax.loss[r] = static_cast<real>(std::log(total[k]) - (double{hit_[r]} - most[k]));
            softmax.gradient[r] = call_.loss_gradient ? call_.loss_gradient[chunk.row[r]] : equal;
            softmax.scale[r] = static_cast<real>(softmax.gradient[r] / total[k]);
        }
    }

    // The gradients of the logits of a block of classes, and their sums, which are those of the bias.
    void logit_gradients(const Chunk& chunk, int64_t block, const Softmax& softmax) {
        const int64_t begin = block * block_, classes = classes_in(block);
        real* lines = lines_ + begin * step_;
        for (int64_t c = 0; c < chunk.count; c += LANES) {
            const Vector less = load(greatest_ + block * step_ + c) - load(softmax.greatest + c);
            const Vector factor = function::exp(less) * load(softmax.scale + c);
            for (int64_t v = 0; v < classes; ++v) {
                real* line = lines + v * step_ + c;
                store(line, load(line) * factor);
            }
        }
        for (int64_t r = 0; r < chunk.count; ++r) {
            const int64_t v = call_.target[chunk.row[r]] - begin;
            if (v >= 0 && v < classes) lines[v * step_ + r] -= softmax.gradient[r];
        }
        if (!call_.bias_gradient) return;
        for (int64_t v = 0; v < classes; ++v) {
            Vector sum{};
            for (int64_t c = 0; c < chunk.count; c += LANES)
                sum += load(lines + v * step_ + c, lanes_from(c, chunk.count));
            real& to = call_.bias_gradient[begin + v];
            to = (chunk.number ? to : 0) + sum_of_lanes(sum);
        }
    }

    // What the chunk adds to the gradients of the weights of a block of classes.
    void weight_gradients(const Chunk& chunk, int64_t block) {
        const int64_t begin = block * block_, classes = classes_in(block);
        alignas(64) real sums[BLOCK * PANEL];
        for (int64_t first = 0; first < call_.width; first += PANEL) {
            const int64_t columns = std::min(PANEL, call_.width - first);
            const real* terms = terms_ + first * most_;
            int64_t r = 0;
            // Once also for no rows.
            do {
                const real* lines[BLOCK];
                for (int64_t v = 0; v < classes; ++v) lines[v] = lines_ + (begin + v) * step_ + r;
                product(lines, classes, terms + r * packed(columns), columns,
                        std::min(SEGMENT, chunk.count - r), {sums, PANEL});
                const Matrix to{call_.weight_gradient + begin * call_.width + first, call_.width};
                add({sums, PANEL}, to, classes, columns, chunk.number > 0 || r > 0);
                r += SEGMENT;
            } while (r < chunk.count);
        }
    }

    // The gradients of the input of at most BLOCK rows of the chunk, in columns [low, high).
    void input_gradients(const Chunk& chunk, int64_t begin, int64_t low, int64_t high) {
        const int64_t end = std::min(begin + BLOCK, chunk.count), width = call_.width;
        for (int64_t r = begin; r < end; ++r) std::fill_n(gradient_ + r * width + low, high - low, real{0});
        alignas(64) real weights[TERMS * PANEL];
        for (int64_t v = 0; v < call_.classes; v += TERMS) {
            const int64_t terms = std::min<int64_t>(TERMS, call_.classes - v);
            for (int64_t first = low; first < high; first += PANEL) {
                const int64_t columns = std::min(PANEL, high - first);
                const real* weight = call_.weight + v * width + first;
                for (int64_t k = 0; k < terms; ++k)
                    pack_factors(weight + k * width, nullptr, columns, PANEL, weights + k * PANEL);
                const Matrix to{gradient_ + first, width};
                outer(lines_ + v * step_, step_, weights, terms, to, begin, end, columns);
            }
        }
        for (int64_t r = begin; r < end; ++r) {
            const real* from = gradient_ + r * width;
            std::copy(from + low, from + high, call_.input_gradient + chunk.row[r] * width + low);
        }
    }

    const Call& call_;
    const std::vector<int64_t>& rows_;
    int64_t block_, blocks_, groups_, most_, step_;  // step_ from one line to the next
    bool backward_;
    int threads_ = 1;
    real *columns_, *terms_;  // the input of a chunk, packed for the logits and for the weights' gradient
    real* lines_;             // (classes, step_)
    real *greatest_, *sum_;   // (blocks_, step_)
    real* hit_;               // (step_,), the logits of the targets
    real* gradient_;          // (most_, width), of the input
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
