// The time that two threads take to wait for each other: a counter that each of them raises and then watches.
// arguments: rounds, address of a double for the seconds of a round, or -1 where there is one thread only.
#pragma once

#include "team.h"

extern "C" __attribute__((visibility("default"))) void barrier(const int64_t* arguments) {
    using Clock = std::chrono::steady_clock;
    const int64_t rounds = arguments[0];
    double seconds = -1;
    alignas(64) std::atomic<int64_t> arrived{0};
    std::atomic<int> threads{0};
    const auto meet = [&arrived](int64_t round) {
        arrived.fetch_add(1, std::memory_order_acq_rel);
        while (arrived.load(std::memory_order_acquire) < 2 * round) relax();
    };
#pragma omp parallel num_threads(2)
    {
        const int self = threads.fetch_add(1);
#pragma omp barrier
        if (threads == 2) {
            // A thread that has just been woken is late at the first one.
            meet(1);
            const auto begin = Clock::now();
            for (int64_t n = 2; n <= rounds + 1; ++n) meet(n);
            if (self == 0) seconds = std::chrono::duration<double>(Clock::now() - begin).count() / rounds;
        }
    }
    *reinterpret_cast<double*>(arguments[1]) = seconds;
}
