// A stack of layers run step by step: one time step of all of them at a call, with everything in place.
//
// A few rows meet every weight once, so that a step takes as long as the weights take to come from the
// cache: threads share out the panels, and every other step begins with those that the last one ended with.
#pragma once

#include <sys/mman.h>

#include <cstdlib>
#include <utility>

#include "recurrence.h"
#include "team.h"

namespace {

// What a stepper is made from: for each layer the call of one step. The states before it are at `initial`,
// where those after it are put.
template <class Shape>
struct StepperCall {
    int64_t* stepper;
    int64_t threads, layers;
    const Arguments<Shape>* layer[1];  // as many as there are layers
};

// Packed weights, times rows, that are worth a thread.
constexpr int64_t WORTHWHILE = int64_t{1} << 16;

// Memory for weights, in huge pages if there are many and the system has such pages: small ones lie
// anywhere, crowd some sets of the cache and leave others empty, and a step takes up to a fifth longer.
inline factor* allocate_weights(int64_t count) {
    constexpr int64_t HUGE_PAGE = int64_t{2} << 20;
    const int64_t bytes = count * sizeof(factor), page = bytes > HUGE_PAGE / 2 ? HUGE_PAGE : 64;
    const int64_t whole = (bytes + page - 1) / page * page;
    void* memory = std::aligned_alloc(page, std::max(whole, page));
    if (!memory) throw std::bad_alloc();
#ifdef MADV_HUGEPAGE
    if (page == HUGE_PAGE) madvise(memory, whole, MADV_HUGEPAGE);
#endif
    return static_cast<factor*>(memory);
}

template <class Shape, class Cell>
class Stepper {
public:
    explicit Stepper(const StepperCall<Shape>& call) {
        for (int64_t k = 0; k < call.layers; ++k) layers_.push_back(*call.layer[k]);
        own_weights();
        int64_t work = 0;
        for (const auto& layer : layers_) work = std::max(work, Cell::pack_forward_size(layer) * layer.batch);
        const int64_t threads = std::clamp<int64_t>(work / WORTHWHILE, 1, call.threads);
        for (const auto& layer : layers_)
            for (int64_t row = 0; row < layer.batch; row += BLOCK) add_jobs(layer, row, threads);
        team_ = std::make_unique<Team>(threads, TeamWork{this, int64_t(jobs_.size()), pieces_of, run});
    }

    // x (B, I) to the output (B, width) of the last layer.
    void step(const real* x, real* output) {
        const FlushDenormals flush;
        const Arguments<Shape>&first = layers_.front(), &last = layers_.back();
        std::copy_n(x, first.batch * first.x_row, const_cast<real*>(first.x));
        team_->round();
        for (const auto& layer : layers_)
            for (int q = 0; q < Shape::STATES; ++q)
                std::copy_n(layer.state[q], layer.batch * layer.size[Shape::STATE_WIDTH[q]],
                            const_cast<real*>(layer.initial[q]));
        std::copy_n(last.output, last.batch * last.size[Shape::OUTPUT_WIDTH], output);
    }

    bool lives_here() const { return team_->lives_here(); }

private:
    using Passes = typename Cell::ForwardPasses;

    // A pass over up to BLOCK rows of a layer.
    struct Job {
        const Arguments<Shape>* layer;
        Block<Shape>* blocks;  // one for each thread
        int pass;
        int64_t pieces;
    };

    static const Job& job_of(const void* self, int64_t job) { return static_cast<const Stepper*>(self)->jobs_[job]; }
    static int64_t pieces_of(const void* self, int64_t job) { return job_of(self, job).pieces; }
    static void run(const void* self, int64_t thread, int64_t job, int64_t piece) {
        const auto& [layer, blocks, pass, pieces] = job_of(self, job);
        const int64_t width = layer->size[Passes::WIDTH[pass]];
        const int64_t units = pieces > 1 ? Passes::PANEL[pass] * LANES : width;
        const int64_t begin = piece * units, end = std::min(width, begin + units);
        Passes::template run<false>(*layer, blocks[thread], pass, false, begin, end);
    }

    void own_weights() {
        int64_t all = 0;
        for (const auto& layer : layers_) all += Cell::pack_forward_size(layer);
        weights_.reset(allocate_weights(all));
        factor* to = weights_.get();
        for (auto& layer : layers_) {
            std::copy_n(layer.weights, Cell::pack_forward_size(layer), to);
            layer.weights = std::exchange(to, to + Cell::pack_forward_size(layer));
        }
    }

    void add_jobs(const Arguments<Shape>& layer, int64_t row, int64_t threads) {
        Block<Shape>* blocks = blocks_.emplace_back(new Block<Shape>[threads]).get();
        point(blocks[0], layer, row);
        for (int64_t k = 1; k < threads; ++k) {
            blocks[k].live = blocks[0].live;
            blocks[k].wide = blocks[0].wide;
            std::copy_n(blocks[0].at[0], Shape::SLOTS * BLOCK, blocks[k].at[0]);
        }
        for (int pass = 0; pass < Passes::COUNT; ++pass) {
            const int64_t width = layer.size[Passes::WIDTH[pass]], panel = Passes::PANEL[pass] * LANES;
            jobs_.push_back({&layer, blocks, pass, panel ? (width + panel - 1) / panel : 1});
        }
    }

    static void point(Block<Shape>& block, const Arguments<Shape>& layer, int64_t first) {
        block.count = block.live = static_cast<int>(std::min<int64_t>(BLOCK, layer.batch - first));
        block.wide = layer.batch <= WIDE_ROWS;
        lay_out_scratch(block, layer.size, Shape::FORWARD_SCRATCH_WIDTH, Shape::FORWARD_SCRATCH);
        for (int r = 0; r < block.count; ++r) {
            const int64_t row = first + r;
            block.at[Shape::X][r] = const_cast<real*>(layer.x) + row * layer.x_row;
            for (int q = 0; q < Shape::STATES; ++q) {
                const int64_t width = layer.size[Shape::STATE_WIDTH[q]];
                block.at[Shape::PREVIOUS + q][r] = const_cast<real*>(layer.initial[q]) + row * width;
                block.at[Shape::STATE + q][r] = layer.state[q] + row * width;
            }
            block.at[Shape::OUTPUT][r] = layer.output + row * layer.size[Shape::OUTPUT_WIDTH];
        }
    }

    struct Free {
        void operator()(factor* memory) const { std::free(memory); }
    };

    std::vector<Arguments<Shape>> layers_;
    std::unique_ptr<factor, Free> weights_;
    std::vector<std::unique_ptr<Block<Shape>[]>> blocks_;
    std::vector<Job> jobs_;
    std::unique_ptr<Team> team_;
};

}  // namespace
