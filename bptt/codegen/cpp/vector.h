// The vector unit of the machine through the vector extensions of GCC and Clang: one source for
// AVX-512, AVX2, NEON and whatever else the compiler knows. REAL is float or double.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512F__) || defined(__SSE__)
#include <immintrin.h>
#endif

#ifndef REAL
#define REAL float
#endif
#define INLINE inline __attribute__((always_inline))

#if defined(__AVX512F__) && !defined(NARROW)
constexpr int VECTOR_BYTES = 64, REGISTERS = 32;
#define MASKED 1
#elif defined(__AVX__) && !defined(NARROW)
constexpr int VECTOR_BYTES = 32, REGISTERS = 16;
#elif defined(__aarch64__)
constexpr int VECTOR_BYTES = 16, REGISTERS = 32;
#else
constexpr int VECTOR_BYTES = 16, REGISTERS = 16;
#endif

namespace {

using real = REAL;
constexpr bool SINGLE = sizeof(real) == 4;
constexpr int LANES = VECTOR_BYTES / sizeof(real);

typedef real Vector __attribute__((vector_size(VECTOR_BYTES)));
typedef real Unaligned __attribute__((vector_size(VECTOR_BYTES), aligned(sizeof(real)), may_alias));
// As many bits as a real: what a comparison of vectors gives, all ones where it holds.
template <int Bytes> struct IntegerOf { using type = int32_t; };
template <> struct IntegerOf<8> { using type = int64_t; };
using integer = IntegerOf<sizeof(real)>::type;
typedef integer Integers __attribute__((vector_size(VECTOR_BYTES)));

INLINE Vector broadcast(real value) { return value - Vector{}; }

INLINE Vector load(const real* from) { return *reinterpret_cast<const Unaligned*>(from); }
INLINE void store(real* to, Vector value) { *reinterpret_cast<Unaligned*>(to) = value; }

INLINE Integers lanes_below(int count) {
    Integers lane;
    for (int k = 0; k < LANES; ++k) lane[k] = k;
    return lane < static_cast<integer>(count);
}

INLINE Vector select(Integers where, Vector yes, Vector no) { return where ? yes : no; }

// The first `count` lanes; the others are zero. Memory behind them is not touched.
INLINE Vector load(const real* from, int count) {
#ifdef MASKED
    if constexpr (SINGLE) {
        return (Vector)_mm512_maskz_loadu_ps((__mmask16)((1u << count) - 1), from);
    } else {
        return (Vector)_mm512_maskz_loadu_pd((__mmask8)((1u << count) - 1), from);
    }
#else
    if (count == LANES) return load(from);
    Vector value{};
    std::memcpy(&value, from, count * sizeof(real));
    return value;
#endif
}

// Only the first `count` lanes; memory behind them is not touched.
INLINE void store(real* to, Vector value, int count) {
#ifdef MASKED
    if constexpr (SINGLE) {
        _mm512_mask_storeu_ps(to, (__mmask16)((1u << count) - 1), (__m512)value);
    } else {
        _mm512_mask_storeu_pd(to, (__mmask8)((1u << count) - 1), (__m512d)value);
    }
#else
    if (count == LANES) return store(to, value);
    std::memcpy(to, &value, count * sizeof(real));
#endif
}

// Writes a whole line of the cache without reading it first, past the caches; before another thread reads it, this
// one must call `end_of_stream`.
INLINE void stream(real* to, Vector value) {
#ifdef MASKED
    if (reinterpret_cast<uintptr_t>(to) % VECTOR_BYTES == 0)
        return _mm512_stream_ps(reinterpret_cast<float*>(to), (__m512)value);
#endif
    store(to, value);
}
inline void end_of_stream() {
#ifdef MASKED
    _mm_sfence();
#endif
}

// sum + left * right, rounded once where the machine can. Left to the compiler, it depends on the loop: GCC
// splits the multiply-adds of a single chain, for their latency (avoid-fma-max-bits), and a tile of one row
// would differ in the last bit from the same row in a taller one.
INLINE Vector multiply_add(Vector sum, Vector left, Vector right) {
#if defined(MASKED)
    if constexpr (SINGLE) return (Vector)_mm512_fmadd_ps((__m512)left, (__m512)right, (__m512)sum);
    else return (Vector)_mm512_fmadd_pd((__m512d)left, (__m512d)right, (__m512d)sum);
#elif defined(__FMA__) && !defined(NARROW)
    if constexpr (SINGLE) return (Vector)_mm256_fmadd_ps((__m256)left, (__m256)right, (__m256)sum);
    else return (Vector)_mm256_fmadd_pd((__m256d)left, (__m256d)right, (__m256d)sum);
#elif defined(__FMA__)
    if constexpr (SINGLE) return (Vector)_mm_fmadd_ps((__m128)left, (__m128)right, (__m128)sum);
    else return (Vector)_mm_fmadd_pd((__m128d)left, (__m128d)right, (__m128d)sum);
#else
    return sum + left * right;
#endif
}

// The sum of all lanes, in an order that is always the same.
INLINE real sum_of_lanes(Vector value) {
    real part[LANES];
    std::memcpy(part, &value, sizeof part);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; ++k) part[k] += part[k + half];
    return part[0];
}

// Denormal numbers count as zero on this thread while this stands: they are a hundred times slower
// than others and of no weight here. What the thread had before comes back.
class FlushDenormals {
public:
#if defined(__SSE__)
    FlushDenormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
    ~FlushDenormals() { _mm_setcsr(before_); }

private:
    unsigned before_;
#elif defined(__aarch64__)
    FlushDenormals() {
        __asm__ __volatile__("mrs %0, fpcr" : "=r"(before_));
        __asm__ __volatile__("msr fpcr, %0" : : "r"(before_ | (uint64_t{1} << 24)));
    }
    ~FlushDenormals() { __asm__ __volatile__("msr fpcr, %0" : : "r"(before_)); }

private:
    uint64_t before_;
#endif
};

}  // namespace
