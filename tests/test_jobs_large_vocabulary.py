"""Language models with clusters: what is chosen for large vocabularies, and that every command answers."""

from __future__ import annotations

from dataclasses import replace
from math import fsum
from pathlib import Path

import pytest
import torch
from conftest import Command
from language_models import TEXT, make_task, trained

from bptt.data.vocabulary_options import NOTHING
from bptt.errors import InputError
from bptt.jobs.language import large
from bptt.jobs.language.network import Continuation
from bptt.jobs.language.options import ModelOptions
from bptt.jobs.language.scoring import score_lines
from bptt.runs.run_folder import read_config

TOKENS = torch.tensor([2] * 50 + [3] * 9 + [4] * 3 + [5, 6, 7, 8])


def chosen(size: int, **options: object) -> tuple[object, object, bool]:
    def counts() -> list[int]:
        return torch.bincount(TOKENS, minlength=size).tolist()

    found = large.for_vocabulary(ModelOptions(hidden_size=8, **options), counts, size)
    return found.output_layer, found.row_sparse, bool(found.cutoffs)


def test_the_size_of_the_vocabulary_decides_where_the_options_leave_it_open() -> None:
    assert chosen(20_000) == (None, None, False)
    assert chosen(20_001) == ("adaptive", True, True)
    assert chosen(30, output_layer="adaptive") == ("adaptive", None, True)
    assert chosen(30_000, output_layer="full", row_sparse=False) == ("full", False, False)
    assert chosen(30_000, tied=True) == (None, None, False)
    assert chosen(30_000, smoothing=0.1) == (None, True, False)
    assert chosen(30_000, frozen=True) == ("adaptive", None, True)
    assert chosen(30_000, embedding_size=0) == ("adaptive", None, True)


def test_options_that_contradict_each_other() -> None:
    with pytest.raises(InputError, match="cutoffs: are of the output layer adaptive, got full"):
        ModelOptions(cutoffs=(3,))
    with pytest.raises(InputError, match="row_sparse: is of an embedding that is read alone, got a tied one"):
        ModelOptions(row_sparse=True, tied=True)


TIED = ModelOptions(hidden_size=7, tied=True, output_layer="adaptive", cutoffs=(4, 9, 15))


def test_what_an_embedding_by_clusters_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="frozen: is of an embedding of its own, got the clusters of a tied"):
        replace(TIED, frozen=True)
    with pytest.raises(
        InputError, match="vectors: are of an embedding of its own, got the clusters of a tied"
    ):
        TIED.of_width(7)
    with pytest.raises(InputError, match="embedding_size: tied weights need an embedding as wide"):
        replace(TIED, embedding_size=5)


def test_a_tied_model_reads_by_its_output_layer() -> None:
    """A model with an embedding of the same vectors has the same outputs, and the same gradients."""
    task = make_task(model=TIED, spread=2.0)
    model = task.model
    assert not any(name.startswith("embedding") for name, _ in model.named_parameters())
    assert task.describe()[-1] == "embedding: the clusters of the output layer"
    table = model.table
    assert table is not None
    plain = make_task(model=ModelOptions(hidden_size=7, embedding_size=7)).model
    plain.load_state_dict({**plain.state_dict(), "embedding": table.detach()})
    plain.recurrent.load_state_dict(model.recurrent.state_dict())
    tokens = torch.tensor([[3, NOTHING], [16, 5], [0, 9]])
    found, wanted = model.read(tokens)[0], plain.read(tokens)[0]
    torch.testing.assert_close(found, wanted, rtol=1e-13, atol=1e-13)
    above = torch.randn(found.shape, dtype=torch.float64)
    weights = [part.weight for part in (model.output.head, *model.output.tails)]
    through = torch.autograd.grad(wanted, plain.embedding, above)[0]
    pairs = zip(
        torch.autograd.grad(found, weights, above), torch.autograd.grad(table, weights, through), strict=True
    )
    for one, other in pairs:
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-13)


def test_a_tied_model_samples_what_it_predicts() -> None:
    """Step by step, the logits are those of the whole text; rows have the same bits alone and together."""
    model = make_task(model=TIED, dtype=torch.float32, spread=2.0).model.eval()
    tokens = torch.randint(16, (6, 3), generator=torch.Generator().manual_seed(0))
    together, alone = Continuation(model, tokens[:1]), Continuation(model, tokens[:1, :1])
    with torch.no_grad():
        whole = model(tokens)[0]
    for row in tokens[1:]:
        together.read(row)
        alone.read(row[:1])
        assert torch.equal(together.logits[:1], alone.logits)
    torch.testing.assert_close(together.logits, whole[-1], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("tied", [False, True])
def test_a_line_has_the_probability_of_its_tokens_one_by_one(tied: bool) -> None:
    """Scores of lines, and P of every next token, add up alike; all next tokens to 1."""
    model = trained(make_task(model=replace(TIED, tied=tied)))
    [score] = score_lines(model, ["the cat 7"])
    tokens = torch.tensor([score.tokens])[0]
    read = torch.cat([torch.tensor([model.config.data.before_line]), tokens[:-1]])[:, None]
    logits, _ = model.model(read)
    chances = logits.softmax(-1)[:, 0]
    torch.testing.assert_close(
        chances.sum(-1), torch.ones(len(tokens), dtype=torch.float64), rtol=0, atol=1e-14
    )
    each = chances.gather(1, tokens[:, None]).log()[:, 0].tolist()
    assert score.log_probability == pytest.approx(fsum(each), rel=1e-13)


@pytest.mark.parametrize("option", ["--row-sparse", "--tied"])
def test_every_command_answers(option: str, command: Command, tmp_path: Path) -> None:
    text, run, lines = tmp_path / "a.txt", tmp_path / "run", tmp_path / "lines.txt"
    text.write_text(TEXT, "utf-8")
    lines.write_text("the cat 3 sat on\n", "utf-8")
    small = "--hidden", "6", "--layers", "1", "--epochs", "1", "--batch-size", "4", "--length", "9"
    first = "train", "lm", text, "-o", run, "--level", "word", "--min-count", "1", *small
    ended = command(*first, "--output-layer", "adaptive", option)
    assert not ended.code, ended.err
    model = read_config(run)["model"]
    assert model["output_layer"] == "adaptive"
    assert (model.get("row_sparse"), model["tied"]) == ((True, False) if "row" in option else (None, True))
    assert model["cutoffs"] == sorted(set(model["cutoffs"]))
    for asked in (
        ("train", "lm", text, "-o", run, "--resume", "--epochs", "2"),
        ("evaluate", run),
        ("score", run, lines),
        ("sample", run, "--length", "4"),
        ("next", run, "the cat", "--all"),
        ("choose", run, "the cat 3", "the cat 4"),
        ("look", run, "the cat 3"),
        ("inspect", run, "-o", tmp_path / "page.html"),
    ):
        ended = command(*asked)
        assert not ended.code, ended.err
    other = tmp_path / "b.txt"
    other.write_text(TEXT + "a dog barked\n" * 20, "utf-8")
    found = command("train", "lm", other, "-o", tmp_path / "next", "--init-from", run, "--epochs", "1")
    assert not found.code, found.err
    assert read_config(tmp_path / "next")["model"]["cutoffs"] == model["cutoffs"]
    assert "output.tails.0.weight: " in found.err + found.out
