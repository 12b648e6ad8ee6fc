// Back-propagation through time of a cell: chunk by chunk from the last step to the first.
//
// In a chunk the blocks carry the gradients of the states backward and leave δ, the gradients of the
// sums, in memory that stays in the cache. Then the threads share out what these are multiplied with:
// the gradient of the input, row by row, and the gradients of the matrices, output by output. Who asks gets
// the norms of what passes by here, of δ and of the carried gradients, without any of it being stored.
#pragma once

#include <utility>

#include "norm.h"
#include "outer.h"
#include "recurrence.h"

namespace {

template <class Shape, class Cell>
class Backward {
public:
    using Call = BackwardArguments<Shape>;

    Backward(const Call& call, const Rows& rows)
        : call_(call), rows_(rows), delta_row_(delta_row<Shape>(call.size)),
          sums_row_(total<Shape>(call.size, Shape::SUM_WIDTH, Shape::SUMS)) {
        const int64_t bytes = call.batch * std::max<int64_t>(1, delta_row_) * sizeof(real);
        chunk_ = std::clamp<int64_t>(CHUNK / bytes, 1, call.steps);
        // With stored states a chunk begins where states are stored.
        if (call.every) chunk_ = call.every;
        // What is read behind the last row: a vector, or the rest of a panel of left sides.
        constexpr int BEHIND = std::max(LANES, TOGETHER);
        delta_.reset(new real[chunk_ * call.batch * delta_row_ + BEHIND]);
        if (PER_FACTOR > 1) paired_.reset(new factor[factors(chunk_ * call.batch) * delta_row_ + BEHIND]);
        sums_.reset(new real[call.batch * sums_row_ + 1]());
        const int64_t kept = total<Shape>(call.size, Shape::KEPT_WIDTH, Shape::KEPT);
        kept_ = {call.kept, rows_kept() * kept, call.shared ? 0 : kept, 0, 0};
        if (!call.kept) kept_chunk_.reset(new real[chunk_ * call.batch * kept + 1]);
        int64_t widest = 1;
        for (int q = 0; q < Shape::STATES; ++q) {
            const int64_t width = call.size[Shape::STATE_WIDTH[q]];
            state_[q] = {call.state[q], rows_kept() * width, width, 0, 0};
            if (recomputes()) state_chunk_[q].reset(new real[chunk_ * call.batch * width]);
        }
        for (const int64_t size : call.size) widest = std::max(widest, size);
        zeros_.reset(new real[widest + LANES]());
    }

    void run() {
        // After each step of a row norms are taken, and is handed over what it starts anew from.
        const bool whole = call_.norms || call_.restarts;
        const int64_t shared = whole ? 0 : Passes::shared_factors(call_);
        const int64_t together = threads_of_units(call_.few_rows(), shared, call_.threads);
        const Blocks blocks(call_.batch, together > 1 ? 1 : call_.threads, call_.lengths);
        for (int q = 0; q < Shape::STATES; ++q) {
            const int64_t count = call_.batch * state_[q].row;
            if (call_.last[q]) std::copy_n(call_.last[q], count, call_.first[q]);
            else std::fill_n(call_.first[q], count, real{0});
            if (call_.restarts) std::fill_n(call_.first[q] + count, count, real{0});
        }
        for (const auto& source : Shape::SOURCES)
            for (int g = source.first; g < source.last; ++g) clear(source, Shape::GRADIENTS[g]);
        const int64_t chunks = (call_.steps + chunk_ - 1) / chunk_;
        for (int64_t k = chunks - 1; k >= 0; --k) {
            begin_ = k * chunk_;
            end_ = std::min(call_.steps, begin_ + chunk_);
            low_ = std::min(time(begin_), time(end_ - 1));
            recompute();
            if (together > 1) walk_together(together, blocks.ranks[0]);
            else in_parallel(call_.threads, blocks.count, [&](int64_t b) { walk(blocks.ranks[b]); });
            slots_ = rows_.start[std::max(time(begin_), time(end_ - 1)) + 1] - rows_.start[low_];
            pair_deltas();
            if (call_.few_rows()) {
                multiply_by_crew();
                continue;
            }
            in_parallel(call_.threads, call_.threads, [&](int64_t thread) {
                const int64_t first = slots_ * thread / call_.threads, last = slots_ * (thread + 1) / call_.threads;
                measure_deltas(first, last);
                multiply_input(first, last);
                multiply_outer(thread);
            });
        }
        sum_rows();
    }

private:
    using Passes = typename Cell::BackwardPasses;

