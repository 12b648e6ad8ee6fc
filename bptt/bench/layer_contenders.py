"""The contenders in the work of one layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from bptt.bench.case_measurement import Entrants
from bptt.bench.cases import Case
from bptt.bench.contender import Contender
from bptt.bench.contender_names import (
    BF16,
    COMPILED,
    EAGER,
    JAX,
    LAYER,
    ONNXRUNTIME,
    OURS,
    PLAIN_LSTM,
    SCRIPT,
    TORCHRECURRENT,
)
from bptt.bench.layer_problem import LayerProblem, draw
from bptt.bench.own_layer import own_layer
from bptt.bench.peers import jax_scan, onnx_runtime, torch_layers, torch_loops, torchrecurrent_layers


@dataclass(frozen=True)
class Peer:
    """`make` returns None where a peer does not do the work. `slow` ones are left out of a quick look."""

    name: str
    make: Callable[[LayerProblem], Contender | None]
    installed: bool = True
    slow: bool = False


PEERS = (
    Peer(LAYER, torch_layers.make),
    Peer(EAGER, partial(torch_loops.make, EAGER)),
    Peer(SCRIPT, partial(torch_loops.make, SCRIPT)),
    Peer(COMPILED, partial(torch_loops.make, COMPILED), slow=True),
    Peer(TORCHRECURRENT, torchrecurrent_layers.make, torchrecurrent_layers.INSTALLED),
    Peer(JAX, jax_scan.make, jax_scan.INSTALLED),
    Peer(ONNXRUNTIME, onnx_runtime.make, onnx_runtime.INSTALLED),
)


def entrants(case: Case, peers: Sequence[Peer]) -> Entrants:
    """Return our module, and those of `peers` that do this work; only torch.nn knows unequal lengths."""
    problem = draw(case)
    chosen = [p for p in peers if case.is_layer or p.name == LAYER]
    companions: list[Contender] = []
    if case.name not in torch_layers.LAYERS:
        companions.append(own_layer(PLAIN_LSTM, draw(replace(case, name="lstm"))))
    if case.is_layer and case.training and case.name == "lstm":
        autocast = torch_layers.make(problem, narrow=True)
        companions += [own_layer(BF16, problem, "bf16"), *([autocast] if autocast else [])]
    makers = {peer.name: partial(peer.make, problem) for peer in chosen}
    return Entrants(own_layer(OURS, problem), makers, problem.flops, companions)
