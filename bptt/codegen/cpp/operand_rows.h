// Rows of numbers turned into rows of factors.
#pragma once

#include "factors.h"

namespace shared {

#ifdef BFLOAT16

const factor* const* Operand::rows(const real* const* from, int count, int64_t depth) {
    const int64_t width = (depth + 1) / 2;
    memory_.resize(count * width);
    row_.resize(count);
    for (int r = 0; r < count; ++r) {
        factor* to = memory_.data() + r * width;
        for (int64_t k = 0; k < depth / 2; ++k) to[k] = factor_of(from[r][2 * k], from[r][2 * k + 1]);
        if (depth % 2) to[width - 1] = factor_at(from[r], width - 1, depth);
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
