// Layers of one cell, each in one or both directions, run over sequences by one call.
#pragma once

#include "packing.h"
#include "recurrence.h"

namespace {

template <class Shape>
struct LayersCall {
    int64_t changed;                // set to 1, with nothing computed, if the checksum is another
    uint64_t checksum;              // that of the parameters, all as they were when the weights were packed
    Arrays parameters;
    int64_t threads, layers, directions;
    int64_t output_state;           // the state that is the output, or -1
    real* output;                   // (T, B, 2 * width) of the last layer, for two directions
    Arguments<Shape> layer[1];      // layers * directions
};

// Steps that a thread takes of a layer before it waits for the threads that take other layers; their products with
// the input are taken at once.
constexpr int64_t STRIDE = BLOCK;
// Factors read in all steps of a layer that are worth a thread.
constexpr int64_t WORTH_A_LAYER = int64_t{1} << 20;

// Several layers at a time, each on one thread: of each other independent, or `waiting`, when layer k goes through
// the steps that layer k - 1 went through before.
template <class Shape, class Cell>
void run_at_once(const Arguments<Shape>* layer, int64_t count, bool waiting, const Rows& rows, int64_t threads) {
    const int64_t steps = layer->steps, strides = (steps + STRIDE - 1) / STRIDE;
    std::vector<Arguments<Shape>> alone(layer, layer + count);
    for (auto& one : alone) one.threads = 1;
    const int64_t jobs = waiting ? strides + count - 1 : strides;
    run_by_crew(std::min(threads, count), jobs, [&](const Share& share, int64_t job) {
        for (int64_t k = share.first(count); k < share.last(count); ++k) {
            const int64_t begin = (waiting ? job - k : job) * STRIDE, end = std::min(steps, begin + STRIDE);
            if (0 <= begin && begin < end) Forward<Shape, Cell>(alone[k], rows).run(begin, end);
        }
    });
}

// Puts the outputs of two directions side by side.
template <class Shape>
void join_directions(const LayersCall<Shape>& call, const Arguments<Shape>* layer, real* to) {
    const int64_t width = layer->size[Shape::OUTPUT_WIDTH], count = layer->steps * layer->batch;
    for (int64_t d = 0; d < 2; ++d) {
        const real* from = call.output_state < 0 ? layer[d].output : layer[d].state[call.output_state];
        for (int64_t row = 0; row < count; ++row)
            std::copy_n(from + row * width, width, to + row * 2 * width + d * width);
    }
}

// Layer by layer, unless there are fewer rows than threads and a layer is not worth several threads by itself.
template <class Shape, class Cell>
void run_layers(LayersCall<Shape>& call) {
    const Arguments<Shape>* first = call.layer;
    const CrewScope crew(first->batch <= FEW_ROWS);
    call.changed = checksum_of(call.parameters, call.threads) != call.checksum;
    if (call.changed) return;
    const Rows rows(nullptr, first->steps, first->batch);
    const bool alone = first->batch < call.threads && Forward<Shape, Cell>::threads_of_step(*first) == 1;
    const bool at_once = alone && first->steps * Cell::pack_forward_size(*first) >= WORTH_A_LAYER;
    if (at_once && call.directions == 1)
        return run_at_once<Shape, Cell>(first, call.layers, true, rows, call.threads);
    for (int64_t k = 0; k < call.layers; ++k) {
        const Arguments<Shape>* here = first + k * call.directions;
        if (at_once) run_at_once<Shape, Cell>(here, call.directions, false, rows, call.threads);
        else
            for (int64_t d = 0; d < call.directions; ++d) Forward<Shape, Cell>(here[d], rows).run(0, here->steps);
        if (call.directions == 2)
            join_directions(call, here, k + 1 < call.layers ? const_cast<real*>(here[2].x) : call.output);
    }
}

}  // namespace
