// What sums of products are made of: numbers; or, with BFLOAT16, pairs of numbers of 16 bits, of which the
// processor multiplies and adds both at once. Sums, and all that is computed from them, have full width.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "vector.h"

namespace {

#ifdef BFLOAT16

static_assert(SINGLE);

// A factor is two neighbouring terms of a sum, the first in its lower half; with an odd number of terms the
// last one's neighbour is zero. A parameter is the upper half of a float.
constexpr int PER_FACTOR = 2;
using factor = uint32_t;
using parameter = uint16_t;
typedef factor Factors __attribute__((vector_size(VECTOR_BYTES)));
typedef factor UnalignedFactors __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(factor)), may_alias));

INLINE Factors load_factors(const factor* from) { return *reinterpret_cast<const UnalignedFactors*>(from); }
INLINE void store_factors(factor* to, Factors value) { *reinterpret_cast<UnalignedFactors*>(to) = value; }
INLINE Factors spread(factor value) { return value - Factors{}; }

// Without the instruction the same bits: it too adds the products of the upper halves first, and rounds twice.
INLINE Vector multiply_add(Vector sum, Factors left, Factors right) {
#if defined(MASKED) && defined(__AVX512BF16__)
    return (Vector)_mm512_dpbf16_ps((__m512)sum, (__m512bh)left, (__m512bh)right);
#else
    constexpr factor UPPER = 0xffff0000u;
    sum = multiply_add(sum, (Vector)(left & UPPER), (Vector)(right & UPPER));
    return multiply_add(sum, (Vector)(left << 16), (Vector)(right << 16));
#endif
}

// The nearest number of 16 bits, of two as near the even one; what is no number stays none.
INLINE parameter rounded(real value) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    const uint32_t nearest = bits + 0x7fff + (bits >> 16 & 1), quiet = bits | 0x400000;
    return static_cast<parameter>((value == value ? nearest : quiet) >> 16);
}
INLINE parameter rounded(parameter value) { return value; }

template <class Number>
INLINE factor factor_of(Number first, Number second) {
    return rounded(first) | static_cast<factor>(rounded(second)) << 16;
}

// Factor k of a row of so many terms.
template <class Number>
INLINE factor factor_at(const Number* row, int64_t k, int64_t depth) {
    return factor_of(row[2 * k], 2 * k + 1 < depth ? row[2 * k + 1] : Number{0});
}

// Factors k, ... of a row of so many terms; zero behind the last.
INLINE Factors load_factors(const parameter* row, int64_t k, int64_t depth) {
    Factors value{};
    const int64_t terms = depth - 2 * k;
    std::memcpy(&value, row + 2 * k, (terms < 2 * LANES ? terms : 2 * LANES) * sizeof(parameter));
    return value;
}

// Two rows of terms, of which there may be but one, as one of factors, filled up with zeros.
template <class Number>
INLINE void pack_factors(const Number* first, const Number* second, int64_t width, int64_t padded, factor* to) {
    if (second)
        for (int64_t k = 0; k < width; ++k) to[k] = factor_of(first[k], second[k]);
    else
        for (int64_t k = 0; k < width; ++k) to[k] = factor_of(first[k], Number{0});
    for (int64_t k = width; k < padded; ++k) to[k] = 0;
}

// Rows of numbers as rows of factors, in memory that is kept for the next ones.
class Operand {
public:
    const factor* const* rows(const real* const* from, int count, int64_t depth) {
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

private:
    std::vector<factor> memory_;
    std::vector<const factor*> row_;
};

#else

constexpr int PER_FACTOR = 1;
using factor = real;
using parameter = real;
using Factors = Vector;

INLINE Factors load_factors(const factor* from) { return load(from); }
INLINE Factors load_factors(const real* row, int64_t k, int64_t depth) {
    return load(row + k, static_cast<int>(depth - k < LANES ? depth - k : LANES));
}
INLINE void store_factors(factor* to, Factors value) { store(to, value); }
INLINE Factors spread(factor value) { return broadcast(value); }

INLINE void pack_factors(const real* row, const real*, int64_t width, int64_t padded, factor* to) {
    for (int64_t k = 0; k < padded; k += LANES) {
        const int64_t lanes = width - k < LANES ? width - k : LANES;
        store(to + k, lanes > 0 ? load(row + k, static_cast<int>(lanes)) : Vector{});
    }
}

struct Operand {
    static const factor* const* rows(const real* const* from, int, int64_t) { return from; }
};

#endif

// How many factors hold so many terms.
constexpr int64_t factors(int64_t terms) { return (terms + PER_FACTOR - 1) / PER_FACTOR; }

}  // namespace
