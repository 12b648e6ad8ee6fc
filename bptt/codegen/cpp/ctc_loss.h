// Connectionist temporal classification (Graves et al. 2006): -ln of the sum over all alignments of a label
// with the frames, its gradient by the logits, and the occupancy of the states.
//
// A pass over the frames computes the softmax, writes it as the gradient, and gathers the logits of the
// label. Then each sequence runs forward and backward over its states on its own, in numbers that cannot
// leave their range, and subtracts the occupancy at the symbols that occur. Each sum runs in one order,
// whatever the number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "memory.h"
#include "scaled.h"

namespace {

// Logits and states below which another thread costs more than it saves.
constexpr int64_t WORTHWHILE = int64_t{1} << 14;
// Vectors of exponentials that are summed before their sum is added to that of the frame.
constexpr int64_t SEGMENT = 32 * LANES;
constexpr int64_t CACHE_LINE = 64 / sizeof(real);
constexpr double LN2 = 0.693147180559945309417232121458;

enum Outcome : int64_t { DONE = -1, NO_MEMORY = -2 };

// What the kernel is called with: numbers and addresses, 64 bits each, in this order.
struct Call {
    int64_t steps, batch, classes, longest, blank, threads, mean;  // longest: of the labels
    int64_t step, row, gradient_step, gradient_row;                // from one frame or sequence to the next
    const real* logits;                                            // (steps, batch, classes)
    const int64_t *targets, *lengths, *frames;                     // (batch, longest), (batch,), (batch,)
    real* losses;                                                  // (batch,)
    real* gradient;                                                // like the logits, or null
    int64_t* outcome;
};

// The states of a label of L symbols at one frame: blanks 0 … L and symbols 0 … L-1, in whole vectors with a
// vector of zeros before and behind.
class States {
public:
    explicit States(real* memory, int64_t width)
        : blank{memory + LANES, memory + step(width) + LANES},
          symbol{memory + 2 * step(width) + LANES, memory + 3 * step(width) + LANES} {
        for (int part = 0; part < 4; ++part)
            std::fill_n(memory + part * step(width), step(width), part % 2 ? NOTHING : 0);
    }
    static int64_t size(int64_t width) { return 4 * step(width); }

    struct Part {
        real *m, *e;
        Scaled at(int64_t k) const { return {load(m + k), load(e + k)}; }
        void put(int64_t k, Scaled value) {
            store(m + k, value.m);
            store(e + k, value.e);
        }
        void put_one(int64_t k) { m[k] = 1, e[k] = 0; }
    };
    Part blank, symbol;

private:
    static int64_t step(int64_t width) { return width + 2 * LANES; }
};

// One sequence after the other, in memory of one thread.
class Sequence {
public:
    static int64_t width(int64_t length) { return divide_up(length + 1, LANES) * LANES; }
    static int64_t size(const Call& call) {
        const int64_t w = width(call.longest);
        const int64_t kept = call.gradient ? 4 * w * call.steps : 0;
        return States::size(w) * 2 + w + 2 * LANES + kept;
    }

    // `emissions`: of each frame width(longest) logits of the symbols less the greatest, and that of the blank.
    Sequence(const Call& call, int64_t b, real* memory, const real* emissions)
        : call_(call), b_(b), length_(call.lengths[b]), frames_(call.frames[b]), width_(width(length_)),
          emissions_(emissions), label_(call.targets + b * call.longest),
          now_(memory, width_), occupied_(memory + States::size(width_), width_),
          skip_(memory + 2 * States::size(width_)), kept_(skip_ + width_ + 2 * LANES) {
        // A symbol may follow the one before it without a blank, if they differ.
        std::fill_n(skip_, width_ + 2 * LANES, LOWEST);
        for (int64_t k = 1; k < length_; ++k)
            if (label_[k] != label_[k - 1]) skip_[k] = 0;
    }

