"""What a GPU shows: every path against the CPU, then times beside torch's cuDNN and torch.compile.

python benchmarks/gpu.py [--seconds 280] [--device cuda]
python benchmarks/gpu.py --pretend    # no GPU: the same on the CPU, small, by Triton's interpreter

Results, gradients and second derivatives are compared with torch operations on the CPU in float64; each is
computed twice, and the bits compared. That takes half of the seconds at most, as every cell has kernels to
compile. Times are medians of rounds in which all sides take turns, of a forward pass and of one with its
backward pass; compiling is not included. It ends with 1 if a check fails, and leaves out what no longer fits
into the seconds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import Any

import torch
from torch import Tensor

import bptt
from bptt import nn
from bptt.cells import CATALOGUE
from bptt.runtime import dispatch
from bptt.runtime.gpu.triton_backend import is_interpreted
from bptt.runtime.kernels.kernel_backend import Kernels

PLAIN: Mapping[str, Mapping[str, Any]] = {
    "LSTM": {},
    "GRU": {"num_layers": 2, "bidirectional": True},
    "RNN": {"nonlinearity": "relu"},
    "LSTM with projection": {"proj_size": 8},
}
# By the dtype, how far results and gradients may be from float64, relative to the largest: roundings of the
# factors of products, through all steps and back.
LIMITS = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}
ROUNDS = 7


@dataclass(frozen=True)
class Shape:
    """Steps, rows, inputs and hidden units."""

    steps: int
    batch: int
    width: int
    hidden: int

    def __str__(self) -> str:
        return f"({self.steps}, {self.batch}, {self.width}, {self.hidden})"


SHAPES = (Shape(128, 128, 256, 256), Shape(1024, 16, 768, 768), Shape(100, 32, 64, 64))
OTHERS = ("lstm-peephole", "lstm-layernorm", "gru")
OTHER_SHAPES = (Shape(100, 32, 64, 64), Shape(128, 128, 128, 128), Shape(128, 64, 512, 512))
SMALL = Shape(5, 3, 4, 12)
# Several programs, and matrices that are read at each step.
WIDE = Shape(20, 40, 30, 200)


class Bench:
    """A device, and the time that is left."""

    def __init__(self, device: str, seconds: float, pretends: bool) -> None:
        self.device, self.pretends = torch.device(device), pretends
        self._ends, self.failed = perf_counter() + seconds, False

    @property
    def left(self) -> float:
        """The seconds that are left."""
        return self._ends - perf_counter()

    def wait(self) -> None:
        """Wait for the device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def say(self, name: str, fine: bool, text: str) -> None:
        """Print the outcome of a check."""
        self.failed |= not fine
        print(f"| {name} | {'yes' if fine else '**NO**'} | {text} |", flush=True)


def modules(shape: Shape, cells: Sequence[str]) -> Iterator[tuple[str, torch.nn.Module]]:
    """Modules of every path: torch's operators, and kernels of cells."""
    for name, options in PLAIN.items():
        yield f"nn.{name}", getattr(nn, name.split()[0])(shape.width, shape.hidden, **options)
    for name in cells:
        size = {"proj_size": 8} if "P" in CATALOGUE[name].letters else {}
        yield name, nn.Recurrent(name, shape.width, shape.hidden, **size)  # type: ignore[arg-type]


def numbers(module: torch.nn.Module, x: Tensor, lengths: Any, twice: bool = False) -> list[Tensor]:
    """Output, gradients, and with `twice` gradients of the length of these."""
    x = x.detach().requires_grad_()
    leaves = [x, *module.parameters()]
    y = module(x, lengths=lengths)[0]
    weights = torch.linspace(-1, 1, y.numel(), device=y.device).view_as(y)
    first = torch.autograd.grad((y * weights.to(y.dtype)).sum(), leaves, create_graph=twice)
    if not twice:
        return [y.detach(), *first]
    length = torch.stack([g.square().sum() for g in first]).sum()
    return [*first, *torch.autograd.grad(length, leaves, allow_unused=True, materialize_grads=True)]


