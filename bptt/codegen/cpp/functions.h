// The nonlinear functions of cells, lane by lane on a Vector.
//
// Limits at ±∞ are exact, NaN gives NaN (sign and step: 0, as in torch). Where denormals are flushed, a
// denormal argument or result counts as 0. Largest errors found, in float and double, with AVX-512, AVX2,
// SSE2 and NEON, in ulp: sqrt 0.5, sin and cos 0.6 (the C library's), log 0.9, exp 1.1, rsqrt 1.5,
// softplus 2.0, sigmoid 2.4, tanh 2.6.
#pragma once

#include <cmath>
#include <limits>
#include <type_traits>

#include "vector.h"

// An instruction of two arguments by the name that it has in all widths.
#if defined(MASKED)
#define INTRINSIC(name, a, b)                                            \
    (SINGLE ? (Vector)_mm512_##name##_ps((__m512)(a), (__m512)(b))       \
            : (Vector)_mm512_##name##_pd((__m512d)(a), (__m512d)(b)))
#elif defined(__AVX__) && !defined(NARROW)
#define INTRINSIC(name, a, b)                                            \
    (SINGLE ? (Vector)_mm256_##name##_ps((__m256)(a), (__m256)(b))       \
            : (Vector)_mm256_##name##_pd((__m256d)(a), (__m256d)(b)))
#elif defined(__SSE2__)
#define INTRINSIC(name, a, b)                                            \
    (SINGLE ? (Vector)_mm_##name##_ps((__m128)(a), (__m128)(b))          \
            : (Vector)_mm_##name##_pd((__m128d)(a), (__m128d)(b)))
#endif

namespace {
namespace function {

constexpr real INFINITE = std::numeric_limits<real>::infinity();
constexpr real NOT_A_NUMBER = std::numeric_limits<real>::quiet_NaN();

// The bits of a Vector; without a sign, so that they may wrap.
typedef std::make_unsigned_t<integer> Bits __attribute__((vector_size(VECTOR_BYTES)));

// The polynomials interpolate at the Chebyshev nodes of their interval, computed with 60 digits;
// LN2_HIGH has few enough bits for n·LN2_HIGH to be exact, LN2_LOW is the rest of ln 2.
template <int Bytes> struct Constants;
template <> struct Constants<4> {
    // The bits of numbers.
    static constexpr uint32_t ONE = 0x3f800000, SQRT_HALF = 0x3f3504f3, FRACTION = 0x7fffff;
    static constexpr int FRACTION_BITS = 23;
    // Adding it rounds to a whole number, which then stands in the low bits.
    static constexpr float ROUND = 0x1.8p23f;
    static constexpr float LN2_HIGH = 0x1.62e4p-1f, LN2_LOW = 0x1.7f7d1cp-20f, LOG2_E = 0x1.715476p0f;
    static constexpr float EXP_LEAST = -104, EXP_MOST = 89, NORMAL = 88, TANH_MOST = 20;
    // (exp(r) - 1 - r)/r² on |r| <= ln(2)/2: together with r, within 2.4e-8 of expm1(r).
    static constexpr float EXP[] = {0.5f, 0.16666578f, 0.041666556f, 0.008363173f, 0.0013926176f};
    // (2·atanh(s)/s - 2)/s² in s² on |s| <= 3 - 2√2: together with 2s, within 2.6e-9.
    static constexpr float LOG[] = {0.66666687f, 0.3998878f, 0.2957995f};
};
template <> struct Constants<8> {
    static constexpr uint64_t ONE = 0x3ff0000000000000, SQRT_HALF = 0x3fe6a09e667f3bcd,
                              FRACTION = 0xfffffffffffff;
    static constexpr int FRACTION_BITS = 52;
    static constexpr double ROUND = 0x1.8p52;
    static constexpr double LN2_HIGH = 0x1.62e42fefa38p-1, LN2_LOW = 0x1.ef35793c7673p-45,
                            LOG2_E = 0x1.71547652b82fep0;
    static constexpr double EXP_LEAST = -746, EXP_MOST = 710, NORMAL = 709, TANH_MOST = 40;
    // Within 4.1e-17 and 4.7e-18.
    static constexpr double EXP[] = {
        0.5000000000000001,    0.16666666666666669,    0.041666666666624164,  0.008333333333330065,
        0.0013888888917196719, 0.00019841269863040545, 2.4801521322368692e-05, 2.7557268480310024e-06,
        2.7620075879983367e-07, 2.5100375832561234e-08};
    static constexpr double LOG[] = {0.666666666666667,   0.39999999999899505, 0.28571428625975487,
                                     0.2222221113479508,  0.18182889125261723, 0.15331721600556042,
                                     0.14616449685043406};
};
using C = Constants<sizeof(real)>;

template <int N> INLINE Vector polynomial(const real (&coefficient)[N], Vector x) {
    Vector sum = broadcast(coefficient[N - 1]);
#pragma GCC unroll 16
    for (int k = N - 2; k >= 0; --k) sum = sum * x + coefficient[k];
    return sum;
}

// The larger of both, x where it is NaN: the instruction returns its second operand then.
INLINE Vector at_least(Vector x, real least) {
#ifdef INTRINSIC
    return INTRINSIC(max, broadcast(least), x);
#else
    return select(x < least, broadcast(least), x);
#endif
}

INLINE Vector at_most(Vector x, real most) {
#ifdef INTRINSIC
    return INTRINSIC(min, broadcast(most), x);
#else
    return select(x > most, broadcast(most), x);
#endif
}

INLINE Bits sign_bit(Vector x) { return (Bits)x & (Bits)broadcast(-real(0)); }
INLINE Vector abs(Vector x) { return (Vector)((Bits)x ^ sign_bit(x)); }

// A whole number |n| < ROUND/4, as n and as n + ROUND, where it stands in the low bits.
struct Whole {
    Vector raised;
    INLINE explicit Whole(Vector raised) : raised(raised) {}
    INLINE Vector value() const { return raised - C::ROUND; }
    // 2ⁿ for n of normal numbers; 0 for n one below the least of these.
    INLINE Vector power() const { return (Vector)(((Bits)raised << C::FRACTION_BITS) + C::ONE); }
};

// exp(x) = 2ⁿ·(1 + expm1), with expm1 that of x - n·ln 2.
struct Reduced {
    Whole n;
    Vector expm1;
};

INLINE Reduced reduced(Vector x) {
    const Whole n(x * C::LOG2_E + C::ROUND);
    const Vector r = (x - n.value() * C::LN2_HIGH) - n.value() * C::LN2_LOW;
    return {n, r * r * polynomial(C::EXP, r) + r};
}

INLINE Vector exp(Vector x) {
    const Reduced e = reduced(at_most(at_least(x, C::EXP_LEAST), C::EXP_MOST));
#ifdef MASKED
    return INTRINSIC(scalef, e.expm1 + 1, e.n.value());
#else
    // 2ⁿ alone may be too large or small for a number where the result is not.
    const Whole half(e.n.value() * real(0.5) + C::ROUND), rest(e.n.raised - half.value());
    return (e.expm1 + 1) * half.power() * rest.power();
#endif
}

INLINE Vector sigmoid(Vector x) {
    const Reduced e = reduced(at_most(at_least(x, -C::NORMAL), C::NORMAL));
    const Vector exponential = (e.expm1 + 1) * e.n.power();
    return exponential / (exponential + 1);
}

// m/(m + 2) with m = expm1(2|x|), which is as exact near 0 as elsewhere.
INLINE Vector tanh(Vector x) {
    const Vector size = abs(x);
    const Reduced e = reduced(at_most(size + size, C::TANH_MOST));
    const Vector power = e.n.power(), m = power * e.expm1 + (power - 1);
    return (Vector)((Bits)(m / (m + 2)) | sign_bit(x));
}

// x = 2ⁿ·(1 + f) with √½ <= 1 + f < √2; log(1 + f) = 2·atanh(s), arranged so that f is added last.
INLINE Vector log(Vector x) {
    constexpr int BIAS = C::ONE >> C::FRACTION_BITS;
    const Bits bits = (Bits)x - C::SQRT_HALF, biased = (bits + C::ONE) >> C::FRACTION_BITS;
    const Vector n = (Vector)(biased + (Bits)broadcast(C::ROUND)) - (C::ROUND + BIAS);
    const Vector f = (Vector)((bits & C::FRACTION) + C::SQRT_HALF) - 1;
    const Vector s = f / (f + 2), square = s * s, half = f * f * real(0.5);
    const Vector rest = s * (half + square * polynomial(C::LOG, square));
    const Vector value = n * C::LN2_HIGH - ((half - (rest + n * C::LN2_LOW)) - f);
    const Vector pole = select(x < 0, broadcast(NOT_A_NUMBER), broadcast(-INFINITE));
    return select(x < std::numeric_limits<real>::min(), pole, select(x < INFINITE, value, x));
}

INLINE Vector relu(Vector x) { return at_least(x, 0); }

// log1p(u) = log(w) + (u - (w - 1))/w with w = 1 + u rounded.
INLINE Vector softplus(Vector x) {
    const Vector u = exp(-abs(x)), w = u + 1;
    return relu(x) + (log(w) + (u - (w - 1)) / w);
}

template <real F(real)> INLINE Vector each_lane(Vector x) {
    real lane[LANES];
    store(lane, x);
    for (int k = 0; k < LANES; ++k) lane[k] = F(lane[k]);
    return load(lane);
}

INLINE Vector sqrt(Vector x) { return each_lane<std::sqrt>(x); }
INLINE Vector rsqrt(Vector x) { return 1 / sqrt(x); }
INLINE Vector sin(Vector x) { return each_lane<std::sin>(x); }
INLINE Vector cos(Vector x) { return each_lane<std::cos>(x); }

INLINE Vector step(Vector x) { return select(x > 0, broadcast(1), Vector{}); }
INLINE Vector sign(Vector x) { return step(x) - step(-x); }

INLINE Vector minimum(Vector a, Vector b) { return select((a < b) | (a != a), a, b); }
INLINE Vector maximum(Vector a, Vector b) { return select((a > b) | (a != a), a, b); }

// A whole power by repeated multiplication.
template <int Exponent>
INLINE Vector power(Vector base) {
    Vector product = base;
    for (int k = 1; k < Exponent; ++k) product = product * base;
    return product;
}

}  // namespace function
}  // namespace
