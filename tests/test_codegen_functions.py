"""The functions of kernels against 40 digits, and against torch where no digits count: 0, ±∞ and NaN.

Wide vectors, narrower ones, and the plain ones of a processor without fused multiplication.
"""

from __future__ import annotations

import ctypes
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

import mpmath
import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from bptt.cells import functions
from bptt.codegen.kernel_source import KernelSource
from bptt.runtime import compiler
from bptt.runtime.reference import expressions

ULP = 4
POINTS = 1000
REALS = {"float": np.float32, "double": np.float64}
WIDTHS = {"native": ("-march=native",), "plain": ("-DNARROW",)}
if platform.machine() in {"x86_64", "AMD64"}:
    WIDTHS |= {"avx2": ("-march=native", "-mno-avx512f"), "plain": ("-march=x86-64", "-DNARROW")}

KERNEL = """
extern "C" __attribute__((visibility("default")))
void every_{name}(const real* a, const real* b, real* result, int64_t size) {{
    const FlushDenormals flushed;
    for (int64_t k = 0; k < size; k += LANES) {{
        const int lanes = size - k < LANES ? size - k : LANES;
        store(result + k, function::{name}({arguments}), lanes);
    }}
}}
"""


def text() -> str:
    """One kernel for each function that a cell may call."""
    kernels = [
        KERNEL.format(name=f.name, arguments=", ".join(f"load({x} + k, lanes)" for x in "ab"[: f.arity]))
        for f in functions.FUNCTIONS.values()
    ]
    return '#include "functions.h"\n' + "".join(kernels)


@dataclass(frozen=True)
class Kernels:
    """All functions, compiled for one type and width."""

    library: ctypes.CDLL
    real: type[np.floating]

    def __call__(self, name: str, *arguments: NDArray) -> NDArray:
        given = [np.ascontiguousarray(a, self.real) for a in arguments]
        result = np.full_like(given[0], 77)
        places = [ctypes.c_void_p(a.ctypes.data) for a in (given[0], given[-1], result)]
        self.library[f"every_{name}"](*places, ctypes.c_int64(result.size))
        return result


