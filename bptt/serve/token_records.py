"""The probability of tokens, and of the likeliest ones beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bptt.data.vocabulary import TextStream, Vocabulary
from bptt.jobs.language.model import Trained
from bptt.jobs.language.prompt import Prompt
from bptt.jobs.language.text_read import CHUNK
from bptt.nn.float64 import doubles
from bptt.runs.evaluating import evaluating


@dataclass(frozen=True)
class TokenRecord:
    """A token, its ln P under the model, and ln P of the likeliest tokens at its place by name.

    `offset` is the number of characters before it, those of the prompt included.
    """

    token: str
    log_probability: float
    top: Mapping[str, float]
    offset: int = 0


def token_records(
    vocabulary: Vocabulary, logits: Tensor, tokens: Sequence[int], top: int
) -> list[TokenRecord]:
    """Return a record for each of `tokens`, drawn or read where the logits are (N, V)."""
    ln_p = doubles(logits).log_softmax(1).cpu()
    own = ln_p.gather(1, torch.tensor(tokens, dtype=torch.int64)[:, None])[:, 0].tolist()
    values, names = ln_p.topk(min(top, ln_p.shape[1]))
    return [
        TokenRecord(vocabulary.show(token), value, dict(zip(map(vocabulary.show, names), best, strict=True)))
        for token, value, best, names in zip(tokens, own, values.tolist(), names.tolist(), strict=True)
    ]


def prompt_records(trained: Trained, prompt: Prompt, top: int) -> list[TokenRecord]:
    """Return a record for each token of a prompt."""
    model, vocabulary, _ = trained
    inputs, states = prompt.behind.inputs(prompt.tokens)[:-1], prompt.behind.states
    stream, offset, found = TextStream(vocabulary, prompt.behind.at_start), 0, []
    parts = zip(torch.split(inputs, CHUNK), torch.split(prompt.tokens, CHUNK), strict=True)
    for part, tokens in parts if len(inputs) else ():
        with evaluating(model):
            output, states = model.read(part[:, None].to(model.device), states)
            logits = model.row_logits(output[:, 0])
        read = tokens.tolist()
        for record, token in zip(token_records(vocabulary, logits, read, top), read, strict=True):
            found.append(replace(record, offset=offset))
            offset += len(stream.push(token))
    return found
