"""Pages of classifiers and taggers: in 64 bits they are the model, with weights of 16 as near as these."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from javascript import Evaluate, evaluate
from job_files import CONTENTS
from live_engine import script
from test_exporting_jobs import FILMS, LETTERS, ROWS, untrained

import bptt
from bptt.data.cutting import Cutting
from bptt.data.examples import Example
from bptt.errors import InputError
from bptt.jobs.classify.exposure import expose as expose_text
from bptt.jobs.registry import find_page, job_of
from bptt.jobs.tag.exposure import expose as expose_sentence
from bptt.models.codecs.codec import pad
from bptt.nn.exposure import Exposure
from bptt.probe import gradient_maps, gradient_x_input

__all__ = ["evaluate"]
EXACT = {"rtol": 1e-10, "atol": 1e-10}
# What rounding to 16 bits changes in a weight: half of the last of 11 digits, or of the smallest number.
ROUNDING, SMALLEST = 2.0**-11, 2.0**-25
READ = """
const read = (text, edits = []) => {
  const reading = createReading(model, edits.length > 0);
  reading.setEdits(edits);
  // Whatever was read before leaves no trace.
  for (const typed of [`no ${text} 7`, text.slice(0, 5), text]) {
    reading.set(model.read(typed));
    for (const _ of reading.run());
  }
  return reading;
};
"""
WEATHER = "text\tlabel\n" + "".join(f"sun {n}\twarm\nrain {n}\twarm;wet\n" for n in range(20))
TEXTS = ["a fine film", "", "dull's Film 7 naïve 床前 film"]
BASES = ["ACGTTG", "acgnry", "U"]
# The data, the options of the training, and inputs as they are typed.
CLASSIFIERS: dict[str, tuple[str, str, dict[str, Any], list[str]]] = {
    "words, n-grams, attention": (FILMS, "films.tsv", {"pooling": "attention"}, TEXTS),
    "first steps of words with n-grams": (FILMS, "films.tsv", {"max_length": 2, "pooling": "mean"}, TEXTS),
    "characters, the last state of each direction": (
        FILMS,
        "films.tsv",
        {"level": "character", "pooling": "last", "ngrams": False, "cell": "gru", "num_layers": 2},
        TEXTS,
    ),
    "byte pairs, one direction, squared loss": (
        FILMS,
        "films.tsv",
        {
            "level": "bpe",
            "max_size": 290,
            "bidirectional": False,
            "loss": "squared",
            "smoothing": 0.0,
            "feed_forward": (5, 4),
            "activation": "tanh",
            "initial": "learned",
        },
        TEXTS,
    ),
    "several labels, one-hot words": (
        WEATHER,
        "days.tsv",
        {"multi_label": True, "embedding_size": 0, "feed_forward": (5,), "cell": "elman-tanh"},
        ["sun 3", "rain", "wet sun rain"],
    ),
    "thresholds, a projection": (
        FILMS,
        "films.tsv",
        {"balance": True, "cell": "lstm-projection", "proj_size": 3, "pooling": "last"},
        TEXTS,
    ),
    "both strands of DNA": (LETTERS, "genes.fasta", {"both_strands": True, "pooling": "mean"}, BASES),
    "first letters of both strands": (LETTERS, "genes.fasta", {"both_strands": True, "max_length": 3}, BASES),
}
NEWS = CONTENTS["tag"][1]
SENTENCES = ["Ada went to 北京 Ünknown 7", "Ada", "no to\nAda 3"]
TAGGERS: dict[str, dict[str, Any]] = {
    "a field, spelled words": {},
    "a tag by itself, one direction": {"crf": False, "spelled": False, "bidirectional": False},
    "feed-forward layers": {"spelled": False, "feed_forward": (5,), "activation": "sigmoid", "num_layers": 2},
}


def loaded(run: Path) -> Any:
    """The trained model of a run in 64 bits."""
    trained: Any = bptt.load(run)
    trained.model.double()
    return trained


def answers(evaluate: Evaluate, trained: Any, body: str, exact: bool = True) -> Any:
    describe = find_page(job_of(trained))
    assert describe is not None
    return evaluate(script(describe(trained, None), READ + body, exact))


def check_gradients(exposure: Exposure, terms: list[int], found: list[Mapping[str, Any]]) -> None:
    """Losses, parts and norms of the page for some loss terms are those that `bptt inspect` shows."""
    maps = gradient_maps(exposure.model, exposure.losses, terms, modules=[("", exposure.parts[0].stack)])
    parts = gradient_x_input(exposure.losses_of, exposure.parts[0].inputs, terms)
    for m, page in enumerate(found):
        assert page["loss"] == pytest.approx(float(maps[0].losses[m]), rel=1e-10, abs=1e-12)
        np.testing.assert_allclose(list(page["parts"].values()), parts[m], **EXACT)
        for layer, norms in enumerate(page["norms"]):
            np.testing.assert_allclose(list(norms.values()), maps[layer].net[m], **EXACT)


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier(name: str, evaluate: Evaluate, tmp_path: Path) -> None:
    data, file, options, texts = CLASSIFIERS[name]
    trained = loaded(untrained("classify", data, tmp_path, file, **options))
    if trained.model.offsets is not None:
        trained.model.offsets.copy_(torch.tensor([-0.5, 3.0]))
    body = f"""return {json.dumps(texts)}.map((text) => {{
      const reading = read(text);
      return {{ ...reading.report(), ...reading.follow({{}}) }};
    }});"""
    found = answers(evaluate, trained, body)
    for text, page, wanted in zip(texts, found, trained.predict(texts), strict=True):
        np.testing.assert_allclose(page["probabilities"], wanted.probabilities, **EXACT)
        if not text:
            continue
        exposure = expose_text(trained, Example(trained.codec.check(text, ""), None, ""), 1000)
        assert len(page["tokens"]) == len(exposure.parts[0].inputs)
        check_gradients(exposure, [0], [page])
        if not trained.config.source.both_strands:
            assert tuple(trained.labels[k] for k in page["answers"]) == wanted.labels


@pytest.mark.parametrize("name", TAGGERS)
def test_a_tagger(name: str, evaluate: Evaluate, tmp_path: Path) -> None:
    trained = loaded(untrained("tag", NEWS, tmp_path, "news.conll", **TAGGERS[name]))
    if trained.model.crf is not None:
        torch.manual_seed(1)
        for parameter in trained.model.crf.parameters():
            torch.nn.init.normal_(parameter)
    body = f"""return {json.dumps(SENTENCES)}.map((text) => {{
      const reading = read(text);
      const rows = reading.tags.map((_, place) => reading.follow({{ loss: place }}));
      return {{ ...reading.report(), rows }};
    }});"""
    sentences = [text.split() for text in SENTENCES]
    found = answers(evaluate, trained, body)
    marginals = trained.probabilities(sentences)
    for words, page, wanted, shares in zip(
        sentences, found, trained.predict(sentences), marginals, strict=True
    ):
        assert page["tokens"] == words
        assert trained.tags.decode(page["tags"]) == wanted.tags
        np.testing.assert_allclose(page["marginals"], shares.flatten(), **EXACT)
        exposure = expose_sentence(trained, Example(tuple(words), None, ""), 1000)
        check_gradients(exposure, list(range(len(words))), page["rows"])
    if trained.model.crf is not None:
        best = [one[0].log_probability for one in trained.predict_nbest(sentences, 1)]
        np.testing.assert_allclose([page["logarithm"] for page in found], best, **EXACT)


def test_a_marker(evaluate: Evaluate, tmp_path: Path) -> None:
    (tmp_path / "genes.bed").write_text("g1\t2\t4\tisland\ng3\t0\t2\tisland\n", encoding="utf-8")
    text = "".join(f">g{n}\nAC{'ACGT'[n % 4] * (n + 1)}TTG\n" for n in range(8))
    trained = loaded(untrained("mark", text, tmp_path, "genes.fasta"))
    page = answers(evaluate, trained, 'return read(">one\\nttGA x\\ncgu").report();')
    (wanted,) = trained.predict([tuple("TTGACGU")])
    assert trained.tags.decode(page["tags"]) == wanted.tags
    assert (page["tokens"], page["left"], page["unknown"]) == (list("TTGACGU"), 1, 1)


def test_series(evaluate: Evaluate, tmp_path: Path) -> None:
    rows = "".join(f"{n},{n % 3}:{n * n % 5},?:{'ab'[n % 2]}\n" for n in range(20))
    head = "@dimensions 2\n@classLabel true a b\n@data\n"
    trained = loaded(untrained("classify", head + rows, tmp_path, "walk.ts"))
    found = answers(evaluate, trained, 'return read("1 2\\n\\n3, x; \\n4 NaN\\n5").report();')
    (wanted,) = trained.predict([[[1.0, 2.0], [3.0, float("nan")], [4.0, float("nan")]]])
    np.testing.assert_allclose(found["probabilities"], wanted.probabilities, **EXACT)
    assert (found["tokens"], found["left"]) == (["1 2", "3 x", "4 NaN"], 1)


def test_what_weights_of_16_bits_change(evaluate: Evaluate, tmp_path: Path) -> None:
    """To first order ln P moves by at most Σ |∂ ln P / ∂w| times the rounding of each weight.

    Half as much again covers the terms of second order and the sums in 32 bits.
    """
    options = {"pooling": "mean", "feed_forward": (5,), "activation": "tanh", "ngrams": False}
    trained = loaded(untrained("classify", FILMS, tmp_path, **options))
    text = "fine dull film 3"
    page = answers(evaluate, trained, f"return read({json.dumps(text)}).report();", exact=False)
    batch = pad([trained.codec.encode(text)])
    logarithms = trained.model(batch).log_softmax(1)[0]
    found = np.log(page["probabilities"])
    weights = list(trained.model.parameters())
    for label, wanted in enumerate(logarithms):
        slopes = torch.autograd.grad(wanted, weights, retain_graph=True)
        bound = sum(
            float((slope.abs() * (ROUNDING * weight.abs() + SMALLEST)).sum())
            for slope, weight in zip(slopes, weights, strict=True)
        )
        moved = abs(found[label] - float(wanted))
        assert 0 < moved <= 1.5 * bound, (label, moved, bound)


def test_changes_in_both_directions(evaluate: Evaluate, tmp_path: Path) -> None:
    """A value set at some words is set there, also in the layer that reads backward; scales of 1 do none."""
    trained = loaded(untrained("tag", NEWS, tmp_path, "news.conll"))
    body = """
    const text = "Ada went to 7 no";
    const edit = { layer: 1, value: "h", unit: 2, scale: 0, shift: 0.25, from: 1, to: 2 };
    const changed = read(text, [edit]);
    const same = read(text, [{ ...edit, scale: 1, shift: 0 }]);
    return { plain: read(text).report(), same: same.report(), other: changed.report(),
      kept: [...changed.values(1, "h", 2)], before: [...same.values(1, "h", 2)] };
    """
    found = answers(evaluate, trained, body)
    assert found["same"] == found["plain"]
    assert found["other"]["marginals"] != found["plain"]["marginals"]
    assert found["kept"][1:3] == [0.25, 0.25]
    assert 0.25 not in (found["kept"][0], *found["kept"][3:])
    # What is read from the end has not met the change yet.
    assert found["kept"][3:] == found["before"][3:]


def test_rows_of_prefixes(evaluate: Evaluate, tmp_path: Path) -> None:
    """Row m of the picture of a classifier is what a text that ends there has."""
    trained = loaded(untrained("classify", FILMS, tmp_path, level="character"))
    body = """
    const reading = read("fine dull");
    const rows = [...reading.rows(0, { choice: 1 })];
    const alone = read("fine").follow({ choice: 1 });
    const whole = reading.follow({ choice: 1 });
    // The layer that reads backward has read the third letter at its seventh step.
    const step = reading.lookAt({ layer: 1, place: 2, choice: 1 });
    return { rows, alone, whole, step, norm: reading.stack.layers[1].sumNorm(step) };
    """
    found = answers(evaluate, trained, body)
    assert (found["step"], found["norm"]) == (6, found["whole"]["norms"][1]["2"])
    assert [row["m"] for row in found["rows"]] == list(range(9))
    assert found["rows"][3]["norms"] == found["alone"]["norms"]
    assert found["rows"][8]["norms"] == found["whole"]["norms"]


def test_words_are_cut_as_they_were_learned(evaluate: Evaluate, tmp_path: Path) -> None:
    trained = loaded(untrained("tag", NEWS, tmp_path, "news.conll"))
    texts = [
        "«It's the U.S. cats' 3rd café», isn't it?  $5 50% (e.g. J. X.) 'quoted' don’t",
        "床前明月光，疑是地上霜……他说：“好”。 ABC公司 a_b\u3000x\x1cy\ufeffz",
        "",
    ]
    for cutting in (Cutting("word", ("'s", "n't", "U.S.", "$", "%", "……", "n’t")), Cutting("character")):
        rule = json.dumps({"level": cutting.level, "kept": cutting.kept})
        body = f"return {json.dumps(texts)}.map((text) => cutWords(text, {rule}));"
        assert answers(evaluate, trained, body) == [list(cutting.cut(text)) for text in texts]


WINDOWS = "".join(
    f">g{n} label={'ab'[n % 2]}\nA{'ACGT'[n % 4]}{'ACGT'[n // 4 % 4]}{'AC'[n // 16]}T\n" for n in range(32)
)


@pytest.mark.parametrize(
    ("data", "name", "options"), [(WINDOWS, "genes.fasta", {"windows": True}), (ROWS, "table.csv", {})]
)
def test_what_no_page_runs(data: str, name: str, options: dict[str, Any], tmp_path: Path) -> None:
    run = untrained("classify", data, tmp_path, name, **options)
    with pytest.raises(InputError, match="runs a recurrent network, got feed-forward layers alone"):
        bptt.export(run, tmp_path / "page.html", to="html")
