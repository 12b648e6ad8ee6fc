"""P(next token | the tokens before it), at each step of a text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from bptt.data.batches import NOTHING
from bptt.jobs.exposure import predictions, show_tokens
from bptt.jobs.language.model import Trained
from bptt.jobs.language.prompt import read_prompt
from bptt.jobs.language.text_read import TextRead, before_line
from bptt.nn.exposure import RankedAnswers
from bptt.notebook import PartAnswers, ShownRow
from bptt.options.checks import check_least
from bptt.runs.evaluating import evaluating

# The likeliest tokens that are named at a step.
TOP = 5


@dataclass(frozen=True)
class NextTokens(ShownRow):
    """The prediction of the next token at a step, counted from 0.

    `read` is that token: "<start>" or "<eos>" before the first of the text. `actual` is the token that
    follows in the text, None after the last one. `expected` holds the likeliest next tokens with their
    probabilities, and probability and rank of the actual one.
    """

    step: int
    read: str
    actual: str | None
    expected: RankedAnswers

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        found, pairs = self.expected, zip(self.expected.answers, self.expected.probabilities, strict=True)
        row = {"step": str(self.step), "read": _visible(self.read), "next": _visible(self.actual or "")}
        row["P"] = "" if found.probability is None else f"{found.probability:.3f}"
        row["rank"] = "" if found.rank is None else str(found.rank)
        return row | {"likeliest": ", ".join(f"{_visible(token)} {p:.3f}" for token, p in pairs)}


def next_tokens(
    trained: Trained, text: str, top: int = TOP, last: bool = False, behind: TextRead | None = None
) -> PartAnswers[NextTokens]:
    """Return the prediction before the first token of `text` and after each; with `last`, after all alone.

    The text is read as `score_lines` reads a line, but no `<eos>` is assumed at its end; or it goes on
    `behind` one that has been read. Each step names the `top` likeliest tokens, or all if there are fewer.
    Raises InputError if `top` is below 1, or the text cannot be read as the start of a sentence by a model of
    sentences.
    """
    check_least("top", top, 1)
    model, vocabulary, _ = trained
    before = behind or before_line(trained)
    tokens = read_prompt(trained, text, before).tokens.long()
    if last and len(tokens):
        # A part at a time: a long text takes no more memory than a short one.
        before, tokens = before.after(model, tokens), tokens[:0]
    read = before.inputs(tokens)
    follows = torch.cat([tokens, tokens.new_tensor([NOTHING])])
    with evaluating(model):
        output, _ = model.read(read[:, None].to(model.device), before.states)
        outputs, ln_p = output[:, 0], model.row_log_probabilities
        found = predictions(outputs, follows, ln_p, vocabulary.show, top)
    names = show_tokens("text", vocabulary, read.tolist()).tokens
    actual = [None if token == NOTHING else vocabulary.show(token) for token in follows.tolist()]
    numbers = range(before.count, before.count + len(read))
    return PartAnswers(map(NextTokens, numbers, names, actual, found))


def _visible(token: str) -> str:
    return token if token.strip() else token.replace(" ", "␣")
