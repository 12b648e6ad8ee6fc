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

// Layer by layer. With two directions their outputs are put side by side, where the next layer reads them.
template <class Shape, class Cell>
void run_layers(LayersCall<Shape>& call) {
    call.changed = checksum_of(call.parameters, call.threads) != call.checksum;
    if (call.changed) return;
    for (int64_t k = 0; k < call.layers; ++k) {
        const Arguments<Shape>* here = call.layer + k * call.directions;
        const Rows rows(nullptr, here->steps, here->batch);
        for (int64_t d = 0; d < call.directions; ++d) Forward<Shape, Cell>(here[d], rows).run(0, here->steps);
        if (call.directions == 1) continue;
        const int64_t width = here->size[Shape::OUTPUT_WIDTH], count = here->steps * here->batch;
        real* to = k + 1 < call.layers ? const_cast<real*>(here[2].x) : call.output;
        for (int64_t d = 0; d < 2; ++d) {
            const real* from = call.output_state < 0 ? here[d].output : here[d].state[call.output_state];
            for (int64_t row = 0; row < count; ++row)
                std::copy_n(from + row * width, width, to + row * 2 * width + d * width);
        }
    }
}

}  // namespace
