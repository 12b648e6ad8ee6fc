"""A kernel as C++ text: the tables of its shape, its passes, and the doors that a process calls."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import Expression, to_text
from bptt.codegen.cpp.cpp_functions import definitions
from bptt.codegen.cpp.pass_text import PassText
from bptt.codegen.cpp.shape import shape_text
from bptt.codegen.cpp.unit_ranges import unit_ranges
from bptt.codegen.kernel import Kernel, kernel
from bptt.codegen.kernel_source import KernelSource
from bptt.codegen.lowering import lower
from bptt.codegen.passes import WIDEST
from bptt.codegen.plan import KernelPlan
from bptt.codegen.source_lines import Lines, joined, plain
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import normal_form

REALS = {"float32": "float", "float64": "double"}
# By what the factors of products are in: with bfloat16 and int8 all else is in float32.
_DEFINED = {
    **{name: f"#define REAL {real}" for name, real in REALS.items()},
    "bfloat16": "#define REAL float\n#define BFLOAT16",
    "int8": "#define REAL float\n#define INT8",
}
# Factors that no gradient flows through.
FORWARD_ONLY = ("int8",)

# The functions that Python calls; each takes the address of its arguments.
FORWARD_DOORS = (
    *("measure", "pack", "checksum", "forward", "forward_layers"),
    *("stepper_open", "stepper_step", "stepper_close"),
)
DOORS = (*FORWARD_DOORS, "backward")
_DOORS = """
}  // namespace

// What Python calls. No exception may get out: 1 says that memory did not suffice.
#define DOOR(name)                                                                             \\
    static void name##_work(const int64_t* arguments);                                         \\
    extern "C" __attribute__((visibility("default"))) int64_t name(const int64_t* arguments) { \\
        try {                                                                                  \\
            name##_work(arguments);                                                            \\
        } catch (const std::bad_alloc&) {                                                      \\
            return 1;                                                                          \\
        }                                                                                      \\
        return 0;                                                                              \\
    }                                                                                          \\
    static void name##_work(const int64_t* arguments)

// How many factors the packed weights are, forward and transposed, and how many numbers the kept values of a
// step and row.
DOOR(measure) {
    const auto& call = *reinterpret_cast<const Packing<Shape>*>(arguments);
    call.sizes[0] = Cell::pack_forward_size(call);
    call.sizes[1] = Cell::transposed_size(call);
    call.sizes[2] = total<Shape>(call.size, Shape::KEPT_WIDTH, Shape::KEPT);
}

DOOR(pack) { Cell::pack(*reinterpret_cast<const Packing<Shape>*>(arguments)); }

// A sum that depends on every bit of several arrays and on its place.
DOOR(checksum) {
    *reinterpret_cast<uint64_t*>(arguments[0]) =
        checksum_of(*reinterpret_cast<const Arrays*>(arguments + 2), arguments[1]);
}

// A pass, and weights to pack before it, if there is memory for them.
template <class Call>
struct PackedCall {
    Packing<Shape> packing;
    Call pass;
};

DOOR(forward) {
    const auto& call = *reinterpret_cast<const PackedCall<Arguments<Shape>>*>(arguments);
    const CrewScope crew(call.pass.few_rows());
    Cell::pack(call.packing);
    const Rows rows(call.pass.lengths, call.pass.steps, call.pass.batch);
    Forward<Shape, Cell>(call.pass, rows).run(0, call.pass.steps);
}

// Its arguments are written to: see LayersCall.
DOOR(forward_layers) {
    run_layers<Shape, Cell>(*reinterpret_cast<LayersCall<Shape>*>(const_cast<int64_t*>(arguments)));
}

DOOR(stepper_open) {
    const auto& call = *reinterpret_cast<const StepperCall<Shape>*>(arguments);
    *call.stepper = reinterpret_cast<int64_t>(new Stepper<Shape, Cell>(call));
}

// Of a stepper: one step, from an input to an output.
DOOR(stepper_step) {
    auto& stepper = *reinterpret_cast<Stepper<Shape, Cell>*>(arguments[0]);
    stepper.step(reinterpret_cast<const real*>(arguments[1]), reinterpret_cast<real*>(arguments[2]));
}

