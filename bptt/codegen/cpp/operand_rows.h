// Rows of numbers turned into rows of factors, one behind the other.
#pragma once

#include "factors.h"

namespace shared {

#ifdef BFLOAT16

const factor* const* Operand::rows(const real* const* from, int count, int64_t depth) {
    const int64_t width = factors(depth);
    memory_.resize(count * width);
    row_.resize(count);
    for (int r = 0; r < count; ++r) {
        factor* to = memory_.data() + r * width;
        int64_t k = 0;
        for (; k + LANES <= depth / 2; k += LANES) store_factors(to + k, neighbours(from[r] + 2 * k));
        for (; k < width; ++k) to[k] = 2 * k < depth ? factor_at(from[r], k, depth) : 0;
        row_[r] = to;
    }
    return row_.data();
}

#else

const factor* const* Operand::rows(const real* const* from, int count, int64_t depth) {
    const int64_t height = (depth + 3) / 4, width = height + LANES;
    memory_.resize(count * width);
    row_.resize(count);
    for (int r = 0; r < count; ++r) {
        factor* to = memory_.data() + r * width;
        const Scale scale(from[r], depth);
        write_bytes(from[r], depth, scale.inverse, 128, reinterpret_cast<unsigned char*>(to));
        to[height] = bits_of(scale.step);
        row_[r] = to;
    }
    return row_.data();
}

#endif

}  // namespace shared
