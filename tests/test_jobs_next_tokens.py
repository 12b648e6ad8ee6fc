"""The likeliest next tokens: softmax of the logits of a loop over single tokens, and the P of `score`."""

from __future__ import annotations

from math import exp

import pytest
import torch
from language_models import make_task, trained
from torch.nn.functional import softmax

from bptt.data.batches import NOTHING
from bptt.data.vocabulary_options import END, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs import exposure
from bptt.jobs.language.next_tokens import next_tokens
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.scoring import score_lines
from bptt.jobs.language.trained import TrainedLanguageModel

TEXT = "the cat 7 sat, né 床前"


def probabilities(model, tokens: list[int], before: int) -> list[torch.Tensor]:
    """P of every token before the first of `tokens` and after each, read one by one from the logits."""
    states, found = (), []
    for token in [before, *tokens]:
        logits, states = model(torch.tensor([[token]]), states)
        found.append(softmax(logits[0, 0], 0))
    return found


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
@pytest.mark.parametrize(("mode", "before"), [("continuous", END), ("sentences", NOTHING)])
def test_probabilities_are_those_of_the_logits(level: str, mode: str, before: int, monkeypatch) -> None:
    task = make_task(
        data=DataOptions(mode, 3), vocabulary=VocabularyOptions(level=level, max_size=300), spread=3.0
    )
    # A few steps at a time.
    monkeypatch.setattr(exposure, "_PROBABILITIES", 3 * task.vocabulary.size)
    tokens = task.vocabulary.encode(TEXT).tolist()
    found = next_tokens(trained(task), TEXT, top=4)
    expected = probabilities(task.model.eval(), tokens, before)
    assert [step.step for step in found] == list(range(len(tokens) + 1))
    assert found[0].read == ("<eos>" if before == END else "<start>")
    for step, p, token in zip(found, expected, [*tokens, None], strict=True):
        best = p.argsort(descending=True)[:4].tolist()
        # The model has float64.
        assert step.expected.probabilities == pytest.approx(p[best].tolist(), abs=1e-12)
        assert step.expected.answers == tuple(map(task.vocabulary.show, best))
        if token is None:
            assert (step.actual, step.expected.probability, step.expected.rank) == (None, None, None)
        else:
            assert step.actual == task.vocabulary.show(token)
            assert step.expected.probability == pytest.approx(p[token].item(), abs=1e-12)
            assert step.expected.rank == p.argsort(descending=True).tolist().index(token) + 1


def test_probability_of_the_actual_token_is_that_of_score_and_all_sum_to_one() -> None:
    task = make_task(dtype=torch.float32, spread=3.0)
    lm = TrainedLanguageModel(*trained(task))
    (scored,) = score_lines(lm, [TEXT])
    found = lm.next_tokens(TEXT, top=10**6)
    for step, ln in zip(found, scored.log_probabilities, strict=False):
        if step.actual is not None:
            assert step.expected.probability == pytest.approx(exp(ln), abs=1e-6)
        assert len(step.expected.answers) == task.vocabulary.size
        # float64 rounds each of V terms, and their sum.
        assert sum(step.expected.probabilities) == pytest.approx(1, abs=task.vocabulary.size * 2**-52)
        assert list(step.expected.probabilities) == sorted(step.expected.probabilities, reverse=True)


def test_last_is_the_last_and_the_empty_text_has_one_step() -> None:
    lm = trained(make_task(spread=3.0))
    (alone,), last = next_tokens(lm, TEXT, last=True), next_tokens(lm, TEXT)[-1]
    assert (alone.step, alone.read, alone.actual) == (last.step, last.read, last.actual)
    assert alone.expected.answers == last.expected.answers
    # A product of one row may add its terms in another order than one of many: a rounding for each of them.
    terms = lm.model.recurrent.output_size + lm.vocabulary.size
    assert alone.expected.probabilities == pytest.approx(last.expected.probabilities, rel=terms * 2**-52)
    (only,) = next_tokens(lm, "")
    assert only.step == 0 and only.actual is None
    assert len(only.expected.answers) == 5


def test_what_cannot_be_read_is_refused() -> None:
    lm = trained(make_task(data=DataOptions("sentences", 3)))
    for text, top in [("a", 0), ("a\nb", 5), ("\ud800", 5)]:
        with pytest.raises(InputError):
            next_tokens(lm, text, top)