    // ln of the sum over all alignments of the products of exp(logit - greatest).
    double forward(bool keep) {
        now_.blank.put_one(0);
        real shift = 0;
        double shifts = 0;
        for (int64_t t = 0; t < frames_; ++t) {
            const Scaled blank = blank_at(t);
            Vector top = broadcast(NOTHING);
            // From the end: a state reads those before it as they were one frame ago.
            for (int64_t k = width_ - LANES; k >= 0; k -= LANES) {
                const Scaled before = now_.symbol.at(k - 1), here = now_.blank.at(k);
                const Scaled skipped = {before.m, before.e + load(skip_ + k)};
                const Scaled to_blank = normalised((here + before) * blank, shift);
                const Scaled to_symbol = normalised((now_.symbol.at(k) + here + skipped) * symbol_at(t, k), shift);
                now_.blank.put(k, to_blank);
                now_.symbol.put(k, to_symbol);
                top = larger(top, larger(to_blank.e, to_symbol.e));
                if (keep) {
                    real* to = kept_ + t * 4 * width_ + k;
                    store(to, to_blank.m), store(to + width_, to_blank.e);
                    store(to + 2 * width_, to_symbol.m), store(to + 3 * width_, to_symbol.e);
                }
            }
            shifts += shift;
            shift = greatest_lane(top);
            if (shift == NOTHING) return -std::numeric_limits<double>::infinity();
        }
        const States::Part &blank = now_.blank, &symbol = now_.symbol;
        const double e = std::max(blank.e[length_], symbol.e[length_ - 1]);
        const double sum = blank.m[length_] * std::exp2(blank.e[length_] - e) +
                           symbol.m[length_ - 1] * std::exp2(symbol.e[length_ - 1] - e);
        return std::log(sum) + (e + shifts) * LN2;
    }

    // Subtracts `weight` times the occupancy of each symbol from its gradient, after `forward(true)`.
    void backward(real weight) {
        now_ = States(now_.blank.m - LANES, width_);
        now_.blank.put_one(length_);
        real shift = 0;
        for (int64_t t = frames_ - 1; t >= 0; --t) {
            const Scaled blank = blank_at(t);
            Vector top = broadcast(NOTHING), most = broadcast(LOWEST);
            // From the start: a state reads those behind it as they were one frame later.
            for (int64_t k = 0; k < width_; k += LANES) {
                const Scaled here = now_.symbol.at(k), behind = now_.symbol.at(k + 1);
                const Scaled skipped = {behind.m, behind.e + load(skip_ + k + 1)};
                const Scaled of_blank = normalised(now_.blank.at(k) + here, shift);
                const Scaled of_symbol = normalised(here + now_.blank.at(k + 1) + skipped, shift);
                const real* from = kept_ + t * 4 * width_ + k;
                const Scaled with_blank = Scaled{load(from), load(from + width_)} * of_blank;
                const Scaled with_symbol = Scaled{load(from + 2 * width_), load(from + 3 * width_)} * of_symbol;
                occupied_.blank.put(k, with_blank);
                occupied_.symbol.put(k, with_symbol);
                most = larger(most, larger(exponent(with_blank), exponent(with_symbol)));
                const Scaled blank_before = of_blank * blank, symbol_before = of_symbol * symbol_at(t, k);
                now_.blank.put(k, blank_before);
                now_.symbol.put(k, symbol_before);
                top = larger(top, larger(blank_before.e, symbol_before.e));
            }
            shift = greatest_lane(top);
            subtract(t, greatest_lane(most), weight);
        }
    }

private:
    // Below that of any product of two numbers.
    static constexpr real LOWEST = 4 * NOTHING;

    static Vector exponent(Scaled x) { return select(x.m > 0, x.e, broadcast(LOWEST)); }
    Scaled blank_at(int64_t t) const {
        return scaled_exp(broadcast(emissions_[t * call_.batch * stride() + width(call_.longest)]));
    }
    Scaled symbol_at(int64_t t, int64_t k) const {
        return scaled_exp(load(emissions_ + t * call_.batch * stride() + k));
    }
    int64_t stride() const { return width(call_.longest) + 1; }

