"""The worked example of `bptt.derive.worked` as text: every activation, δ and updated weight."""

from __future__ import annotations

from collections.abc import Iterator

from bptt.derive.worked import LayerPass, Worked

HEAD = """\
A sigmoid network worked through, node by node
══════════════════════════════════════════════
  Error E = ½ Σ (t − y)², learning rate η = {rate:g}, no biases. Here δ is minus the gradient of E with
  respect to a node's net input u, as in the textbooks, so that w ← w + η δ x goes downhill:

    output node  δⱼ = yⱼ (1 − yⱼ) (tⱼ − yⱼ)
    inner node   δⱼ = aⱼ (1 − aⱼ) Σₖ wₖⱼ δₖ
    weight       wⱼᵢ ← wⱼᵢ + η δⱼ xⱼᵢ
"""


def worked_text(worked: Worked) -> str:
    """Render the example, from the inputs to the error after the update."""
    return "\n".join(
        [HEAD.format(rate=worked.rate), *_forward(worked), "", *_backward(worked), "", *_end(worked)]
    )


def _node(layer: int, unit: int, last: bool) -> str:
    return f"{'y' if last else 'a' + '′' * (layer - 1)}{_small(unit + 1)}"


def _small(number: int) -> str:
    return "".join(chr(ord("₀") + int(digit)) for digit in str(number))


def _forward(worked: Worked) -> Iterator[str]:
    """Yield net input and activation of every node, layer by layer."""
    yield "Forward"
    yield "───────"
    for number, layer in enumerate(worked.layers, 1):
        last = number == len(worked.layers)
        for unit, (weights, activation) in enumerate(zip(layer.weights, layer.activations, strict=True)):
            terms = [f"{w:.6g}·{x:.6g}" for w, x in zip(weights, layer.inputs, strict=True)]
            net = sum(w * x for w, x in zip(weights, layer.inputs, strict=True))
            yield f"  {_node(number, unit, last)} = σ({' + '.join(terms)}) = σ({net:.6f}) = {activation:.6f}"
    yield f"  E = {worked.error:.6f}"


def _backward(worked: Worked) -> Iterator[str]:
    """Yield δ of every node, from the output back, then all weights before and after the update."""
    yield "Backward"
    yield "────────"
    for number in range(len(worked.layers), 0, -1):
        yield from _deltas(worked, number)
    for number, layer in enumerate(worked.layers, 1):
        yield from _updates(worked, number, layer)


def _deltas(worked: Worked, number: int) -> Iterator[str]:
    layer, last = worked.layers[number - 1], number == len(worked.layers)
    for unit, (a, delta) in enumerate(zip(layer.activations, layer.deltas, strict=True)):
        if last:
            reason = f"({worked.targets[unit]:g} − {a:.6f})"
        else:
            above = worked.layers[number]
            terms = [
                f"{row[unit]:.6g}·{_signed(d)}" for row, d in zip(above.weights, above.deltas, strict=True)
            ]
            reason = f"({' + '.join(terms)})"
        yield f"  δ({_node(number, unit, last)}) = {a:.6f}·(1 − {a:.6f})·{reason} = {_minus(delta)}"


def _updates(worked: Worked, number: int, layer: LayerPass) -> Iterator[str]:
    last = number == len(worked.layers)
    for unit, (before, after) in enumerate(zip(layer.weights, layer.updated, strict=True)):
        for source, (old, new) in enumerate(zip(before, after, strict=True)):
            came = f"x{_small(source + 1)}" if number == 1 else _node(number - 1, source, False)
            step = f"{worked.rate:g}·{_signed(layer.deltas[unit])}·{layer.inputs[source]:.6f}"
            yield f"  w({came} → {_node(number, unit, last)}) = {old:g} + {step} = {new:.6f}"


def _minus(number: float) -> str:
    """Write a number with a true minus sign."""
    return f"{number:.6f}".replace("-", "−")


def _signed(number: float) -> str:
    """Write a factor, in brackets if it is negative."""
    return f"({_minus(number)})" if number < 0 else _minus(number)


def _end(worked: Worked) -> Iterator[str]:
    yield "After the update"
    yield "────────────────"
    yield f"  E = {worked.error_after:.6f}, before {worked.error:.6f}"
    yield ""
