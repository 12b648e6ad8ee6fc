// The matrix unit that some x86 processors have (AMX): it multiplies tiles, 16 rows of 16 factors with 16 factors of
// 16 columns. The even and the odd terms of a tile are summed for themselves, and both added to what was there.
#pragma once

#include <sys/syscall.h>
#include <unistd.h>

#include "factors.h"

namespace {

// Linux gives the unit to a process that asks for it.
inline bool has_matrix_unit() {
#ifdef WITHOUT_UNIT
    return false;
#else
    constexpr long REQUEST = 0x1023, TILES = 18;
    static const bool granted = syscall(SYS_arch_prctl, REQUEST, TILES) == 0;
    return granted;
#endif
}

// Configures the eight tiles as long as the object lives: tiles 0 to 3 hold sums, tiles 4 to 7 factors. Of these, one
// belongs to the left side and has `high` rows; if `low` is not zero, a second one has `low` rows.
class Tiles {
public:
    explicit Tiles(int columns) : columns_(columns) {}
    ~Tiles() { _tile_release(); }
    Tiles(const Tiles&) = delete;

    // Loads a configuration only if it differs from the last one: to load it takes as long as several products.
    void shape(int64_t high, int64_t low) {
        if (shapes_.rows[0] == high && low_ == low) return;
        low_ = low;
        for (int k = 0; k < 8; ++k) {
            const bool left = k == 4 || (low && k == 5), second = low && (k == 2 || k == 3 || k == 5);
            shapes_.rows[k] = static_cast<uint8_t>(k > 3 && !left ? PER_TILE : second ? low : high);
            shapes_.bytes[k] = static_cast<uint16_t>(sizeof(factor) * (left ? PER_TILE : columns_));
        }
        // Not the intrinsic: its operand is the first eight bytes, so that GCC may drop the stores to all others.
        asm volatile("ldtilecfg %0" ::"m"(shapes_));
    }

private:
    struct {
        uint8_t palette = 1, start = 0, reserved[14] = {};
        uint16_t bytes[16] = {};
        uint8_t rows[16] = {};
    } shapes_;
    int64_t columns_, low_ = 0;
};

// Tiles side by side: where each begins, the bytes from one row to the next, and those to the tile of the next terms.
struct Side {
    const char* at[4];
    int64_t row, next;
};

INLINE const char* bytes(const factor* at) { return reinterpret_cast<const char*>(at); }

// Where the sums of tiles start from or go to: of N <= 4 tiles of the right side, or 2 * m + n for two of the left.
struct Places {
    real* at[4];
    int64_t row;
};

// to = from + left x right, for M tiles of the left side and N of the right.
template <int M, int N>
void multiply_tiles(Side left, Side right, int64_t depth, const Places& from, const Places& to) {
    constexpr bool ONE = N > 1, TWO = M == 2 || N > 2, THREE = N > 2 || M * N == 4;
    // The intrinsics do not tell every compiler that they read memory.
    asm volatile("" ::: "memory");
    _tile_loadd(0, from.at[0], from.row);
    if constexpr (ONE) _tile_loadd(1, from.at[1], from.row);
    if constexpr (TWO) _tile_loadd(2, from.at[2], from.row);
    if constexpr (THREE) _tile_loadd(3, from.at[3], from.row);
    for (int64_t k = 0; k < depth; k += PER_TILE) {
        _tile_loadd(4, left.at[0], left.row);
        _tile_loadd(6, right.at[0], right.row);
        _tile_dpbf16ps(0, 4, 6);
        if constexpr (ONE) {
            _tile_loadd(7, right.at[1], right.row);
            _tile_dpbf16ps(1, 4, 7);
        }
        if constexpr (M == 2) {
            _tile_loadd(5, left.at[1], left.row);
            _tile_dpbf16ps(2, 5, 6);
            if constexpr (N == 2) _tile_dpbf16ps(3, 5, 7);
        } else if constexpr (N == 4) {
            _tile_loadd(5, right.at[2], right.row);
            _tile_dpbf16ps(2, 4, 5);
            _tile_loadd(6, right.at[3], right.row);
            _tile_dpbf16ps(3, 4, 6);
        }
        for (int m = 0; m < M; ++m) left.at[m] += left.next;
        for (int n = 0; n < N; ++n) right.at[n] += right.next;
    }
    _tile_stored(0, to.at[0], to.row);
    if constexpr (ONE) _tile_stored(1, to.at[1], to.row);
    if constexpr (TWO) _tile_stored(2, to.at[2], to.row);
    if constexpr (THREE) _tile_stored(3, to.at[3], to.row);
}

// The addresses of N columns of sums in two tiles, the second of which begins `below` rows after the first.
template <int N>
Places places(real* first, int64_t step, int64_t below, const int* column) {
    Places all{{}, step * int64_t{sizeof(real)}};
    for (int n = 0; n < N; ++n) {
        all.at[n] = first + column[n] * LANES;
        if (N <= 2) all.at[2 + n] = all.at[n] + below * step;
    }
    return all;
}

}  // namespace
