"""Inputs that are no tensors of torch: what traces a program, and what behaves like a tensor."""

from __future__ import annotations

from typing import Any

from torch import Tensor, fx, nn
from torch.overrides import handle_torch_function, has_torch_function_unary

from bptt.errors import WrongTypeError


def is_strange(where: str, input: object, forms: tuple[type, ...] = (Tensor,)) -> bool:
    """Return whether `input` is handled by `delegate`; False if it is of one of `forms`.

    Raises WrongTypeError if it is neither.
    """
    if isinstance(input, forms):
        return False
    if isinstance(input, fx.Proxy) or has_torch_function_unary(input):
        return True
    names = " or ".join("Tensor" if form is Tensor else form.__name__ for form in forms)
    rule, cure = f"expected the input as a {names}", "Convert it, torch.as_tensor(...)"
    raise WrongTypeError(where, rule, type(input).__name__, cure)


def delegate(module: nn.Module, input: Any, hx: Any, **options: Any) -> Any:
    """Return the result of `module` for an input for which `is_strange`.

    For `torch.fx.symbolic_trace` a module is a leaf of the graph, as torch's own are; anything else with
    `__torch_function__` is given the forward function, with its arguments.
    """
    given = {name: value for name, value in options.items() if value is not None and value is not False}
    if isinstance(input, fx.Proxy):
        arguments = (input,) if hx is None else (input, hx)
        path = input.tracer.path_of_module(module)  # type: ignore[attr-defined]
        return input.tracer.create_proxy("call_module", path, arguments, given)
    return handle_torch_function(type(module).forward, (input,), module, input, hx, **given)
