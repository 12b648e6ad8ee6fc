"""The data with which a page runs a trained model; the file `model_page` of each job gives them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from bptt.data.vocabulary import Vocabulary
from bptt.errors import InputError
from bptt.languages.phrase import Phrase
from bptt.models.dna_input import DnaInput
from bptt.models.inputs import InputPart, SeriesInput, TokenInput
from bptt.models.spelled_words import SpelledWordInput
from bptt.nn.stack import Stack


@dataclass(frozen=True)
class ModelPage:
    """A model as a page runs it.

    Args:
        called: such a model in words, for the title.
        engine: the scripts that compute, in the order of joining, by their names in `bptt/live/page_parts`.
            The last one has `createModel`.
        drawing: the scripts that draw, in the same form. The last one has `draw`.
        data: plain data for them. A tensor in it becomes an array of weights, a stack the list of its layers.
        stack: the recurrent layers, which the facts about the model describe.
        facts: further facts, one line each.
        example: the text that the page begins with.

    """

    called: Phrase
    engine: Sequence[str]
    drawing: Sequence[str]
    data: Mapping[str, Any]
    stack: Stack
    facts: Sequence[Phrase] = ()
    example: str = ""


_CUTTING = ("level", "lowercase", "digits", "punctuation", "normalise")


def vocabulary_data(vocabulary: Vocabulary) -> dict[str, Any]:
    """Return what cuts a text into tokens. Raises InputError for words that jieba cuts."""
    options = vocabulary.options
    if options.level == "jieba":
        raise cut_by_jieba()
    is_merged = options.level == "bpe"
    return {
        **{name: getattr(options, name) for name in _CUTTING},
        "whiteSpace": options.keeps_white_space,
        "opening": vocabulary.level.opening,
        "tokens": vocabulary.tokens,
        "merges": json.loads(vocabulary.to_bytes())["model"]["merges"] if is_merged else [],
        "unit": vocabulary.unit,
    }


def cut_by_jieba() -> InputError:
    """Return the error that a page has no dictionary of words."""
    cure = "Train with `level` character or word"
    return InputError("html", "a page cuts a text without a dictionary", "level jieba", cure)


def input_data(part: InputPart) -> dict[str, Any]:
    """Return the part of a network that makes vectors of inputs. Raises InputError for an unknown one."""
    match part:
        case TokenInput():
            embedded = bool(part.options.embedding_size)
            return {
                "kind": "tokens",
                "size": part.vocabulary_size,
                "embedding": part.embedding if embedded else None,
                "others": part.others if part.num_others else None,
            }
        case SpelledWordInput():
            return {
                "kind": "spelled",
                "words": input_data(part.words),
                "characters": input_data(part.characters),
                "speller": part.speller,
            }
        case DnaInput():
            # A third has no place among numbers of 16 bits.
            return {"kind": "table", "rows": part.probabilities.tolist()}
        case SeriesInput():
            return {"kind": "series", "mean": part.mean.tolist(), "deviation": part.deviation.tolist()}
    rule = "a page reads texts, DNA and series of numbers"
    raise InputError("html", rule, type(part).__name__, "Use `bptt predict`, or `bptt inspect` for a page")


_ACTIVATIONS = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid"}


def feed_forward_data(layers: nn.Sequential) -> dict[str, Any]:
    """Return feed-forward layers and their activation."""
    linear = [linear_data(layer) for layer in layers if isinstance(layer, nn.Linear)]
    names = [_ACTIVATIONS[type(layer)] for layer in layers if type(layer) in _ACTIVATIONS]
    return {"activation": names[0] if names else None, "layers": linear}


def linear_data(layer: nn.Linear) -> dict[str, Tensor]:
    """Return the parameters of a linear layer."""
    return {"weight": layer.weight, "bias": layer.bias}
