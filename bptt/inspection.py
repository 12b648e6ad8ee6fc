"""From what probes measure of a model to the page and the pictures that show it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from bptt import report
from bptt.errors import InputError, MachineError
from bptt.languages.available import Language
from bptt.languages.phrase import phrase, table_of, translated_phrases
from bptt.nn.exposure import Exposure, Part, RankedAnswers
from bptt.nn.exposure import Sequence as SequenceOfTokens
from bptt.options.checks import as_path, check_least, shown
from bptt.probe.example_values import are_one_text
from bptt.probe.exposure_facts import facts, notes
from bptt.probe.flow import NET, LagCurve
from bptt.probe.look import LayerMeasurements, Look, look
from bptt.probe.maps import GradientMap
from bptt.probe.properties import Property
from bptt.probe.spectrum import LayerSpectrum
from bptt.probe.stack_layers import stack_of
from bptt.probe.units import Ranking
from bptt.report.inspection_views import Array
from bptt.shapes import check_shape

# The likeliest answers that the page names at each step.
LIKELIEST = 5


def inspect(
    module: nn.Module,
    inputs: Tensor,
    losses: Callable[[Tensor], Tensor],
    page: str | Path,
    *,
    tokens: Sequence[str] | None = None,
    lags: int = 100,
    properties: Sequence[Property] = (),
    most: int = 200,
    figures: str | Path | None = None,
) -> Look:
    """Look into a recurrent module of anybody's, and write the page of it.

    `bptt inspect` does the same for a run folder.

    Args:
        module: layers of bptt.nn, or an RNN, LSTM or GRU of torch.nn. Nothing in it is changed.
        inputs: one sequence (T, I).
        losses: takes outputs (T, R, width) of R rows to the loss of each step and row, (T, R).
        page: the file to write, HTML with everything in it.
        tokens: the name of each step. Default: its number.
        lags: how far back the gradient is followed.
        properties: of the tokens; units are ranked by how well they follow each.
        most: the number of losses that are gone back from, evenly chosen, if there are more.
        figures: a folder for the pictures, each as PNG and SVG. Default: none are drawn.

    Returns what was measured. Raises InputError, and MachineError if a file cannot be written.

    """
    if torch.is_inference_mode_enabled():
        got, cure = "torch.inference_mode()", "Call it outside"
        raise InputError("inspect", "goes back through time, where gradients are recorded", got, cure)
    page = as_path("page", page)
    figures = None if figures is None else as_path("figures", figures)
    check_least("lags", lags, 1)
    check_least("most", most, 1)
    if not isinstance(inputs, Tensor):
        raise InputError("inputs", "is a tensor (T, I)", shown(inputs), "Convert it: torch.as_tensor(inputs)")
    if not callable(losses):
        raise InputError("losses", "is a function of outputs", shown(losses))
    if tokens is not None and not isinstance(tokens, Iterable):
        raise InputError("tokens", "is a sequence of names", shown(tokens))
    check_shape("inspect", inputs.shape, "T I")
    # Inside, time is the first dimension, also for the output that `losses` takes.
    stack = copy(stack_of(module))
    stack.batch_first = False
    names = tuple(map(str, range(len(inputs)) if tokens is None else tokens))
    if len(names) != len(inputs):
        raise InputError("inspect", f"tokens are as many as the steps, {len(inputs)}", len(names))

    def losses_of(given: Tensor, steps: Sequence[int]) -> Tensor:
        found = losses(stack(given)[0])
        if not isinstance(found, Tensor) or found.shape != given.shape[:2]:
            rule = "losses gives one loss for each step and row, (T, R)"
            raise InputError(
                "inspect", rule, tuple(found.shape) if isinstance(found, Tensor) else shown(found)
            )
        return found[list(steps), range(len(steps))]

    texts = tuple("" if tokens is None else name for name in names)
    exposure = Exposure(
        model=stack,
        sequences=(SequenceOfTokens("sequence", names, texts),),
        parts=(Part("", stack, 0, inputs.detach()[:, None]),),
        of=0,
        targets=names,
        losses_of=losses_of,
    )
    found = look([exposure], lags, properties, most)
    show(inspection_of(found, [exposure], type(module).__name__), page, figures)
    return found


def show(
    inspection: report.Inspection,
    page: Path,
    figures: str | Path | None,
    language: Language = Language.EN,
) -> None:
    """Write the page in a language, and the figures, with English words, if there is a folder for them."""
    _make_folder(page.parent)
    report.write_page(translated_phrases(inspection, table_of(language)), page, language)
    if figures is not None:
        _make_folder(Path(figures))
        report.draw_all(inspection, Path(figures))


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise MachineError(str(folder), "must be a folder that can be made", error.strerror) from error


def inspection_of(found: Look, exposures: Sequence[Exposure], title: str) -> report.Inspection:
    """Convert to plain data; examples are concatenated, the maps are those of the first."""
    first = exposures[0]
    losses = {found.of: _array(found.losses)}
    count = len(first.sequences)
    read = {layer.name: first.sequences[layer.sequence].name for layer in found.layers}
    bounds = {layer.name: layer.bound.factor for layer in found.layers if layer.bound is not None}
    return report.Inspection(
        title=title,
        facts=tuple(facts(exposures)),
        findings=tuple(
            report.FindingView(each.level, each.headline, each.evidence, each.advice)
            for each in found.findings
        ),
        sequences=tuple(_sequence(exposures, k, losses.get(k)) for k in range(count)),
        layers=tuple(map(_layer, found.layers)),
        flows=tuple(_flow(curve, bounds.get(curve.layer)) for curve in found.flow.curves),
        maps=tuple(_map(first, found, each) for each in found.maps),
        attributions=tuple(_attributions(first, found)),
        saturations=tuple(
            report.SaturationView(gate.layer, gate.value, _array(gate.left), _array(gate.right))
            for gate in found.saturations.gates
        ),
        spectra=tuple(_spectrum(layer.spectrum) for layer in found.layers if layer.spectrum is not None),
        properties=tuple(_property(*each, read if count > 1 else {}) for each in found.rankings),
        dead=tuple(
            report.DeadUnitsView(
                each.layer, tuple((each.active == 0).nonzero().flatten().tolist()), len(each.active)
            )
            for each in found.saturations.rectified
        ),
    )


def _sequence(exposures: Sequence[Exposure], number: int, losses: Array | None) -> report.SequenceView:
    """Return what each step adds to the text, its name where it adds nothing. Examples have lines of their
    own.
    """
    shown: list[str] = []
    texts: list[str] = []
    for exposure in exposures:
        sequence = exposure.sequences[number]
        end = "" if exposure is exposures[-1] or are_one_text(exposures) else "\n"
        # Numbers of steps would run together.
        apart = "" if any(sequence.texts) else " "
        names = [text or token + apart for text, token in zip(sequence.texts, sequence.tokens, strict=True)]
        shown += [*names[:-1], names[-1] + end]
        last = sequence.texts[-1]
        texts += [*sequence.texts[:-1], last + end if last else ""]
    name, said = phrase(exposures[0].sequences[number].name), tuple(notes(exposures, number))
    expected = _expected(exposures) if number == exposures[0].of else None
    sequences = [exposure.sequences[number] for exposure in exposures]
    return report.SequenceView(
        name,
        tuple(shown),
        losses,
        tuple(texts),
        said if any(said) else None,
        expected,
        _pictures(sequences),
        tuple(each.timeline for each in sequences if each.timeline is not None),
    )


def _pictures(sequences: Sequence[SequenceOfTokens]) -> report.PicturesView | None:
    """Return the pictures of the steps of all examples, which follow each other; None unless all have some of
    one size.
    """
    found = [each.pictures for each in sequences if each.pictures is not None]
    if len(found) < len(sequences) or len({each.pictures.shape[1:] for each in found}) > 1:
        return None
    starts: list[int] = []
    ends: list[int] = []
    before = 0
    for sequence, each in zip(sequences, found, strict=True):
        after = before + len(sequence.tokens)
        starts += [before + start for start in each.starts]
        ends += [*(before + start for start in each.starts[1:]), after]
        before = after
    pictures = torch.cat([each.pictures for each in found]).cpu().numpy()
    return report.PicturesView(pictures, tuple(starts), tuple(ends), found[0].columns)


def _expected(exposures: Sequence[Exposure]) -> report.ExpectedView | None:
    """Return the likeliest answers at each step of the sequence that the losses belong to."""
    steps: list[tuple[str, RankedAnswers]] = []
    for exposure in exposures:
        if exposure.predict is None:
            return None
        found = exposure.predict(LIKELIEST)
        before = len(exposure.sequences[exposure.of].tokens) - len(found)
        steps += [("", RankedAnswers((), ())) for _ in range(before)]
        steps += zip(map(_bare, exposure.targets), found, strict=True)
    return report.ExpectedView(
        predicted=exposures[0].predicted,
        answers=tuple(tuple(map(_bare, each.answers)) for _, each in steps),
        probabilities=tuple(each.probabilities for _, each in steps),
        targets=tuple(target for target, _ in steps),
        target_probabilities=tuple(each.probability or 0.0 for _, each in steps),
        ranks=tuple(each.rank or 0 for _, each in steps),
    )


def _bare(token: str) -> str:
    """Return a token without the space before a word."""
    return token.removeprefix(" ") if token.strip() else token


def _layer(layer: LayerMeasurements) -> report.LayerView:
    values = tuple(report.ValueView(v.name, v.kind, _array(v.tensor[:, 0])) for v in layer.values.values)
    return report.LayerView(layer.name, layer.sequence, values)


def _spectrum(found: LayerSpectrum) -> report.SpectrumView:
    values, exponents = np.array(found.singular_values), np.array(found.exponents)
    return report.SpectrumView(found.name, found.steps, values, exponents)


def _property(found: Property, ranking: Ranking, read: Mapping[str, str]) -> report.PropertyView:
    """Convert a ranking; `read` maps layers to the sequence that they read, where there are several."""
    of = [read[unit.layer] for unit in ranking.units[:1] if unit.layer in read]
    name = phrase("{} ({})", phrase(found.name), phrase(of[0])) if of else phrase(found.name)
    hits = tuple(report.UnitView(unit.layer, unit.value, unit.unit, unit.score) for unit in ranking.units)
    return report.PropertyView(name, found.pattern, hits, found.measure, ranking.held_out)


def _flow(curve: LagCurve, factor: float | None) -> report.CurveView:
    before = [np.nan] * curve.first
    lower, median, upper = (
        np.array([*before, *norms]) for norms in (curve.lower_quartile, curve.median, curve.upper_quartile)
    )
    bound = None
    if factor is not None and curve.quantity == NET:
        bound = median[0] * factor ** np.arange(len(median))
    return report.CurveView(curve.layer, curve.quantity, lower, median, upper, bound, curve.tenth)


def _loss_steps(first: Exposure, losses: Sequence[int]) -> tuple[int, ...]:
    """Return the steps of the losses in the sequence that they belong to: a single one is at its end."""
    before = len(first.sequences[first.of].tokens) - first.loss_steps
    return tuple(before + number for number in losses)


def _map(first: Exposure, look: Look, found: GradientMap) -> report.MapView:
    sequence = next(layer.sequence for layer in look.layers if layer.name == found.layer)
    steps = tuple(range(found.net.shape[1]))
    return report.MapView(
        found.layer, look.of, sequence, _loss_steps(first, found.loss_steps), steps, _array(found.net)
    )


def _attributions(first: Exposure, look: Look) -> Iterator[report.AttributionView]:
    sequence, steps = first.parts[0].sequence, tuple(range(len(first.parts[0].inputs)))
    every = look.maps[0].loss_steps
    for method, losses, scores in (
        (phrase("gradient × input"), every, look.gradient_times_input),
        (phrase("integrated gradients"), look.integrated_steps, look.integrated),
    ):
        places = _loss_steps(first, losses)
        yield report.AttributionView(method, look.of, sequence, places, steps, _array(scores))


def _array(tensor: Tensor) -> Array:
    found: Array = tensor.detach().double().cpu().numpy()
    return found
