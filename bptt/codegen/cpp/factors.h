// What sums of products are made of: numbers; with BFLOAT16, pairs of numbers of 16 bits; with INT8, four
// numbers of 8 bits. The processor multiplies and adds a whole factor at once. Sums, and all that is computed
// from them, have full width.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "vector.h"

namespace {

#if defined(BFLOAT16) || defined(INT8)

static_assert(SINGLE);

using factor = uint32_t;
typedef factor Factors __attribute__((vector_size(VECTOR_BYTES)));
typedef factor UnalignedFactors __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(factor)), may_alias));

INLINE Factors load_factors(const factor* from) { return *reinterpret_cast<const UnalignedFactors*>(from); }
INLINE void store_factors(factor* to, Factors value) { *reinterpret_cast<UnalignedFactors*>(to) = value; }
INLINE Factors spread(factor value) { return value - Factors{}; }

#endif

#if defined(BFLOAT16)

#if defined(MASKED) && defined(__AMX_BF16__) && defined(__linux__)
#define MATRIX_UNIT
#endif

// A factor is two neighbouring terms of a sum, the first in its lower half; with an odd number of terms the
// last one's neighbour is zero. A parameter is the upper half of a float.
constexpr int PER_FACTOR = 2;
using parameter = uint16_t;

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

// The factors of 2 * LANES terms.
INLINE Factors neighbours(const real* terms) {
#if defined(MASKED) && defined(__AVX512BF16__)
    return (Factors)_mm512_cvtne2ps_pbh((__m512)load(terms + LANES), (__m512)load(terms));
#else
    Factors value;
    for (int k = 0; k < LANES; ++k) value[k] = factor_at(terms, k, 2 * LANES);
    return value;
#endif
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

#elif defined(INT8)

// A row of numbers is that of the nearest multiples of its scale, a 127th of its largest magnitude. A factor is
// four neighbouring multiples: of a row of weights with their sign, of a row that meets them 128 more. Behind
// the factors of a row is its scale; behind those of weights also what the 128 are too much in all. A row with
// NaN or infinity has the scale NaN, and one that is nearly zero is zero.
constexpr int PER_FACTOR = 4;
using parameter = real;

// sum + the products of the four pairs, which fit: up to 2^16 terms.
INLINE Integers multiply_add(Integers sum, Factors left, Factors right) {
#if defined(MASKED) && defined(__AVX512VNNI__)
    return (Integers)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)left, (__m512i)right);
#elif defined(__AVXVNNI__) && !defined(MASKED) && !defined(NARROW)
    return (Integers)_mm256_dpbusd_avx_epi32((__m256i)sum, (__m256i)left, (__m256i)right);
#else
    for (int bit = 0; bit < 32; bit += 8)
        sum += (Integers)(left >> bit & 255u) * ((Integers)(right << (24 - bit)) >> 24);
    return sum;
#endif
}

// The scale of rows, and its inverse; the inverse is 0 where all numbers count as 0.
struct Scale {
    real step, inverse;

    Scale(const real* row, int64_t depth) {
        Vector most{}, poison{};
        for (int64_t k = 0; k < depth; k += LANES) {
            const Vector value = load(row + k, static_cast<int>(std::min<int64_t>(LANES, depth - k)));
            const Vector magnitude = (Vector)((Integers)value & 0x7fffffff);
            most = select(magnitude > most, magnitude, most);
            poison += value * real{0};
        }
        real largest = 0;
        for (int lane = 0; lane < LANES; ++lane) largest = std::max(largest, most[lane]);
        const bool finite = sum_of_lanes(poison) == 0, none = !finite || largest < real{1e-30};
        step = finite ? none ? 0 : largest / 127 : std::numeric_limits<real>::quiet_NaN();
        inverse = none ? 0 : 127 / largest;
    }
};

INLINE factor bits_of(real value) {
    factor bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}
INLINE real real_of(factor bits) {
    real value;
    std::memcpy(&value, &bits, sizeof value);
    return value;
}