def check(bench: Bench) -> None:
    """Compare every path with the CPU, and with itself, within half of the seconds."""
    print("| path | (T, B, I, H) | right | largest difference, relative |\n|---|---|---|---|")
    half = bench.left / 2
    rest = [name for name in CATALOGUE if name not in OTHERS]
    plans: list[tuple[torch.dtype, Shape, Sequence[str]]] = [(torch.float32, SMALL, OTHERS)]
    if not bench.pretends:
        plans += [(torch.float32, WIDE, OTHERS), *((dtype, SMALL, OTHERS[:1]) for dtype in LIMITS)]
    plans.append((torch.float32, SMALL, rest))
    # Torch's default for cuDNN, TF32, would hide faults in its rounding.
    with torch.backends.cudnn.flags(allow_tf32=False):
        for dtype, shape, cells in plans:
            for name, module in modules(shape, cells):
                if bench.left < half:
                    return
                _check_module(bench, name, module, dtype, shape)


def _check_module(bench: Bench, name: str, module: torch.nn.Module, dtype: torch.dtype, shape: Shape) -> None:
    torch.manual_seed(0)
    x = torch.randn(shape.steps, shape.batch, shape.width).to(dtype)
    lengths = [shape.steps, 0, *(1 + k % shape.steps for k in range(shape.batch - 2))]
    module.to(dtype)
    for twice in (False, True) if dtype == torch.float32 else (False,):
        there, given = module.to(bench.device), x.to(bench.device)
        found, again = (numbers(there, given, lengths, twice) for _ in range(2))
        with bptt.backend("reference"):
            truth = numbers(module.to("cpu", torch.float64), x.double(), lengths, twice)
        module.to(dtype)
        largest = max(1.0, *(t.abs().max().item() for t in truth))
        pairs = zip(found, truth, strict=True)
        worst = max((a.cpu().double() - b).abs().max().item() for a, b in pairs) / largest
        same = all(torch.equal(a, b) for a, b in zip(found, again, strict=True))
        said = f"{worst:.1e}{'' if same else ', other bits the second time'}"
        kind = f"{str(dtype).removeprefix('torch.')}{', second derivatives' if twice else ''}"
        bench.say(f"{name}, {kind} | {shape}", worst <= LIMITS[dtype] and same, said)


