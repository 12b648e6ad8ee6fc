// The order of rows, and their blocks.
#pragma once

#include <algorithm>

#include "sequences.h"

namespace shared {

Rows::Rows(const int64_t* lengths, int64_t steps, int64_t batch)
    : order(batch), live(steps, batch), start(steps + 1) {
    for (int64_t b = 0; b < batch; ++b) order[b] = b;
    if (lengths) {
        std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return lengths[a] > lengths[b]; });
        std::fill(live.begin(), live.end(), 0);
        for (int64_t b = 0; b < batch; ++b)
            if (lengths[b] > 0) ++live[std::min(lengths[b], steps) - 1];
        for (int64_t t = steps - 1; t > 0; --t) live[t - 1] += live[t];
    }
    for (int64_t t = 0; t < steps; ++t) start[t + 1] = start[t] + live[t];
}

Blocks::Blocks(int64_t batch, int64_t threads, bool ragged) {
    const int64_t each = (batch + threads - 1) / threads;
    count = std::min(threads, batch) * ((each + BLOCK - 1) / BLOCK);
    ranks.resize(count);
    for (int64_t k = 0; k < batch; ++k) {
        const int64_t turn = k / count, place = k % count;
        ranks[ragged ? (turn % 2 ? count - 1 - place : place) : k * count / batch].push_back(k);
    }
}

}  // namespace shared