    int64_t time(int64_t s) const { return call_.reverse ? call_.steps - 1 - s : s; }

    void clear(const typename Shape::Source& source, const typename Shape::Gradient& gradient) {
        real* to = call_.matrix[gradient.matrix];
        const int64_t count = call_.size[Shape::DELTA_WIDTH[gradient.delta]] * call_.size[source.width];
        if (to) std::fill_n(to + gradient.member * count, count, real{0});
    }

    // Rows that have their values in common are gone back through each by itself.
    int64_t rows_kept() const { return call_.shared ? 1 : call_.batch; }
    int64_t kept_row(int64_t row) const { return call_.shared ? 0 : row; }

    bool recomputes() const { return !call_.kept && (Shape::KEPT > 0 || call_.every); }

    // What was not stored of this chunk is computed again.
    void recompute() {
        if (!recomputes()) return;
        Arguments<Shape> again = call_;
        again.kept = kept_chunk_.get();
        kept_.data = again.kept;
        kept_.origin = low_;
        scratch_states(again);
        again.every = 0;
        Forward<Shape, Cell> forward(again, rows_);
        forward.begin_at(begin_, low_, low_);
        forward.run(begin_, end_);
    }

    // Where the states of the chunk are written, and which state it starts from. States that are stored are
    // the caller's, who may read them meanwhile, or hold them where nobody can write.
    void scratch_states(Arguments<Shape>& again) {
        for (int q = 0; q < Shape::STATES; ++q) {
            again.ring[q] = 0;
            again.final[q] = nullptr;
            const int64_t size = call_.batch * state_[q].row;
            if (begin_) again.initial[q] = call_.every ? call_.stored[q] + (begin_ / call_.every) * size
                                                       : state_[q].at(time(begin_ - 1));
            again.state[q] = state_chunk_[q].get();
            if (call_.every) {
                state_[q].data = again.state[q];
                state_[q].origin = low_;
            }
            start_[q] = again.initial[q];
        }
        if constexpr (Shape::OUTPUTS > 0) again.output = output_scratch();
    }

    real* output_scratch() {
        const int64_t size = call_.steps * call_.batch * call_.size[Shape::OUTPUT_WIDTH];
        if (!output_) output_.reset(new real[size]);
        return output_.get();
    }

    void walk(const std::vector<int64_t>& ranks) {
        Block<Shape> block;
        prepare(block, ranks);
        for (int64_t s = end_ - 1; s >= begin_; --s) {
            point(block, s);
            pass_over(block, time(s));
            if (block.live) Cell::step_back(call_, block);
            hand_over(block, time(s));
            measure_carried(block, time(s));
        }
    }

    // All threads go through the steps, each with a block of its own that points to the same memory.
    void walk_together(int64_t threads, const std::vector<int64_t>& ranks) {
        std::unique_ptr<Block<Shape>[]> blocks(new Block<Shape>[threads]);
        prepare(blocks[0], ranks);
        for (int64_t k = 1; k < threads; ++k) blocks[k].share_memory_of(blocks[0]);
        const auto meet = [&](int64_t thread, int64_t step) {
            const int64_t s = end_ - 1 - step;
            point(blocks[thread], s);
            if (!thread) pass_over(blocks[0], time(s));
        };
        const auto run = [&](int64_t thread, int pass, int64_t first, int64_t last) {
            if (blocks[thread].live) Passes::run(call_, blocks[thread], pass, first, last);
        };
        walk_by_units<Passes>(threads, end_ - begin_, call_.size, meet, run);
    }

