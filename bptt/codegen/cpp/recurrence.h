// A cell run over sequences, forward and backward: the loops that are the same for every cell.
//
// The rows of the batch are dealt out in blocks. A block goes through all time steps on one thread, with
// no barrier between the steps; what a step computes comes from the cell (a struct Cell that the
// generator writes, with the tables of a struct Shape). Sums over time and batch are left to the end of
// a chunk of steps, when the threads share them out anew. If there are few rows and many weights, the threads
// share out the units of all rows instead, and wait for each other in every step.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "sequences.h"
#include "threads.h"
#include "units.h"

namespace {

// Products that one thread takes sooner than a second one starts.
#ifndef FEW_PRODUCTS
#define FEW_PRODUCTS (int64_t{1} << 21)
#endif

// Runs a cell forward over steps [begin, end), counted in the order of computation.
template <class Shape, class Cell>
class Forward {
public:
    using Call = Arguments<Shape>;

    Forward(const Call& call, const Rows& rows) : call_(call), rows_(rows) {
        const int64_t* size = call.size;
        for (int s = 0; s < Shape::STATES; ++s) {
            const int64_t width = size[Shape::STATE_WIDTH[s]];
            state_[s] = {call.state[s], call.batch * width, width, 0, call.ring[s]};
        }
        const int64_t kept = total<Shape>(size, Shape::KEPT_WIDTH, Shape::KEPT);
        kept_ = {call.kept, call.batch * kept, kept, 0, 0};
        streams_ = call.kept && call.steps * call.batch * kept * int64_t{sizeof(real)} > STREAMED;
    }

    // Lets a run that goes over a part of the sequence alone write into memory for that part.
    void begin_at(int64_t begin, int64_t state_origin, int64_t kept_origin) {
        begin_ = begin;
        streams_ = false;
        for (auto& state : state_) state.origin = state_origin;
        kept_.origin = kept_origin;
    }

    // How many threads share out the units of a step.
    static int64_t threads_of_step(const Call& call) {
        return threads_of_units(call.few_rows(), Passes::shared_factors(call), call.threads);
    }

    void run(int64_t begin, int64_t end) {
        const Blocks blocks(call_.batch, threads_of_step(call_) > 1 ? 1 : call_.threads, call_.lengths);
        const bool few = call_.few_rows() || call_.batch < FEW * std::min(call_.threads, call_.batch);
        const int64_t width = Cell::ahead_row(call_);
        if (!few || width == 0) return walk(blocks, begin, end);
        const int64_t most = std::max<int64_t>(1, CHUNK / (call_.batch * width * sizeof(real)));
        std::unique_ptr<real[]> ahead(new real[std::min(most, end - begin) * call_.batch * width]);
        for (int64_t s = begin; s < end; s += most) {
            const int64_t stop = std::min(end, s + most);
            look_ahead(ahead.get(), width, s, stop);
            walk(blocks, s, stop);
        }
        ahead_ = nullptr;
    }

private:
    using Passes = typename Cell::ForwardPasses;

    int64_t time(int64_t s) const { return call_.reverse ? call_.steps - 1 - s : s; }

    // The part of the sums that waits for the input alone, for all steps of a chunk at once.
    void look_ahead(real* ahead, int64_t width, int64_t begin, int64_t end) {
        const int64_t low = std::min(time(begin), time(end - 1)), high = std::max(time(begin), time(end - 1));
        ahead_ = ahead;
        ahead_width_ = width;
        ahead_start_ = rows_.start[low];
        const int64_t slots = rows_.start[high + 1] - ahead_start_, pieces = (slots + BLOCK - 1) / BLOCK;
        const int64_t work = slots * width * call_.size[Shape::INPUT_WIDTH];
        in_parallel(work < FEW_PRODUCTS ? 1 : call_.threads, pieces, [&](int64_t piece) {
            const real* x[BLOCK];
            int count = 0;
            int64_t t = low;
            const int64_t stop = std::min(slots, (piece + 1) * BLOCK);
            for (int64_t k = piece * BLOCK; k < stop; ++k) {
                while (rows_.start[t + 1] - ahead_start_ <= k) ++t;
                x[count++] = call_.x + t * call_.x_step + rows_.order[k + ahead_start_ - rows_.start[t]] * call_.x_row;
            }
            Cell::look_ahead(call_, x, count, {ahead + piece * BLOCK * width, width});
        });
    }

    void walk(const Blocks& blocks, int64_t begin, int64_t end) {
        const int64_t threads = threads_of_step(call_);
        if (threads > 1) return walk_together(threads, blocks.ranks[0], begin, end);
        in_parallel(call_.threads, blocks.count, [&](int64_t k) {
            Block<Shape> block;
            prepare(block, blocks.ranks[k]);
            block.streams = streams_;
            for (int64_t s = begin; s < end; ++s) step(block, s);
            if (streams_) end_of_stream();
            if (end == call_.steps) finish(block);
        });
    }

    void prepare(Block<Shape>& block, const std::vector<int64_t>& ranks) {
        for (const int64_t rank : ranks) {
            block.rank[block.count] = rank;
            block.row[block.count++] = rows_.order[rank];
        }
        lay_out_scratch(block, call_.size, Shape::FORWARD_SCRATCH_WIDTH, Shape::FORWARD_SCRATCH);
    }

