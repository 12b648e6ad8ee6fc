"""Made-up inspections, of which the tests know every number."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bptt.data.audio.pcm_wav import pcm_wav
from bptt.report.inspection_views import (
    AttributionView,
    CurveView,
    DeadUnitsView,
    ExpectedView,
    FindingView,
    Inspection,
    LayerView,
    MapView,
    PicturesView,
    PropertyView,
    SaturationView,
    SequenceView,
    SpectrumView,
    UnitView,
    ValueView,
)
from bptt.timeline import Band, BarRow, ColouredBar, Mark, Marks, Timeline

SENTENCE = (
    'The parser said "not a number" and stopped.\nNobody had expected "an answer" from it, or from any. '
)
# Tokens as a stranger might write them.
HOSTILE = ("</script>", "<img src=x onerror=alert(1)>", "\u202e", "", "\x1b[2J", "\ud800", "<!--", "{{data}}")
QUOTES = '"[^"]*"'
# The unit that is high inside quotes, and how high everywhere.
PLANTED, INSIDE, OUTSIDE = 5, 0.8, -0.4
STEPS, UNITS = 180, 12


def small(title: str = "A small model") -> Inspection:
    """One LSTM layer over characters, with a unit that follows quotes; then everything a page can show."""
    tokens = tuple((SENTENCE * 2)[:STEPS])
    draw = np.random.default_rng(0)
    layer = LayerView("layer 1", 0, (_state("h", tokens, draw), _state("c", tokens, draw), _gate("f", draw)))
    return Inspection(
        title=title,
        facts=(("model", "LSTM, 1 layer of 12"), ("text", f"{STEPS} characters")),
        findings=FINDINGS,
        sequences=(
            SequenceView(
                "text", tokens, np.append(draw.gamma(2, 1, STEPS - 1), np.nan), expected=_expected(tokens)
            ),
        ),
        layers=(layer,),
        flows=tuple(
            _flow("layer 1", name, decay) for name, decay in (("δ of the nets", 0.9), ("h", 0.8), ("c", 0.95))
        ),
        maps=(_map("layer 1", 60),),
        attributions=(_attribution(0, 0, draw),),
        saturations=tuple(
            SaturationView("layer 1", gate, draw.beta(1, 3, UNITS) / 2, draw.beta(2, 2, UNITS) / 2)
            for gate in "ifo"
        ),
        spectra=(
            SpectrumView(
                "layer 1",
                tuple(range(STEPS)),
                -np.sort(-draw.gamma(2, 0.4, (STEPS, 8)), 1),
                np.linspace(-0.1, -2, UNITS),
            ),
        ),
        properties=(
            PropertyView("inside quotes", QUOTES, (UnitView("layer 1", "c", PLANTED, 1.0),)),
            PropertyView(
                "place in the line", ".+", (UnitView("layer 1", "h", 2, -0.61),), "position", held_out=True
            ),
        ),
        dead=(DeadUnitsView("layer 1", (3, 7), UNITS),),
    )


FINDINGS = (
    FindingView("good", "The gradient reaches 21 steps back", "A tenth is left at lag 22; ×0.90 a step."),
    FindingView(
        "warning",
        "Some gates are stuck",
        "Gate f of 3 of 12 units is shut at 95 % of the steps.",
        "A forget bias of 1.",
    ),
    FindingView(
        "bad", "Layer 2 vanishes", "Norm 3.1e-9 at lag 50.", "Orthogonal initialisation, or an LSTM."
    ),
)


def large(steps: int = 2000, units: int = 256, layers: int = 2) -> Inspection:
    """Numbers that no compression makes smaller: six values of every unit, and all the rest in full size."""
    draw = np.random.default_rng(1)
    shown = [f"layer {i + 1}" for i in range(layers)]
    names = tuple(map(chr, draw.integers(0x4E00, 0x9FA5, steps)))
    values = [
        tuple(
            ValueView(name, "gate" if name in "ifgo" else "state", draw.random((steps, units)))
            for name in "hcifgo"
        )
        for _ in shown
    ]
    places = tuple(range(steps))
    return Inspection(
        title="A large model",
        facts=(),
        findings=FINDINGS,
        sequences=(
            SequenceView(
                "text",
                names,
                draw.random(steps),
                expected=ExpectedView(
                    "next",
                    tuple(map(tuple, draw.choice(names, (steps, 5)).tolist())),
                    tuple(map(tuple, draw.random((steps, 5)).tolist())),
                    names,
                    tuple(draw.random(steps).tolist()),
                    tuple(draw.integers(1, 9999, steps).tolist()),
                ),
            ),
        ),
        layers=tuple(LayerView(name, 0, value) for name, value in zip(shown, values, strict=True)),
        flows=tuple(_flow(name, "h", 0.9, steps) for name in shown),
        maps=tuple(
            MapView(name, 0, 0, places[::4], places[::4], 10 ** draw.uniform(-9, 0, (steps // 4, steps // 4)))
            for name in shown
        ),
        attributions=(
            AttributionView("gradient × input", 0, 0, places, places, draw.normal(size=(steps, steps))),
        ),
        saturations=(),
        spectra=(SpectrumView("layer 1", places, draw.random((steps, units)), draw.random(units)),),
        properties=(PropertyView("inside quotes", QUOTES, (UnitView("layer 2", "c", 200, 0.9),)),),
    )


def translation() -> Inspection:
    """A source and a target in words; a bidirectional encoder and a decoder."""
    draw = np.random.default_rng(2)
    source, target = "the cat sat on the mat .".split(), "die Katze saß auf der Matte .".split()
    layers = tuple(
        LayerView(name, number, (ValueView("h", "state", np.tanh(draw.normal(size=(7, 4)))),))
        for name, number in (("encoder layer 1", 0), ("encoder layer 1 ←", 0), ("decoder layer 1", 1))
    )
    return Inspection(
        title="A translation",
        facts=(("model", "GRU"),),
        findings=FINDINGS[:1],
        sequences=(
            SequenceView("source", tuple(source)),
            SequenceView("target", tuple(target), draw.gamma(2, 1, 7)),
        ),
        layers=layers,
        flows=(),
        maps=(
            MapView(
                "encoder layer 1", 1, 0, tuple(range(7)), tuple(range(7)), 10 ** draw.uniform(-4, 0, (7, 7))
            ),
        ),
        attributions=tuple(
            AttributionView(
                "gradient × input", 1, of, tuple(range(7)), tuple(range(7)), draw.normal(size=(7, 7))
            )
            for of in (0, 1)
        ),
        saturations=(),
        spectra=(),
        properties=(),
    )


def inside_quotes(tokens: tuple[str, ...]) -> list[bool]:
    """Whether each character lies in a pair of quotes, the quotes too, by counting them."""
    found, quotes = [], 0
    for token in tokens:
        found.append(quotes % 2 == 1 or token == '"')
        quotes += token == '"'
    return found


def _expected(tokens: tuple[str, ...]) -> ExpectedView:
    """At each step the next token but at every fifth, the letters e and q; the last step expects nothing."""
    targets = (*tokens[1:], "")
    answers = [(target if step % 5 else "ü", "e", "q") for step, target in enumerate(targets)]
    return ExpectedView(
        "next",
        (*answers[:-1], ()),
        (*[(0.5, 0.25, 0.125)] * (len(tokens) - 1), ()),
        targets,
        tuple(0.5 if step % 5 else 0.0625 for step in range(len(tokens))),
        tuple(1 if step % 5 else 9 for step in range(len(tokens))),
    )


def _state(name: str, tokens: tuple[str, ...], draw: np.random.Generator) -> ValueView:
    numbers = np.tanh(np.cumsum(draw.normal(0, 0.3, (STEPS, UNITS)), 0) * 0.4)
    if name == "c":
        numbers[:, PLANTED] = np.where(inside_quotes(tokens), INSIDE, OUTSIDE)
    return ValueView(name, "state", numbers)


def _gate(name: str, draw: np.random.Generator) -> ValueView:
    return ValueView(name, "gate", 1 / (1 + np.exp(-2 * draw.normal(size=(STEPS, UNITS)))))


def _flow(layer: str, quantity: str, decay: float, lags: int = 60) -> CurveView:
    median = 0.3 * decay ** np.arange(lags)
    median[0] = np.nan if quantity in "hc" else median[0]
    memory = int(np.ceil(np.log(0.1) / np.log(decay)))
    bound = 0.3 * 1.1 ** np.arange(lags) if quantity == "h" else None
    return CurveView(
        layer, quantity, median / 2, median, median * 2, bound, memory if memory < lags else None
    )


def _map(layer: str, size: int) -> MapView:
    rows, columns = np.indices((size, size))
    norms = np.where(rows >= columns, 0.7 * 0.8 ** (rows - columns) * (1 + 0.5 * np.cos(rows)), 0)
    return MapView(layer, 0, 0, tuple(range(0, 3 * size, 3)), tuple(range(0, 3 * size, 3)), norms)


def _attribution(of: int, sequence: int, draw: np.random.Generator) -> AttributionView:
    steps = np.arange(STEPS)
    lag = steps[:-1, None] - steps
    scores = np.where(lag >= 0, draw.normal(size=(STEPS - 1, STEPS)) * 0.9 ** np.abs(lag), 0)
    return AttributionView(
        "gradient × input", of, sequence, tuple(range(STEPS - 1)), tuple(range(STEPS)), scores
    )


def clip(columns: bool = False) -> Inspection:
    """The same layer on 60 frames of 8 x 6 pixels, one for 3 steps: red rises from frame to frame; or, with
    `columns`, on one picture of 180 columns.
    """
    shown = small("A clip")
    if columns:
        pictures = np.zeros((1, 4, STEPS, 1), np.uint8)
        seen = PicturesView(pictures + np.uint8(90), (0,), (STEPS,), columns=True)
    else:
        pictures = np.zeros((60, 6, 8, 3), np.uint8)
        pictures[..., 0] = np.arange(60, dtype=np.uint8)[:, None, None] * 4
        seen = PicturesView(pictures, tuple(range(0, STEPS, 3)), tuple(range(3, STEPS + 1, 3)))
    numbers = tuple(map(str, range(STEPS)))
    (sequence,) = shown.sequences
    read = replace(sequence, name="clip", tokens=numbers, texts=None, expected=None, pictures=seen)
    return replace(shown, sequences=(read,))


# Seconds of each of the first steps, and of each of the others.
SHORT, LONG = 0.02, 0.05
MIDDLE_STEP = 100


def heard(second: bool = False) -> Inspection:
    """The same layer in time: 100 steps of 20 ms and 80 of 50 ms, 6 s in all, of which 4 s can be heard; or,
    with `second`, two examples of 90 steps, the last without a sound.
    """
    shown = small("A sound")
    whole = timeline(np.concatenate([np.full(MIDDLE_STEP, SHORT), np.full(STEPS - MIDDLE_STEP, LONG)]), 4)
    halves = timeline(np.full(90, SHORT), 1), replace(timeline(np.full(90, LONG), 1), sound=b"")
    (sequence,) = shown.sequences
    read = replace(sequence, name="sound", timelines=halves if second else (whole,))
    return replace(shown, sequences=(read,))


def timeline(durations: np.ndarray, seconds: int) -> Timeline:
    """A picture whose right half is dark, two named rows, a word in the third quarter, two bars, silence."""
    ends = (0.0, *np.cumsum(durations).tolist())
    quarter = ends[-1] / 4
    picture = np.zeros((4, 100), np.uint8)
    picture[:, 50:] = 255
    marks = (Mark(2 * quarter, 3 * quarter, "word"),)
    bars = (ColouredBar(0.0, quarter, 60, 1), ColouredBar(quarter, 2 * quarter, 62, len(durations) // 2))
    return Timeline(
        ends,
        (Band("Features", picture), Band("Posteriors", picture[:2], ("a", " "))),
        (Marks("Words", marks),),
        BarRow("Piano roll", bars, ((60, "C4"),)),
        pcm_wav(np.zeros(8000 * seconds, np.float32), 8000),
    )
