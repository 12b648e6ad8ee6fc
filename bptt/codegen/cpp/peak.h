// The most multiply-adds that the processor does: nothing but independent ones, in registers.
// arguments: threads, repetitions, address of a double for the number of floating-point operations.
#pragma once

#include "vector.h"

extern "C" __attribute__((visibility("default"))) void peak(const int64_t* arguments) {
    // Enough to hide the latency of four cycles in two units; few enough for 16 registers.
    constexpr int CHAINS = 12;
    const int wanted = static_cast<int>(arguments[0]);
    const int64_t repetitions = arguments[1];
    real total = 0;
    // Of threads there may be fewer than are asked for.
    int threads = 0;
#pragma omp parallel num_threads(wanted) reduction(+ : total, threads)
    {
        threads += 1;
        Vector chain[CHAINS];
        Vector factor = broadcast(real(0.5)), term = broadcast(real(0.5));
        // Unknown to the compiler, so that nothing is worked out ahead.
        asm volatile("" : "+m"(factor), "+m"(term));
        for (int k = 0; k < CHAINS; ++k) chain[k] = broadcast(real(k));
        for (int64_t n = 0; n < repetitions; ++n)
            for (int k = 0; k < CHAINS; ++k) chain[k] = chain[k] * factor + term;
        for (int k = 0; k < CHAINS; ++k) total += sum_of_lanes(chain[k]);
    }
    // The sum is read, or no work would be left to do.
    asm volatile("" : : "r,m"(total));
    *reinterpret_cast<double*>(arguments[2]) = 2.0 * CHAINS * LANES * double(repetitions) * threads;
}