    void prepare(Block<Shape>& block, const std::vector<int64_t>& ranks) {
        for (const int64_t rank : ranks) {
            block.rank[block.count] = rank;
            block.row[block.count++] = rows_.order[rank];
        }
        lay_out_scratch(block, call_.size, Shape::BACKWARD_SCRATCH_WIDTH, Shape::BACKWARD_SCRATCH);
        point_fixed(block);
    }

    // What stays where it is while time runs: the carried gradients, and the sums of the vectors' own.
    void point_fixed(Block<Shape>& block) {
        for (int r = 0; r < block.count; ++r) {
            for (int q = 0; q < Shape::STATES; ++q)
                block.at[Shape::NEXT + q][r] = call_.first[q] + block.row[r] * state_[q].row;
            real* sums = sums_.get() + block.row[r] * sums_row_;
            for (int k = 0; k < Shape::SUMS; sums += call_.size[Shape::SUM_WIDTH[k++]])
                block.at[Shape::SUM_AT + k][r] = sums;
        }
    }

    // Where everything is at step s.
    void point(Block<Shape>& block, int64_t s) {
        const int64_t t = time(s);
        block.live = 0;
        while (block.live < block.count && block.rank[block.live] < rows_.live[t]) ++block.live;
        point_losses(block, t);
        real* x = const_cast<real*>(call_.x) + t * call_.x_step;
        for (int r = 0; r < block.live; ++r) {
            block.at[Shape::X][r] = x + block.row[r] * call_.x_row;
            if (call_.input) block.at[Shape::INPUT][r] = input_row(t, block.row[r]);
        }
        const uint8_t* restarts = call_.restarts_at(t);
        for (int q = 0; q < Shape::STATES; ++q) {
            const int64_t width = state_[q].row;
            const real* before = s > begin_ || (s && !call_.every) ? state_[q].at(time(s - 1))
                               : s ? start_[q] : call_.initial[q];
            real* now = state_[q].at(t);
            for (int r = 0; r < block.live; ++r) {
                const int64_t place = kept_row(block.row[r]) * width;
                const real* from = restarts && restarts[block.row[r]] ? call_.restart[q] : before;
                block.at[Shape::PREVIOUS + q][r] = const_cast<real*>(from) + place;
                block.at[Shape::STATE + q][r] = now + place;
            }
        }
        point_kept<Shape>(block, kept_, call_.size, t);
        for (int r = 0; r < block.live; ++r) {
            real* delta = delta_.get() + (rows_.start[t] - rows_.start[low_] + block.rank[r]) * delta_row_;
            for (int k = 0; k < Shape::DELTAS; delta += call_.size[Shape::DELTA_WIDTH[k++]])
                block.at[Shape::DELTA + k][r] = delta;
        }
    }

    // Nothing is carried to the step before by a row that started anew: its gradient is that of the state which
    // it started from.
    void hand_over(Block<Shape>& block, int64_t t) {
        const uint8_t* restarts = call_.restarts_at(t);
        if (!restarts) return;
        for (int r = 0; r < block.live; ++r)
            for (int q = 0; q < Shape::STATES && restarts[block.row[r]]; ++q) {
                const int64_t width = state_[q].row;
                real *carried = block.at[Shape::NEXT + q][r], *to = carried + call_.batch * width;
                for (int64_t j = 0; j < width; ++j) to[j] += std::exchange(carried[j], real{0});
            }
    }

    double* norms(int64_t t, int64_t row) const {
        return call_.norms + (t * call_.batch + row) * (Shape::DELTAS + Shape::STATES);
    }