    // Subtracts the products of both directions over their sum from the gradient of a frame.
    void subtract(int64_t t, real most, real weight) {
        Vector blanks{}, symbols{};
        for (int64_t k = 0; k < width_; k += LANES) {
            const Scaled blank = occupied_.blank.at(k), symbol = occupied_.symbol.at(k);
            const Vector of_blank = blank.m * shrunk(blank.e - most), of_symbol = symbol.m * shrunk(symbol.e - most);
            store(occupied_.blank.m + k, of_blank);
            store(occupied_.symbol.m + k, of_symbol);
            blanks += of_blank;
            symbols += of_symbol;
        }
        const real of_blanks = sum_of_lanes(blanks), whole = of_blanks + sum_of_lanes(symbols);
        real* const to = call_.gradient + t * call_.gradient_step + b_ * call_.gradient_row;
        const real factor = weight / whole;
        to[call_.blank] -= of_blanks * factor;
        for (int64_t k = 0; k < length_; ++k) to[label_[k]] -= occupied_.symbol.m[k] * factor;
    }

    const Call& call_;
    int64_t b_, length_, frames_, width_;
    const real* emissions_;
    const int64_t* label_;
    States now_, occupied_;
    real* skip_;  // what is added to the exponent of the symbol before: 0, or so low that it is zero
    real* kept_;  // of each frame the states of the forward pass: blanks and symbols
};

class CtcLoss {
public:
    explicit CtcLoss(const Call& call)
        : call_(call), stride_(Sequence::width(call.longest) + 1),
          size_(divide_up(Sequence::size(call), CACHE_LINE) * CACHE_LINE),
          threads_(static_cast<int>(std::clamp<int64_t>(
              call.steps * call.batch * (call.classes + 16 * call.longest) / WORTHWHILE, 1, call.threads))),
          needed_(call.batch), weights_(call.batch), sums_(call.steps * call.batch),
          memory_(allocate({{emissions_, call.steps * call.batch * stride_ + LANES},
                            {work_, size_ * threads_}})) {
        for (int64_t b = 0; b < call.batch; ++b) {
            const int64_t length = call.lengths[b], *label = call.targets + b * call.longest;
            needed_[b] = length;
            for (int64_t k = 1; k < length; ++k) needed_[b] += label[k] == label[k - 1];
            const int64_t parts = call.mean ? call.batch * std::max<int64_t>(length, 1) : 1;
            weights_[b] = real{1} / static_cast<real>(parts);
        }
    }

    void run() {
        const int64_t frames = call_.steps * call_.batch;
#pragma omp parallel num_threads(threads_)
        {
            const FlushDenormals flush;
            int64_t own;
#pragma omp atomic capture
            own = begun_++;
            real* const work = work_ + own * size_;
#pragma omp for schedule(static)
            for (int64_t n = 0; n < frames; ++n) frame(n / call_.batch, n % call_.batch);
#pragma omp for schedule(dynamic)
            for (int64_t b = 0; b < call_.batch; ++b) sequence(b, work);
        }
    }

private:
    const real* logits(int64_t t, int64_t b) const { return call_.logits + t * call_.step + b * call_.row; }
    real* gradient(int64_t t, int64_t b) const {
        return call_.gradient ? call_.gradient + t * call_.gradient_step + b * call_.gradient_row : nullptr;
    }
    bool fits(int64_t b) const { return call_.frames[b] >= needed_[b]; }

