// Weights in panels, lane by lane, and the checksum of arrays.
#pragma once

#include <algorithm>
#include <vector>

#include "packing.h"
#include "transpose.h"

namespace {

// Puts the factors of up to LANES rows of `depth` terms, the next row `row_step` behind the last, into the
// lanes of vectors, `to_step` apart. Lanes without a row are zero.
inline void pack_lanes(const parameter* rows, int64_t row_step, int64_t count, int64_t depth, factor* to,
                       int64_t to_step) {
    const int64_t height = factors(depth);
    const Weights from{rows, row_step, count, depth};
    for (int64_t k = 0; k < height; k += LANES) {
        Factors row[LANES];
#pragma GCC unroll 16
        for (int lane = 0; lane < LANES; ++lane)
            row[lane] = lane < count ? from.load(lane, k) : Factors{};
        transpose(row);
        const int there = static_cast<int>(std::min<int64_t>(LANES, height - k));
#pragma GCC unroll 16
        for (int j = 0; j < LANES; ++j)
            if (j < there) store_factors(to + (k + j) * to_step, row[j]);
    }
}

// A number that changes with every bit of up to PIECE bytes and with the order of its words. The words are dealt out to
// STRIPES sums, which the vector unit takes side by side.
constexpr int64_t STRIPES = 64, PIECE = int64_t{1} << 17;
inline uint64_t checksum_of_piece(const unsigned char* from, int64_t bytes) {
    typedef uint32_t Words __attribute__((vector_size(VECTOR_BYTES)));
    constexpr int64_t ROW = 4 * STRIPES, VECTORS = ROW / VECTOR_BYTES;
    Words sum[VECTORS]{};
    const auto add = [&](const unsigned char* row) {
        for (int64_t i = 0; i < VECTORS; ++i) {
            Words part;
            std::memcpy(&part, row + i * VECTOR_BYTES, VECTOR_BYTES);
            sum[i] = (sum[i] ^ part) * 0x9e3779b1u + (sum[i] >> 15);
        }
    };
    int64_t k = 0;
    for (; k + ROW <= bytes; k += ROW) add(from + k);
    if (k < bytes) {
        unsigned char last[ROW] = {};
        std::memcpy(last, from + k, bytes - k);
        add(last);
    }
    uint64_t all = bytes;
    for (const Words& words : sum)
        for (int64_t i = 0; i < VECTOR_BYTES / 4; ++i) all = (all ^ words[i]) * 0x9e3779b97f4a7c15u + (all >> 29);
    return all;
}

}  // namespace

namespace shared {

factor* pack_rows(const parameter* const* matrix, int entries, int vectors, int64_t first, int64_t width,
                  int64_t depth, bool wide, factor* to) {
    const int64_t height = factors(depth);
    const int columns = vectors * entries;
    for (int done = 0, group; done < columns; done += group, to += height * group * LANES) {
        group = std::min(wide ? WIDEST : GROUP, columns - done);
        for (int c = 0; c < group; ++c) {
            const int64_t j = first + (done + c) / entries * LANES;
            pack_lanes(matrix[(done + c) % entries] + j * depth, depth, width - j, depth, to + c * LANES,
                       group * LANES);
        }
    }
    return to;
}

#ifndef INT8

factor* pack_columns(const parameter* matrix, int vectors, int64_t first, int64_t width, int64_t depth, factor* to) {
    for (int done = 0; done < vectors; done += GROUP) {
        const int group = std::min(GROUP, vectors - done);
        const int64_t j = first + done * LANES, columns = group * LANES;
        for (int64_t k = 0; k < factors(depth) * PER_FACTOR; k += PER_FACTOR, to += columns) {
            const parameter* row = matrix + k * width + j;
            pack_factors(row, k + 1 < depth ? row + width : nullptr,
                         k < depth ? std::min(width - j, columns) : 0, columns, to);
        }
    }
    return to;
}

#endif

uint64_t checksum_of(const Arrays& arrays, int64_t threads) {
    int64_t pieces = 0, bytes = 0;
    for (int64_t k = 0; k < arrays.count; ++k) {
        pieces += (arrays.bytes[k] + PIECE - 1) / PIECE;
        bytes += arrays.bytes[k];
    }
    std::vector<uint64_t> sum(pieces);
    // Less is read sooner than a second thread wakes.
    in_parallel(bytes < 2 * threads * PIECE ? 1 : threads, threads, [&](int64_t thread) {
        int64_t piece = 0;
        for (int64_t k = 0; k < arrays.count; ++k)
            for (int64_t at = 0; at < arrays.bytes[k]; at += PIECE, ++piece)
                if (piece * threads / pieces == thread)
                    sum[piece] = checksum_of_piece(reinterpret_cast<const unsigned char*>(arrays.address[k]) + at,
                                                   std::min(PIECE, arrays.bytes[k] - at));
    });
    uint64_t all = 0;
    for (const uint64_t one : sum) all = (all ^ one) * 0x9e3779b97f4a7c15u + (all >> 29);
    return all;
}

}  // namespace shared