    // After step t of going back, what is carried is the gradient of the states before it.
    void measure_carried(const Block<Shape>& block, int64_t t) const {
        if (!call_.norms) return;
        for (int r = 0; r < block.live; ++r)
            for (int q = 0; q < Shape::STATES; ++q)
                norms(t, block.row[r])[Shape::DELTAS + q] = norm(block.at[Shape::NEXT + q][r], state_[q].row);
    }

    void measure_deltas(int64_t first, int64_t last) const {
        if (!call_.norms || first == last) return;
        Slot here = slot(first);
        for (int64_t k = first; k < last; ++k, next(here)) {
            const real* delta = delta_.get() + k * delta_row_;
            for (int d = 0; d < Shape::DELTAS; delta += call_.size[Shape::DELTA_WIDTH[d++]])
                norms(here.t, rows_.order[here.rank])[d] = norm(delta, call_.size[Shape::DELTA_WIDTH[d]]);
        }
    }

    real* input_row(int64_t t, int64_t row) const {
        const int64_t width = call_.size[Shape::INPUT_WIDTH];
        return call_.input + (t * call_.batch + row) * width;
    }

    void point_losses(Block<Shape>& block, int64_t t) {
        for (int q = 0; q < Shape::STATES + Shape::OUTPUTS; ++q)
            for (int r = 0; r < block.count; ++r)
                block.at[Shape::LOSS + q][r] =
                    call_.loss[q] ? const_cast<real*>(call_.loss[q]) + t * call_.loss_step[q] + block.row[r] * call_.loss_row[q]
                                  : zeros_.get();
    }

    // Outside its sequence a row's states only hold their value, and so do their gradients.
    void pass_over(Block<Shape>& block, int64_t t) {
        const int64_t width = call_.size[Shape::INPUT_WIDTH];
        for (int r = block.live; r < block.count; ++r) {
            if (call_.input) std::fill_n(input_row(t, block.row[r]), width, real{0});
            for (int q = 0; q < Shape::STATES; ++q)
                if (call_.loss[q])
                    for (int64_t j = 0; j < state_[q].row; ++j)
                        block.at[Shape::NEXT + q][r][j] += block.at[Shape::LOSS + q][r][j];
        }
    }

    // The slots of this chunk one by one: their time step and row.
    struct Slot {
        int64_t t, rank;
    };
    Slot slot(int64_t k) const {
        const int64_t at = k + rows_.start[low_];
        const int64_t t = std::upper_bound(rows_.start.begin(), rows_.start.end(), at) - rows_.start.begin() - 1;
        return {t, at - rows_.start[t]};
    }
    void next(Slot& slot) const {
        ++slot.rank;
        while (slot.t + 1 < call_.steps && slot.rank >= rows_.live[slot.t]) slot = {slot.t + 1, 0};
    }

    bool multiplies_input() const { return call_.input && Cell::INPUT_AFTER; }

    void multiply_input(int64_t first, int64_t last) {
        if (!multiplies_input() || first == last) return;
        Slot here = slot(first);
        Block<Shape> block;
        for (int64_t k = first; k < last; k += BLOCK) {
            block.live = static_cast<int>(std::min<int64_t>(BLOCK, last - k));
            for (int r = 0; r < block.live; ++r, next(here)) {
                block.at[Shape::INPUT][r] = input_row(here.t, rows_.order[here.rank]);
                real* delta = delta_.get() + (k + r) * delta_row_;
                for (int d = 0; d < Shape::DELTAS; delta += call_.size[Shape::DELTA_WIDTH[d++]])
                    block.at[Shape::DELTA + d][r] = delta;
            }
            Cell::multiply_input(call_, block);
        }
    }