    // All threads go through the steps, each with a block of its own that points to the same memory.
    void walk_together(int64_t threads, const std::vector<int64_t>& ranks, int64_t begin, int64_t end) {
        std::unique_ptr<Block<Shape>[]> blocks(new Block<Shape>[threads]);
        prepare(blocks[0], ranks);
        for (int64_t k = 1; k < threads; ++k) blocks[k].share_memory_of(blocks[0]);
        const auto meet = [&](int64_t thread, int64_t step) {
            point(blocks[thread], begin + step);
            if (!thread) pass_over(blocks[0], begin + step);
        };
        const bool ahead = ahead_ != nullptr;
        const auto run = [&](int64_t thread, int pass, int64_t first, int64_t last) {
            if (!blocks[thread].live) return;
            if (call_.kept) Passes::template run<true>(call_, blocks[thread], pass, ahead, first, last);
            else Passes::template run<false>(call_, blocks[thread], pass, ahead, first, last);
        };
        walk_by_units<Passes>(threads, end - begin, call_.size, meet, run);
        if (end == call_.steps) finish(blocks[0]);
    }

    void step(Block<Shape>& block, int64_t s) {
        point(block, s);
        pass_over(block, s);
        if (!block.live) return;
        if (call_.kept) Cell::template step<true>(call_, block, ahead_ != nullptr);
        else Cell::template step<false>(call_, block, ahead_ != nullptr);
    }

    // Where everything is at step s.
    void point(Block<Shape>& block, int64_t s) const {
        const int64_t t = time(s);
        block.live = 0;
        while (block.live < block.count && block.rank[block.live] < rows_.live[t]) ++block.live;
        real* x = const_cast<real*>(call_.x) + t * call_.x_step;
        for (int r = 0; r < block.count; ++r) block.at[Shape::X][r] = x + block.row[r] * call_.x_row;
        const uint8_t* restarts = call_.restarts_at(t);
        for (int q = 0; q < Shape::STATES; ++q) {
            const int64_t width = state_[q].row;
            real* before = s == begin_ ? const_cast<real*>(call_.initial[q]) : state_[q].at(time(s - 1));
            real* now = state_[q].at(t);
            for (int r = 0; r < block.count; ++r) {
                block.at[Shape::PREVIOUS + q][r] = before + block.row[r] * width;
                block.at[Shape::STATE + q][r] = now + block.row[r] * width;
            }
            for (int r = 0; restarts && r < block.live; ++r)
                if (restarts[block.row[r]])
                    block.at[Shape::PREVIOUS + q][r] = const_cast<real*>(call_.restart[q]) + block.row[r] * width;
        }
        if constexpr (Shape::OUTPUTS > 0) {
            const int64_t width = call_.size[Shape::OUTPUT_WIDTH];
            real* now = call_.output + t * call_.batch * width;
            for (int r = 0; r < block.count; ++r) block.at[Shape::OUTPUT][r] = now + block.row[r] * width;
        }
        if (ahead_)
            for (int r = 0; r < block.live; ++r)
                block.ahead[r] = ahead_ + (rows_.start[t] + block.rank[r] - ahead_start_) * ahead_width_;
        if (call_.kept) point_kept<Shape>(block, kept_, call_.size, t);
    }

    // The states of rows outside of their sequence stay as they are, and their output is zero.
    void pass_over(const Block<Shape>& block, int64_t s) const {
        for (int q = 0; q < Shape::STATES; ++q) {
            const int64_t width = state_[q].row;
            for (int r = block.live; r < block.count; ++r)
                std::copy_n(block.at[Shape::PREVIOUS + q][r], width, block.at[Shape::STATE + q][r]);
            if (!call_.every || s % call_.every) continue;
            real* stored = call_.stored[q] + s / call_.every * call_.batch * width;
            for (int r = 0; r < block.count; ++r)
                std::copy_n(block.at[Shape::PREVIOUS + q][r], width, stored + block.row[r] * width);
        }
        if constexpr (Shape::OUTPUTS > 0)
            for (int r = block.live; r < block.count; ++r)
                std::fill_n(block.at[Shape::OUTPUT][r], call_.size[Shape::OUTPUT_WIDTH], real{0});
    }

    void finish(const Block<Shape>& block) {
        for (int q = 0; q < Shape::STATES; ++q) {
            if (!call_.final[q]) continue;
            const int64_t width = state_[q].row;
            const real* now = state_[q].at(time(call_.steps - 1));
            // The memory of a single step may be that of the final state.
            if (now == call_.final[q]) continue;
            for (int r = 0; r < block.count; ++r)
                std::copy_n(now + block.row[r] * width, width, call_.final[q] + block.row[r] * width);
        }
    }

    const Call& call_;
    const Rows& rows_;
    Sequence state_[at_least_one(Shape::STATES)], kept_;
    bool streams_ = false;
    int64_t begin_ = 0;
    const real* ahead_ = nullptr;
    int64_t ahead_width_ = 0, ahead_start_ = 0;
};

}  // namespace