def compiled_loop(cell: str, shape: Shape) -> Callable[[Tensor], Tensor]:
    """A loop over the steps of a peephole LSTM whose step torch has compiled: what one writes without us."""
    module = nn.Recurrent(cell, shape.width, shape.hidden)
    W, R, p, b = (torch.nn.Parameter(t.detach().clone()) for t in module.layers[0].families(module))

    def step(xw: Tensor, h: Tensor, c: Tensor, R: Tensor, p: Tensor) -> tuple[Tensor, Tensor]:
        i, f, g, o = (xw + h @ R.T).chunk(4, -1)
        p_i, p_f, p_o = p.chunk(3)
        c = torch.sigmoid(f + p_f * c) * c + torch.sigmoid(i + p_i * c) * torch.tanh(g)
        return torch.sigmoid(o + p_o * c) * torch.tanh(c), c

    fast = torch.compile(step)
    holder = torch.nn.ParameterList([W, R, p, b])

    class Loop(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parameters_of_cell = holder

        def forward(self, x: Tensor) -> tuple[Tensor, None]:
            W, R, p, b = self.parameters_of_cell
            h = c = x.new_zeros(x.shape[1], shape.hidden)
            outputs = []
            for xw in (x @ W.T + b).unbind(0):
                h, c = fast(xw, h, c, R, p)
                outputs.append(h)
            return torch.stack(outputs), None

    return Loop()


def times(bench: Bench, sides: Mapping[str, torch.nn.Module], shape: Shape, dtype: torch.dtype) -> str:
    """Return the medians of all sides, forward / with the backward pass, in ms, as cells of a table."""
    x = torch.randn(shape.steps, shape.batch, shape.width, device=bench.device, dtype=dtype)
    taken: dict[tuple[str, bool], list[float]] = {}
    for round_ in range(ROUNDS + 1):
        for name, module in sides.items():
            for back in (False, True):
                if round_ > 1 and bench.left < 0:
                    continue
                bench.wait()
                start = perf_counter()
                with torch.set_grad_enabled(back):
                    y = module(x)[0]
                if back:
                    y.sum().backward()
                bench.wait()
                # The first round compiles.
                if round_:
                    taken.setdefault((name, back), []).append(1e3 * (perf_counter() - start))
    cells = [
        f"{median(taken[name, False]):.2f} / {median(taken[name, True]):.2f}"
        if (name, True) in taken
        else "not in time"
        for name in sides
    ]
    return " | ".join(cells)


def measure(bench: Bench) -> None:
    """Print the tables of times."""
    shapes = [SMALL] if bench.pretends else SHAPES
    print("\n| layer, dtype | (T, B, I, H) | ours, ms | torch.nn, ms |\n|---|---|---|---|")
    for shape in shapes:
        for name in ("LSTM", "GRU"):
            for dtype in (torch.float32,) if bench.pretends else (torch.float32, torch.bfloat16):
                if bench.left < 0:
                    return
                both = {
                    side: getattr(kind, name)(shape.width, shape.hidden).to(bench.device, dtype)
                    for side, kind in (("ours", nn), ("torch", torch.nn))
                }
                row = times(bench, both, shape, dtype)
                print(f"| {name}, {str(dtype).removeprefix('torch.')} | {shape} | {row} |", flush=True)
    print(
        "\n| cell | (T, B, I, H) | ours, ms | torch operations, ms | loop with torch.compile, ms |"
        "\n|---|---|---|---|---|"
    )
    for shape in [SMALL] if bench.pretends else OTHER_SHAPES:
        for name in OTHERS:
            if bench.left < 0:
                return
            ours = nn.Recurrent(name, shape.width, shape.hidden).to(bench.device)
            sides: dict[str, torch.nn.Module] = {"ours": ours, "reference": _Plain(ours)}
            if name == "lstm-peephole" and not bench.pretends:
                sides["loop"] = compiled_loop(name, shape).to(bench.device)  # type: ignore[attr-defined]
            row = times(bench, sides, shape, torch.float32)
            print(f"| {name} | {shape} | {row}{' | ' * (3 - len(sides))} |", flush=True)


class _Plain(torch.nn.Module):
    """A module in torch operations."""

    def __init__(self, module: torch.nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: Tensor) -> Any:
        with bptt.backend("reference"):
            return self.module(x)


def pretend() -> None:
    """Take the CPU for a GPU: torch's operators and interpreted kernels run there."""
    dispatch.FUSED_DEVICES = ("cpu",)
    Kernels.supports = lambda *arguments: False  # type: ignore[method-assign,assignment]


def main(arguments: Sequence[str]) -> int:
    """Check and measure; return 1 if a check failed, 2 without a GPU."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--seconds", type=float, default=280.0)
    parser.add_argument("--pretend", action="store_true")
    given = parser.parse_args(arguments)
    if given.pretend and not is_interpreted():
        # Triton reads the variable when it is imported, which torch may have done.
        command = [sys.executable, __file__, *arguments]
        return subprocess.run(command, env={**os.environ, "TRITON_INTERPRET": "1"}, check=False).returncode
    if given.pretend:
        pretend()
    elif not torch.cuda.is_available():
        print("no GPU that torch can use; --pretend runs the same on the CPU", file=sys.stderr)
        return 2
    bench = Bench("cpu" if given.pretend else given.device, given.seconds, given.pretend)
    name = "pretended on the CPU" if given.pretend else torch.cuda.get_device_name(bench.device)
    print(f"{name}, torch {torch.__version__}\n")
    check(bench)
    measure(bench)
    return int(bench.failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