    // One right side of outer products, and the δ that it meets: `to` holds a gradient's rows for each.
    const real* source_row(int source, const Slot& slot, int64_t k) const {
        const int64_t row = rows_.order[slot.rank];
        if (source == Shape::X) return call_.x + slot.t * call_.x_step + row * call_.x_row;
        for (int q = 0; q < Shape::STATES; ++q) {
            const int64_t place = kept_row(row) * state_[q].row;
            if (source == Shape::STATE + q) return state_[q].at(slot.t) + place;
            if (source != Shape::PREVIOUS + q) continue;
            const uint8_t* restarts = call_.restarts_at(slot.t);
            if (restarts && restarts[row]) return call_.restart[q] + place;
            const int64_t s = call_.reverse ? call_.steps - 1 - slot.t : slot.t;
            if (s == 0) return call_.initial[q] + place;
            if (s == begin_ && call_.every) return start_[q] + place;
            return state_[q].at(time(s - 1)) + place;
        }
        if (source < Shape::DELTA) {
            const int64_t before = total<Shape>(call_.size, Shape::KEPT_WIDTH, source - Shape::KEPT_AT);
            return kept_.at(slot.t) + row * kept_.row + before;
        }
        const real* at = delta_.get() + k * delta_row_;
        for (int d = 0; Shape::DELTA + d < source; ++d) at += call_.size[Shape::DELTA_WIDTH[d]];
        return at;
    }

    // δ as the left side of outer products: as it is, or two slots in one row.
    void pair_deltas() {
        const void* plain = delta_.get();
        left_ = static_cast<const factor*>(PER_FACTOR == 1 ? plain : paired_.get());
        if (PER_FACTOR == 1) return;
        const int64_t width = total<Shape>(call_.size, Shape::DELTA_WIDTH, Shape::DELTAS);
        const int64_t rows = factors(slots_);
        in_parallel(call_.threads, call_.threads, [&](int64_t thread) {
            for (int64_t k = rows * thread / call_.threads; k < rows * (thread + 1) / call_.threads; ++k) {
                const real* row = delta_.get() + k * PER_FACTOR * delta_row_;
                const real* other = k * PER_FACTOR + 1 < slots_ ? row + delta_row_ : nullptr;
                pack_factors(row, other, k * PER_FACTOR < slots_ ? width : 0, width, paired_.get() + k * delta_row_);
            }
        });
    }

    // The thread's share of the gradients of all matrices. A share is a range of rows of panels, counted
    // through all sources: every thread packs what it needs, and sums every term in the same order.
    void multiply_outer(int64_t thread) {
        // A matrix with two sources has one thread: two would add to it at the same time.
        if (Shape::SHARED_MATRIX && thread) return;
        const int64_t threads = Shape::SHARED_MATRIX ? 1 : call_.threads;
        int64_t all = 0;
        for (const auto& source : Shape::SOURCES) all += panels(source) * heights(source);
        const int64_t begin = all * thread / threads, end = all * (thread + 1) / threads;
        if (begin == end) return;
        alignas(64) factor packed[factors(TERMS) * GROUP * LANES];
        const int64_t most = factors(std::min<int64_t>(TERMS, slots_));
        std::unique_ptr<factor[]> lefts(new factor[left_before(Shape::DELTAS, most)]);
        for (int64_t k = 0; k < slots_; k += TERMS) {
            const int64_t terms = std::min<int64_t>(TERMS, slots_ - k);
            pack_deltas(k, factors(terms), lefts.get());
            int64_t before = 0;
            for (const auto& source : Shape::SOURCES) {
                const int64_t height = heights(source), count = panels(source);
                for (int64_t p = 0; p < count; ++p, before += height) {
                    if (before + height <= begin || before >= end) continue;
                    pack(source.slot, call_.size[source.width], p * GROUP * LANES, k, terms, packed);
                    add(source, p * GROUP * LANES, std::max(begin - before, int64_t{0}), std::min(end - before, height),
                        factors(terms), lefts.get(), packed);
                }
            }
        }
    }

