// The norm of a row, in double: gradients that vanish through time are far below what a square in float holds.
#pragma once

#include <cmath>

#include "vector.h"

namespace {

inline double norm(const real* row, int64_t width) {
    // Sums side by side, which the compiler makes vectors of without changing the order of any.
    constexpr int64_t SIDE = 16;
    double side[SIDE]{}, sum = 0;
    int64_t j = 0;
    for (; j + SIDE <= width; j += SIDE)
        for (int64_t k = 0; k < SIDE; ++k) side[k] += static_cast<double>(row[j + k]) * row[j + k];
    for (; j < width; ++j) sum += static_cast<double>(row[j]) * row[j];
    for (const double part : side) sum += part;
    return std::sqrt(sum);
}

}  // namespace