    // The softmax of a frame as its gradient, ln of its sum, and the logits of the label.
    void frame(int64_t t, int64_t b) {
        real* const to = gradient(t, b);
        if (t >= call_.frames[b] || !fits(b)) {
            if (to) std::fill_n(to, call_.classes, real{0});
            return;
        }
        const real* const from = logits(t, b);
        const real greatest = greatest_of(from), *const end = from + call_.classes;
        sums_[t * call_.batch + b] = softmax(from, end, greatest, to, weights_[b]);
        const int64_t length = call_.lengths[b], *label = call_.targets + b * call_.longest;
        real* const emission = emissions_ + (t * call_.batch + b) * stride_;
        for (int64_t k = 0; k < length; ++k) emission[k] = from[label[k]] - greatest;
        std::fill(emission + length, emission + stride_ - 1, -function::INFINITE);
        emission[stride_ - 1] = from[call_.blank] - greatest;
    }

    real greatest_of(const real* from) const {
        // Finite, for a symbol may be ruled out by -∞, and -∞ less -∞ is NaN.
        constexpr real LEAST = std::numeric_limits<real>::lowest();
        Vector most = broadcast(LEAST);
        int64_t v = 0;
        for (; v + LANES <= call_.classes; v += LANES) most = larger(load(from + v), most);
        real greatest = greatest_lane(most);
        for (; v < call_.classes; ++v) greatest = std::max(greatest, from[v] > LEAST ? from[v] : LEAST);
        return greatest;
    }

    static double softmax(const real* from, const real* end, real greatest, real* to, real weight) {
        const int64_t classes = end - from;
        double sum = 0;
        for (int64_t first = 0; first < classes; first += SEGMENT) {
            Vector part{};
            const int64_t last = std::min(first + SEGMENT, classes);
            for (int64_t v = first; v < last; v += LANES) {
                const int count = static_cast<int>(std::min<int64_t>(LANES, last - v));
                const Vector all = function::exp(load(from + v, count) - greatest);
                const Vector exponential = count == LANES ? all : select(lanes_below(count), all, Vector{});
                if (to) store(to + v, exponential, count);
                part += exponential;
            }
            sum += sum_of_lanes(part);
        }
        if (to) {
            const real factor = static_cast<real>(weight / sum);
            for (int64_t v = 0; v < classes; v += LANES) {
                const int count = static_cast<int>(std::min<int64_t>(LANES, classes - v));
                store(to + v, load(to + v, count) * factor, count);
            }
        }
        // Of nothing but -∞ there is no softmax.
        return sum > 0 ? std::log(sum) : std::numeric_limits<double>::quiet_NaN();
    }

    void sequence(int64_t b, real* work) {
        constexpr double INFINITE = std::numeric_limits<double>::infinity();
        double sums = 0, loss = INFINITE;
        if (fits(b)) {
            for (int64_t t = 0; t < call_.frames[b]; ++t) sums += sums_[t * call_.batch + b];
            Sequence sequence(call_, b, work, emissions_ + b * stride_);
            // Rounding may make a probability of 1 a little larger.
            loss = std::isnan(sums) ? sums : std::max(sums - sequence.forward(call_.gradient), 0.0);
            if (call_.gradient && loss < INFINITE) sequence.backward(weights_[b]);
            if (call_.gradient && !(loss < INFINITE)) fill(b, std::isnan(loss) ? function::NOT_A_NUMBER : 0);
        }
        call_.losses[b] = static_cast<real>(loss);
    }

    // The gradient of a sequence that has none: 0 if its label is impossible, else NaN.
    void fill(int64_t b, real value) {
        for (int64_t t = 0; t < call_.frames[b]; ++t) std::fill_n(gradient(t, b), call_.classes, value);
    }

    const Call& call_;
    int64_t stride_, size_;  // of a frame in emissions_, of a thread in work_
    int threads_, begun_ = 0;
    std::vector<int64_t> needed_;  // frames for each label
    std::vector<real> weights_;    // of each loss in the result
    std::vector<double> sums_;     // (steps, batch), ln Σ exp(logit - greatest)
    real *emissions_, *work_;
    Memory memory_;
};

}  // namespace