    // All products of a chunk of few rows, in short jobs: a helper that comes late misses one of them, and members wait
    // for each other no longer than for a part of one. The products of TERMS slots begin with a job that packs both
    // sides. Then each panel of right sides is a job, whose members share out the rows of the gradients: no two add to
    // a row at the same time, and all terms are summed in the order of `multiply_outer`.
    void multiply_by_crew() {
        const int64_t rows = call_.threads * BLOCK;
        const int64_t inputs = multiplies_input() || call_.norms ? pieces(slots_, rows) : 0;
        int64_t all = 0;
        for (const auto& source : Shape::SOURCES) all += heights(source) ? panels(source) : 0;
        const int64_t most = std::min<int64_t>(TERMS, slots_), panel = factors(most) * GROUP * LANES;
        std::unique_ptr<factor[]> lefts(new factor[left_before(Shape::DELTAS, factors(most))]);
        constexpr int64_t LINE = 64 / sizeof(factor);
        const std::unique_ptr<factor[]> room(new factor[all * panel + LINE]);
        const int64_t ahead = reinterpret_cast<uintptr_t>(room.get()) / sizeof(factor) % LINE;
        factor* const rights = room.get() + (LINE - ahead) % LINE;
        const int64_t jobs = inputs + (all ? pieces(slots_, TERMS) * (1 + all) : 0);
        run_by_crew(call_.threads, jobs, [&](const Share& share, int64_t job) {
            if (job < inputs) {
                const int64_t begin = job * rows, count = std::min(rows, slots_ - begin);
                const int64_t first = begin + share.first(count), last = begin + share.last(count);
                measure_deltas(first, last);
                return multiply_input(first, last);
            }
            const int64_t k = (job - inputs) / (1 + all) * TERMS, terms = std::min<int64_t>(TERMS, slots_ - k);
            // The panel of the job; in a job that packs, the panels of this member.
            const int64_t one = (job - inputs) % (1 + all) - 1;
            const bool packs = one < 0;
            const int64_t begin = packs ? share.first(all) : one, end = packs ? share.last(all) : one + 1;
            if (packs) pack_deltas(k, factors(terms), lefts.get(), share);
            int64_t p = 0;
            for (const auto& source : Shape::SOURCES) {
                const int64_t width = heights(source) ? call_.size[source.width] : 0;
                for (int64_t column = 0; column < width; column += GROUP * LANES, ++p) {
                    if (p < begin || p >= end) continue;
                    factor* packed = rights + p * panel;
                    if (packs) pack(source.slot, width, column, k, terms, packed);
                    else add_tiles(source, column, share, factors(terms), lefts.get(), packed);
                }
            }
        });
    }

    static int64_t pieces(int64_t count, int64_t size) { return (count + size - 1) / size; }

    // The rows of a gradient that a member of a crew adds to, in whole tiles, whose left sides it packs.
    struct Tiles {
        int64_t begin, end;
    };
    static Tiles tiles(const Share& share, int64_t height) {
        const int64_t count = pieces(height, TOGETHER);
        return {share.first(count) * TOGETHER, std::min(share.last(count) * TOGETHER, height)};
    }

    // The factors of the packed δ before that of number `delta`, for `depth` terms.
    int64_t left_before(int delta, int64_t depth) const {
        int64_t sum = 0;
        for (int d = 0; d < delta; ++d) sum += packed_left(call_.size[Shape::DELTA_WIDTH[d]], depth);
        return sum;
    }

    void pack_deltas(int64_t k, int64_t depth, factor* lefts, const Share& share = {0, 0, 1}) const {
        const factor* left = left_ + factors(k) * delta_row_;
        for (int d = 0; d < Shape::DELTAS; ++d) {
            const int64_t width = call_.size[Shape::DELTA_WIDTH[d]];
            const auto [begin, end] = tiles(share, width);
            if (begin < end)
                pack_left(left + begin, delta_row_, end - begin, depth, lefts + left_before(d, depth) + begin * depth);
            left += width;
        }
    }

