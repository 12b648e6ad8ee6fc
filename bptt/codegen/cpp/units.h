// Steps whose units are shared out to threads, which wait for each other after every pass.
#pragma once

#include <algorithm>
#include <vector>

#include "crew.h"
#include "sequences.h"

namespace {

// Bytes of weights that a thread must read in a step for its part to outweigh the wait for the others: a barrier takes
// 0.1 to 0.3 µs, and the caches give 100 bytes a nanosecond.
#ifndef SHARE
#define SHARE (int64_t{128} << 10)
#endif

// How many threads share out the units of a step of few rows that reads `shared` factors in panels.
inline int64_t threads_of_units(bool few, int64_t shared, int64_t threads) {
    if (!few) return 1;
    return std::clamp<int64_t>(shared * int64_t{sizeof(factor)} / SHARE, 1, std::min(threads, MOST_MEMBERS));
}

// Runs the passes of steps 0, 1, ...: each thread calls `meet(thread, step)` once before its units of a step, and
// `run(thread, pass, begin, end)` for its units of each pass. Thread 0 meets every step, at its first pass.
template <class Passes, class Meet, class Run>
void walk_by_units(int64_t threads, int64_t steps, const int64_t* size, const Meet& meet, const Run& run) {
    std::vector<int64_t> met(threads, -1);
    run_by_crew(threads, steps * Passes::COUNT, [&](const Share& share, int64_t job) {
        const int64_t step = job / Passes::COUNT;
        const int pass = static_cast<int>(job % Passes::COUNT);
        if (met[share.thread] != step) meet(share.thread, step);
        met[share.thread] = step;
        const int64_t width = size[Passes::WIDTH[pass]], panel = Passes::PANEL[pass] * LANES;
        const int64_t units = panel ? panel : width, panels = (width + units - 1) / units;
        const int64_t begin = share.first(panels) * units, end = std::min(width, share.last(panels) * units);
        if (begin < end) run(share.thread, pass, begin, end);
    });
}

}  // namespace