DOOR(stepper_close) {
    auto* stepper = reinterpret_cast<Stepper<Shape, Cell>*>(arguments[0]);
    if (stepper->lives_here()) delete stepper;
}
"""


_BACKWARD_DOOR = """
DOOR(backward) {
    const auto& call = *reinterpret_cast<const PackedCall<BackwardArguments<Shape>>*>(arguments);
    const CrewScope crew(call.pass.few_rows());
    Cell::pack(call.packing);
    const Rows rows(call.pass.lengths, call.pass.steps, call.pass.batch);
    Backward<Shape, Cell>(call.pass, rows).run();
}
"""


@cached_by_cell
def source(plan: KernelPlan, dtype: str) -> KernelSource:
    """Return the C++ file of a cell's kernels for factors in "float32", "float64", "bfloat16" or "int8"."""
    biased = any(family.name in ("b", "d") for family in plan.cell.families)
    remark = "" if biased else ", without bias,"
    doors = FORWARD_DOORS if dtype in FORWARD_ONLY else DOORS
    text = joined(source_lines(plan, dtype))
    return KernelSource(f"{plan.cell.name}-{dtype}", text, doors, remark, shared_source(dtype))


@cache
def shared_source(dtype: str) -> KernelSource:
    """Return the C++ file that all kernels for factors in `dtype` have in common."""
    return KernelSource(f"shared-{dtype}", f'{_DEFINED[dtype]}\n#include "shared.h"\n')


def source_lines(plan: KernelPlan, dtype: str) -> Lines:
    """Return the lines of that file, each with the equations that it computes."""
    laid_out = kernel(plan)
    head = _head(plan, dtype) + definitions(_computed(plan.cell))
    shape = shape_text(laid_out)
    if dtype in FORWARD_ONLY:
        return (*plain(head), *shape, *_forward_cell(laid_out), *plain(_DOORS))
    return (*plain(head), *shape, *_cell(laid_out), *plain(_DOORS), *plain(_BACKWARD_DOOR))


def _computed(cell: Cell) -> Iterator[Expression]:
    """List all that the kernels of a cell compute."""
    derived = adjoint(cell)
    yield from (step.rest for step in (*normal_form(cell).steps, *derived.steps))
    yield from (gradient.expression for gradient in derived.vectors)


def _head(plan: KernelPlan, dtype: str) -> str:
    cell = plan.cell
    equations = "\n".join(f"//   {e.target} = {to_text(e.expression)}" for e in cell.equations)
    backward = "" if dtype in FORWARD_ONLY else '#include "backward.h"\n'
    return (
        f"{_comment(f'{cell.name}: {cell.title}')}\n{_comment(cell.source)}\n{equations}\n"
        f"// Generated from these equations. Names: v_ is a value, d_ stands for δ.\n"
        f'{_DEFINED[dtype]}\n{backward}#include "layers.h"\n#include "stepper.h"\n\n'
        f"namespace {{\n\nstatic_assert(WIDEST == {WIDEST});"
    )


def _comment(text: str) -> str:
    """Return a line of comment for any text, as it may come from a stranger's file."""
    return "// " + "".join(c if c.isprintable() and c != "\\" else "?" for c in text)


def _cell(laid_out: Kernel) -> Lines:
    lowered = lower(laid_out)
    forward = PassText(laid_out, lowered.forward, forward=True)
    backward = PassText(laid_out, lowered.backward, forward=False)
    last = PassText(laid_out, lowered.inputs, forward=False)
    after = "true" if lowered.inputs else "false"
    return (
        *plain("struct Cell {"),
        *plain(f"    static constexpr bool INPUT_AFTER = {after};"),
        *forward.passes(),
        *forward.products.ahead(),
        *unit_ranges(forward.sweeps, forward.products, forward=True),
        *backward.passes(),
        *unit_ranges(backward.sweeps, backward.products, forward=False),
        *last.products.input_gradient(),
        *forward.products.packing("pack_forward"),
        *backward.products.packing("pack_backward"),
        *last.products.packing("pack_input"),
        *plain(_PACK),
        *plain("};"),
    )


def _forward_cell(laid_out: Kernel) -> Lines:
    forward = PassText(laid_out, lower(laid_out).forward, forward=True)
    return (
        *plain("struct Cell {"),
        *forward.passes(),
        *forward.products.ahead(),
        *unit_ranges(forward.sweeps, forward.products, forward=True),
        *forward.products.packing("pack_forward"),
        *plain(_PACK_FORWARD),
        *plain("};"),
    )


_PACK = """
    static void pack(const Packing<Shape>& a) {
        if (a.to) pack_forward(a, a.to);
        if (a.transposed) {
            pack_backward(a, a.transposed);
            pack_input(a, a.transposed + pack_backward_size(a));
        }
    }

    template <class Call>
    static int64_t transposed_size(const Call& a) {
        return pack_backward_size(a) + pack_input_size(a);
    }"""

_PACK_FORWARD = """
    static void pack(const Packing<Shape>& a) {
        if (a.to) pack_forward(a, a.to);
    }

    template <class Call>
    static int64_t transposed_size(const Call&) {
        return 0;
    }"""