@pytest.fixture(scope="module", params=[(r, w) for r in REALS for w in WIDTHS], ids="-".join)
def kernels(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Kernels:
    real, width = request.param
    source = KernelSource(f"functions-{real}-{width}", f"#define REAL {real}\n{text()}")
    try:
        cxx = compiler.find()
        flags = cxx.accepted(*WIDTHS[width])
    except compiler.BuildError as error:
        pytest.skip(str(error))
    library = cxx.build(source, flags, tmp_path_factory.mktemp("kernels"))
    return Kernels(ctypes.CDLL(str(library)), REALS[real])


def softplus(x: mpmath.mpf) -> mpmath.mpf:
    return max(x, 0) + mpmath.log1p(mpmath.exp(-abs(x)))


TRUTHS: Mapping[str, Callable[[mpmath.mpf], mpmath.mpf]] = {
    "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
    "tanh": mpmath.tanh,
    "exp": mpmath.exp,
    "log": mpmath.log,
    "sqrt": mpmath.sqrt,
    "rsqrt": lambda x: 1 / mpmath.sqrt(x),
    "softplus": softplus,
    "sin": mpmath.sin,
    "cos": mpmath.cos,
}


def span(name: str, real: type[np.floating]) -> tuple[float, float]:
    """Where neither argument nor value overflows or is denormal."""
    limits = np.finfo(real)
    least, end = float(limits.tiny), np.log(float(limits.max))
    if name in {"log", "sqrt", "rsqrt"}:
        return least, 1 / least
    if name in {"exp", "sigmoid", "softplus"}:
        return np.ceil(np.log(least)), float(np.nextafter(real(end), real(0)))
    return -40.0, 40.0


@cache
def points(name: str, real: type[np.floating]) -> NDArray:
    """Evenly, and by powers, down to the smallest number and to the neighbours of 1."""
    limits, (low, high) = np.finfo(real), span(name, real)
    sizes = np.geomspace(limits.tiny, high, POINTS)
    near = np.geomspace(limits.eps, 1, POINTS)
    x = np.concatenate(
        [np.linspace(low, high, POINTS), np.linspace(-4, 4, POINTS), sizes, -sizes, 1 + near, 1 - near]
    )
    x = x.astype(real)
    return x[(low <= x) & (x <= high) & (abs(x) >= limits.tiny)]


@cache
def truth(name: str, real: type[np.floating]) -> tuple[NDArray, NDArray]:
    """The values at the points as a number of float64 and what it leaves."""
    with mpmath.workdps(40):
        exact = [TRUTHS[name](mpmath.mpf(float(x))) for x in points(name, real)]
        return np.array([float(y) for y in exact]), np.array([float(y - float(y)) for y in exact])


@pytest.mark.parametrize("name", TRUTHS)
def test_a_few_units_in_the_last_place(kernels: Kernels, name: str) -> None:
    value, rest = truth(name, kernels.real)
    error = (kernels(name, points(name, kernels.real)) - value) - rest
    assert (abs(error / np.spacing(abs(value).astype(kernels.real))) <= ULP).all()


LIMITS = np.array([0.0, -0.0, np.inf, -np.inf, np.nan])
# Too small to change 1; ordinary; where exp ends in float32 and in float64; beyond.
CORNERS = np.array([1e-30, 1.0, 20.0, 87.0, 88.5, 89.0, 104.0, 708.0, 709.5, 710.0, 746.0, 1e30])
UNARY = [f.name for f in functions.FUNCTIONS.values() if f.arity == 1]
BINARY = [f.name for f in functions.FUNCTIONS.values() if f.arity == 2]
SPECIAL = np.concatenate([LIMITS, CORNERS, -CORNERS])


def reference(name: str, real: type[np.floating], *arguments: NDArray) -> NDArray:
    given = [torch.from_numpy(a.astype(real)) for a in arguments]
    return expressions.on_tensors(name)(*given).numpy()


@pytest.mark.parametrize("name", UNARY)
def test_as_torch_in_the_corners(kernels: Kernels, name: str) -> None:
    limits = np.finfo(kernels.real)
    result, expected = kernels(name, SPECIAL), reference(name, kernels.real, SPECIAL)
    np.testing.assert_allclose(result, expected, rtol=2 * ULP * limits.eps, atol=limits.tiny)


@pytest.mark.parametrize("name", UNARY)
def test_exact_limits(kernels: Kernels, name: str) -> None:
    expected = reference(name, kernels.real, LIMITS)
    exact = LIMITS if name != "softplus" else LIMITS[2:]  # softplus(0) is ln 2
    np.testing.assert_array_equal(kernels(name, exact), expected[-exact.size :])


@pytest.mark.parametrize("name", BINARY)
def test_of_every_two(kernels: Kernels, name: str) -> None:
    first, second = (side.ravel() for side in np.meshgrid(SPECIAL, SPECIAL))
    np.testing.assert_array_equal(kernels(name, first, second), reference(name, kernels.real, first, second))


@pytest.mark.parametrize("name", ["tanh", "sin", "sqrt"])
def test_zero_keeps_its_sign(kernels: Kernels, name: str) -> None:
    assert np.signbit(kernels(name, np.array([-0.0]))).all()


def test_tanh_is_odd_to_the_last_bit(kernels: Kernels) -> None:
    x = points("tanh", kernels.real)
    np.testing.assert_array_equal(kernels("tanh", -x), -kernels("tanh", x))


@pytest.mark.parametrize("name", functions.FUNCTIONS)
def test_a_value_does_not_depend_on_its_lane(kernels: Kernels, name: str) -> None:
    whole = kernels(name, SPECIAL)
    alone = [kernels(name, SPECIAL[k : k + 1])[0] for k in range(SPECIAL.size)]
    np.testing.assert_array_equal(whole, alone)
