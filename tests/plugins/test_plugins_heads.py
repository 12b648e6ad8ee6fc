"""An output layer from a package beside this one: a mixture of softmaxes for language models and decoders."""

from __future__ import annotations

from pathlib import Path

import pytest
from distributions import Installed, refused, succeeded

MIXTURE = {"bptt.heads": "mixture = mixture_head:MIXTURE"}
SMALL = "--hidden 8 --embedding 8 --tied --smoothing 0.1 --epochs 2 --threads 1".split()
TEXT = "to be or not to be\nthat is the question\n" * 40
PAIRS = "".join(f"{a} {b} c\tc {b} {a}\n" for a in "defghij" for b in "defghij")


@pytest.fixture
def mixture(installed: Installed) -> Installed:
    return installed.add_source("mixture-head", MIXTURE)


# The score of every token beside the probabilities, whose sum is 1: of some 20 numbers of float32, each with
# a rounding of some 10 operations.
LANGUAGE = """
import sys, torch
from pathlib import Path
import bptt
from bptt.jobs.language.evaluation import perplexity
trained = bptt.load(Path(sys.argv[1]))
model = trained.model
print(type(model.output).__name__, model.output.shape.smoothing, model.output.weight is None)
tokens = torch.tensor([[2], [4], [3]])
with torch.no_grad():
    output, _ = model.read(tokens)
    log_p = model.log_probabilities(output)
    columns = [torch.full((3, 1), v) for v in range(model.vocabulary_size)]
    every = torch.stack([model.score(output, column) for column in columns], -1)
print(torch.allclose(every, log_p, rtol=0, atol=1e-5), (log_p.exp().sum(-1) - 1).abs().max().item() < 1e-5)
(score,) = trained.score(["to be"])
mean = -score.log_probability / len(score.tokens)
print(trained.config.data.mode, score.unknown, len(trained.sample("to", length=5)[0]) > 2, mean > 0)
"""


def test_a_language_model_with_it_trains_and_answers(mixture: Installed, tmp_path: Path) -> None:
    text, run = tmp_path / "text.txt", tmp_path / "run"
    text.write_text(TEXT, "utf-8")
    first = "train", "lm", text, "-o", run, "--output-layer", "mixture", "--layers", 1
    succeeded(mixture.bptt(*first, "--length", 8, "--batch-size", 4, *SMALL))
    assert '"output_layer": "mixture"' in (run / "config.json").read_text("utf-8")
    assert "perplexity" in succeeded(mixture.bptt("evaluate", run))
    lines = tmp_path / "lines.txt"
    lines.write_text("to be\nnot\n", "utf-8")
    assert len(succeeded(mixture.bptt("score", run, lines)).splitlines()) >= 2
    assert succeeded(mixture.bptt("sample", run, "--length", 8, "--top-k", 5, "--temperature", 0.5))
    assert "page: " in succeeded(mixture.bptt("inspect", run, "-o", tmp_path / "page.html"))
    found = mixture.python(LANGUAGE.replace("sys.argv[1]", repr(str(run))))
    assert succeeded(found).splitlines() == [
        "MixtureOfSoftmaxes 0.1 True",
        "True True",
        "continuous 0 True True",
    ]
    begun = "train", "lm", text, "-o", tmp_path / "next", "--init-from", run, "--epochs", 1
    succeeded(mixture.bptt(*begun))
    assert '"output_layer": "mixture"' in (tmp_path / "next" / "config.json").read_text("utf-8")
    nowhere = Installed(tmp_path / "nowhere")
    known = "output_layer: is one of full, adaptive, sampled, got 'mixture'"
    assert known in refused(nowhere.bptt("evaluate", run))


def test_a_translator_with_it_trains_and_answers(mixture: Installed, tmp_path: Path) -> None:
    pairs, run, sources = tmp_path / "pairs.tsv", tmp_path / "run", tmp_path / "sources.txt"
    pairs.write_text(PAIRS, "utf-8")
    sources.write_text("d e c\nf g c\n", "utf-8")
    first = "train", "translate", pairs, "-o", run, "--output-layer", "mixture"
    succeeded(mixture.bptt(*first, *SMALL))
    assert "perplexity" in succeeded(mixture.bptt("evaluate", run, pairs))
    assert len(succeeded(mixture.bptt("predict", run, sources)).splitlines()) == 2
    assert len(succeeded(mixture.bptt("predict", run, sources, "--temperature", 0.7)).splitlines()) == 2
    assert succeeded(mixture.bptt("inspect", run, "--data", pairs, "-o", tmp_path / "page.html"))
    code = f"""
import torch
from pathlib import Path
import bptt
from bptt.models.codecs.codec import pad
trained = bptt.load(Path({str(run)!r}))
(found,) = trained.predict(["d e c"])
tokens = trained.vocabulary.encode(found.text + "\\n").long()[:, None]
with torch.no_grad():
    loss = trained.model.teach(pad([trained.codec.encode("d e c")]), tokens, "sum")
print(abs(loss.item() + found.log_probability) < 1e-4)
"""
    assert succeeded(mixture.python(code)) == "True\n"


def test_an_unknown_name_is_refused_with_the_known_ones(mixture: Installed, tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT, "utf-8")
    ended = mixture.bptt("train", "lm", text, "-o", tmp_path / "run", "--output-layer", "hashed")
    assert "is one of full, adaptive, sampled, mixture, got 'hashed'" in refused(ended)


def test_a_package_that_offers_no_head_is_named(installed: Installed, tmp_path: Path) -> None:
    installed.add("wrong", "MIXTURE = 3\n", {"bptt.heads": "mixture = wrong:MIXTURE"})
    text = tmp_path / "text.txt"
    text.write_text(TEXT, "utf-8")
    ended = installed.bptt("train", "lm", text, "-o", tmp_path / "run", "--output-layer", "mixture")
    assert "wrong:MIXTURE must be a Head, got int" in refused(ended)
