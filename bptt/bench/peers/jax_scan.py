"""JAX: `lax.scan` over time under `jit`, the product with the input for all steps at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from bptt.bench.contender import Contender
from bptt.bench.contender_names import JAX
from bptt.bench.layer_problem import LayerProblem

try:
    import jax
    from jax import numpy as jnp
    from jax.nn import sigmoid
    from jax.numpy import tanh
except ImportError:
    INSTALLED = False
else:
    INSTALLED = True


# Arrays are of JAX, which has no types where it is not installed.
# Step: parameters by family, states with h first, W x (B, G*H); to the states.
Parameters = Mapping[str, Any]
States = tuple[Any, ...]


def _lstm(p: Parameters, states: States, net: Any) -> States:
    h, c = states
    i, f, g, o = jnp.split(net + h @ p["R"].T + p["b"], 4, -1)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(c), c


def _peephole(p: Parameters, states: States, net: Any) -> States:
    h, c = states
    p_i, p_f, p_o = jnp.split(p["p"], 3)
    i, f, g, o = jnp.split(net + h @ p["R"].T + p["b"], 4, -1)
    c = sigmoid(f + p_f * c) * c + sigmoid(i + p_i * c) * tanh(g)
    return sigmoid(o + p_o * c) * tanh(c), c


def _normalised(a: Any) -> Any:
    return (a - a.mean(-1, keepdims=True)) * jax.lax.rsqrt(a.var(-1, keepdims=True) + 1e-5)


def _layer_norm(p: Parameters, states: States, net: Any) -> States:
    h, c = states
    gain, b = (p[name].reshape(5, -1) for name in ("gain", "b"))
    a = (net + h @ p["R"].T).reshape(len(h), 4, -1)
    i, f, g, o = jnp.moveaxis(_normalised(a) * gain[:4] + b[:4], 1, 0)
    c = sigmoid(f) * c + sigmoid(i) * tanh(g)
    return sigmoid(o) * tanh(_normalised(c) * gain[4] + b[4]), c


def _elman(p: Parameters, states: States, net: Any) -> States:
    return (tanh(net + states[0] @ p["R"].T + p["b"]),)


def _gru_torch(p: Parameters, states: States, net: Any) -> States:
    (h,) = states
    x_r, x_z, x_n = jnp.split(net + p["b"], 3, -1)
    h_r, h_z, h_n = jnp.split(h @ p["R"].T + p["d"], 3, -1)
    z = sigmoid(x_z + h_z)
    return ((1 - z) * tanh(x_n + sigmoid(x_r + h_r) * h_n) + z * h,)


def _gru(p: Parameters, states: States, net: Any) -> States:
    (h,) = states
    x_r, x_z, x_n = jnp.split(net + p["b"], 3, -1)
    R_rz, R_n = jnp.split(p["R"], [2 * h.shape[1]])
    h_r, h_z = jnp.split(h @ R_rz.T, 2, -1)
    r, z = sigmoid(x_r + h_r), sigmoid(x_z + h_z)
    return (z * h + (1 - z) * tanh(x_n + (r * h) @ R_n.T),)


_STEPS: Mapping[str, Callable[[Parameters, States, Any], States]] = {
    "lstm": _lstm,
    "lstm-peephole": _peephole,
    "lstm-layernorm": _layer_norm,
    "elman-tanh": _elman,
    "gru-torch": _gru_torch,
    "gru": _gru,
}


def make(problem: LayerProblem) -> Contender | None:
    """Return the layer, compiled at its first step, or None for a cell that is not written here."""
    return JaxLayer(problem) if problem.cell.name in _STEPS else None


class JaxLayer(Contender):
    """A pure function of the input and the parameters; in training with its gradients."""

    name = JAX

    def __init__(self, problem: LayerProblem) -> None:
        cell_step, width = _STEPS[problem.cell.name], problem.sizes[1]
        states = len(problem.cell.states)

        def layer(x: Any, parameters: Parameters) -> Any:
            start = (jnp.zeros((x.shape[1], width), x.dtype),) * states

            def step(carry: States, net: Any) -> tuple[States, Any]:
                carry = cell_step(parameters, carry, net)
                return carry, carry[0]

            return jax.lax.scan(step, start, x @ parameters["W"].T)[1]

        def train(x: Any, parameters: Parameters, gradient: Any) -> tuple[Any, tuple[Any, Any]]:
            output, back = jax.vjp(layer, x, parameters)
            return output, back(gradient)

        x, parameters = _array(problem.x), {n: _array(v) for n, v in problem.parameters.items()}
        self._arguments: tuple[Any, ...] = (x, parameters)
        self._training = problem.gradient is not None
        if problem.gradient is not None:
            self._arguments += (_array(problem.gradient),)
        self._run = jax.jit(train if self._training else layer)

    def step(self) -> Any:
        """Run, and wait for the result."""
        return jax.block_until_ready(self._run(*self._arguments))

    def numbers(self) -> Mapping[str, Tensor]:
        """Return the output, and in training all gradients."""
        if not self._training:
            return {"output": _tensor(self.step())}
        output, (x, parameters) = self.step()
        gradients = {"input": x, **{name: parameters[name] for name in self._arguments[1]}}
        return {"output": _tensor(output)} | {f"gradient of {n}": _tensor(g) for n, g in gradients.items()}


def _array(tensor: Tensor) -> Any:
    return jnp.asarray(tensor.numpy())


def _tensor(array: Any) -> Tensor:
    return torch.tensor(array.__array__())
