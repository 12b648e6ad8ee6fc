// Numbers m·2^e >= 0 with an exponent of their own, lane by lane: the range of a logarithm, the digits of a
// real, and sums without a transcendental function.
#pragma once

#include "functions.h"

namespace {

// The exponent of zero; a number whose exponent would be lower is zero.
constexpr real NOTHING = SINGLE ? -0x1p23 : -0x1p40;
// exp(x) of a lower x is zero; its exponent is far from where whole numbers are no longer exact.
constexpr real FAINTEST = SINGLE ? -0x1p20 : -0x1p36;

struct Scaled {
    Vector m, e;
};

INLINE Vector larger(Vector a, Vector b) { return select(a > b, a, b); }

// 2^d for a whole d <= 0, zero below the least exponent of a normal number.
INLINE Vector shrunk(Vector d) {
    constexpr real LEAST = SINGLE ? -127 : -1023;
    return function::Whole(function::at_least(d, LEAST) + function::C::ROUND).power();
}

INLINE Scaled operator+(Scaled a, Scaled b) {
    const Vector e = larger(a.e, b.e);
    return {a.m * shrunk(a.e - e) + b.m * shrunk(b.e - e), e};
}

INLINE Scaled operator*(Scaled a, Scaled b) { return {a.m * b.m, a.e + b.e}; }

// The same number over 2^shift, 1 <= m < 2 or zero.
INLINE Scaled normalised(Scaled x, real shift) {
    using namespace function;
    constexpr real BIAS = static_cast<real>(C::ONE >> C::FRACTION_BITS);
    const Bits bits = (Bits)x.m;
    const Vector raised = (Vector)((bits >> C::FRACTION_BITS) + (Bits)broadcast(C::ROUND));
    const Vector e = x.e + (raised - (C::ROUND + BIAS)) - shift;
    const Integers alive = (x.m > 0) & (e > NOTHING);
    return {select(alive, (Vector)((bits & C::FRACTION) | C::ONE), Vector{}),
            select(alive, e, broadcast(NOTHING))};
}

// exp(x) for x <= 0.
INLINE Scaled scaled_exp(Vector x) {
    const Integers alive = x > FAINTEST;
    const function::Reduced r = function::reduced(function::at_least(x, FAINTEST));
    return {select(alive, r.expm1 + 1, Vector{}), select(alive, r.n.value(), broadcast(NOTHING))};
}

INLINE real greatest_lane(Vector value) {
    real greatest = value[0];
    for (int k = 1; k < LANES; ++k) greatest = value[k] > greatest ? value[k] : greatest;
    return greatest;
}

}  // namespace