    int64_t panels(const typename Shape::Source& source) const {
        return (call_.size[source.width] + GROUP * LANES - 1) / (GROUP * LANES);
    }
    int64_t heights(const typename Shape::Source& source) const {
        int64_t sum = 0;
        for (int g = source.first; g < source.last; ++g)
            if (call_.matrix[Shape::GRADIENTS[g].matrix]) sum += call_.size[Shape::DELTA_WIDTH[Shape::GRADIENTS[g].delta]];
        return sum;
    }

    void pack(int source, int64_t width, int64_t column, int64_t k, int64_t terms, factor* packed) const {
        Slot here = slot(k);
        const int64_t rest = std::min<int64_t>(width - column, GROUP * LANES);
        for (int64_t i = 0; i < factors(terms) * PER_FACTOR; i += PER_FACTOR, packed += GROUP * LANES) {
            const real* row[2]{};
            for (int64_t j = i; j < std::min(terms, i + PER_FACTOR); ++j, next(here))
                row[j - i] = source_row(source, here, k + j) + column;
            pack_factors(row[0], row[1], i < terms ? rest : 0, GROUP * LANES, packed);
        }
    }

    void add(const typename Shape::Source& source, int64_t column, int64_t begin, int64_t end, int64_t depth,
             const factor* lefts, const factor* packed) {
        int64_t before = 0;
        for (int g = source.first; g < source.last; ++g) {
            const auto& gradient = Shape::GRADIENTS[g];
            if (!call_.matrix[gradient.matrix]) continue;
            const int64_t height = call_.size[Shape::DELTA_WIDTH[gradient.delta]];
            const int64_t low = std::max(begin - before, int64_t{0}), high = std::min(end - before, height);
            before += height;
            if (low < high) add_rows(source, gradient, column, low, high, depth, lefts, packed);
        }
    }

    void add_tiles(const typename Shape::Source& source, int64_t column, const Share& share, int64_t depth,
                   const factor* lefts, const factor* packed) {
        for (int g = source.first; g < source.last; ++g) {
            const auto& gradient = Shape::GRADIENTS[g];
            const auto [begin, end] = tiles(share, call_.size[Shape::DELTA_WIDTH[gradient.delta]]);
            if (call_.matrix[gradient.matrix] && begin < end)
                add_rows(source, gradient, column, begin, end, depth, lefts, packed);
        }
    }

    void add_rows(const typename Shape::Source& source, const typename Shape::Gradient& gradient, int64_t column,
                  int64_t begin, int64_t end, int64_t depth, const factor* lefts, const factor* packed) {
        const int64_t height = call_.size[Shape::DELTA_WIDTH[gradient.delta]], width = call_.size[source.width];
        real* to = call_.matrix[gradient.matrix] + gradient.member * height * width + column;
        outer(lefts + left_before(gradient.delta, depth), packed, depth, {to, width}, begin, end,
              std::min<int64_t>(width - column, GROUP * LANES));
    }

    // The gradients of the vectors: one sum for each row of the batch stands ready.
    void sum_rows() {
        int64_t at = 0;
        for (int k = 0; k < Shape::SUMS; ++k) {
            const int64_t width = call_.size[Shape::SUM_WIDTH[k]];
            real* to = call_.vector_gradient[k];
            if (to) {
                std::fill_n(to, width, real{0});
                for (int64_t b = 0; b < call_.batch; ++b)
                    for (int64_t j = 0; j < width; ++j) to[j] += sums_[b * sums_row_ + at + j];
            }
            at += width;
        }
    }

    const Call& call_;
    const Rows& rows_;
    int64_t delta_row_, sums_row_, chunk_, begin_ = 0, end_ = 0, low_ = 0, slots_ = 0;
    Sequence state_[at_least_one(Shape::STATES)], kept_;
    const real* start_[at_least_one(Shape::STATES)]{};
    const factor* left_ = nullptr;
    std::unique_ptr<factor[]> paired_;
    std::unique_ptr<real[]> delta_, sums_, zeros_, kept_chunk_, output_, state_chunk_[at_least_one(Shape::STATES)];
};

}  // namespace