// The multiples of a row as bytes, each `more` larger; behind them up to LANES more are written. To add 1.5 *
// 2^23 rounds to the nearest whole number, of two as near the even one, in the lower bits.
INLINE void write_bytes(const real* row, int64_t depth, real inverse, factor more, unsigned char* to) {
    typedef unsigned char Bytes __attribute__((vector_size(LANES)));
    for (int64_t k = 0; k < depth; k += LANES) {
        const Vector value = load(row + k, static_cast<int>(std::min<int64_t>(LANES, depth - k)));
        // A product of its own: as part of a multiply-add it would not be rounded on some machines.
        const Vector multiple = multiply_add(Vector{}, value, broadcast(inverse));
        const Factors whole = (Factors)(multiple + real{12582912}) + more;
        const Bytes bytes = __builtin_convertvector(inverse == 0 ? spread(more) : whole, Bytes);
        std::memcpy(to + k, &bytes, sizeof bytes);
    }
}

// Rows of weights as rows of factors.
class Weights {
public:
    Weights(const parameter* rows, int64_t row_step, int64_t count, int64_t depth)
        : width_((depth + 3) / 4 + 2 * LANES), memory_(std::min<int64_t>(count, LANES) * width_) {
        const int64_t height = (depth + 3) / 4;
        for (int64_t lane = 0; lane < std::min<int64_t>(count, LANES); ++lane) {
            factor* to = memory_.data() + lane * width_;
            const Scale scale(rows + lane * row_step, depth);
            write_bytes(rows + lane * row_step, depth, scale.inverse, 0, reinterpret_cast<unsigned char*>(to));
            int32_t sum = 0;
            for (int64_t k = 0; k < depth; ++k) sum += reinterpret_cast<const signed char*>(to)[k];
            to[height] = bits_of(scale.step);
            to[height + 1] = static_cast<factor>(-128 * sum);
        }
    }

    Factors load(int lane, int64_t k) const { return load_factors(memory_.data() + lane * width_ + k); }

private:
    int64_t width_;
    std::vector<factor> memory_;
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

#ifdef INT8

using Sum = Integers;
constexpr int BEHIND = 2;
INLINE Sum first_sum(const real*) { return Sum{}; }
// from + the sum in the scale of both rows: of weights, with `step` to what is behind their scale, and of another.
INLINE Vector last_sum(Sum sum, const real* from, const factor* weights, int64_t step, const factor* row) {
    const Vector whole = __builtin_convertvector(sum + (Integers)load_factors(weights + step), Vector);
    // Rounded after the product and after the sum, with multiply-adds and without them.
    const Vector scale = multiply_add(Vector{}, (Vector)load_factors(weights), broadcast(real_of(*row)));
    return load(from) + multiply_add(Vector{}, whole, scale);
}

#else

using Sum = Vector;
constexpr int BEHIND = 0;
INLINE Sum first_sum(const real* from) { return load(from); }
INLINE Vector last_sum(Sum sum, const real*, const factor*, int64_t, const factor*) { return sum; }

// Rows of weights as rows of factors.
struct Weights {
    const parameter* rows;
    int64_t row_step, count, depth;

    Factors load(int lane, int64_t k) const { return load_factors(rows + lane * row_step, k, depth); }
};

#endif

// The factors of a term's sum that the processor takes at once: tiles of its matrix unit, or one.
#ifdef MATRIX_UNIT
constexpr int PER_TILE = 16;
#else
constexpr int PER_TILE = 1;
#endif

// How many factors hold so many terms, and what is BEHIND them.
constexpr int64_t factors(int64_t terms) {
    constexpr int AT_ONCE = PER_FACTOR * PER_TILE;
    return (terms + AT_ONCE - 1) / AT_ONCE * PER_TILE + BEHIND;
}

}  // namespace

#if defined(BFLOAT16) || defined(INT8)

namespace shared {

// Rows of numbers as rows of factors, in memory that is kept for the next ones.
class Operand {
public:
    const factor* const* rows(const real* const* from, int count, int64_t depth);

private:
    std::vector<factor> memory_;
    std::vector<const factor*> row_;
};

}  // namespace shared

using namespace shared;

#ifndef LINKED
#include "operand_rows.h"
#endif
#endif
