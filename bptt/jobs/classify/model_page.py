"""A classifier as a page runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bptt.data.nucleotides import LETTERS, reverse_complement
from bptt.errors import InputError
from bptt.jobs.classify.network import OneLabel, SequenceReader
from bptt.jobs.classify.trained import TrainedClassifier
from bptt.jobs.model_page import ModelPage, feed_forward_data, input_data, linear_data, vocabulary_data
from bptt.languages.phrase import phrase
from bptt.models.codecs.codec import Codec
from bptt.models.codecs.dna import DnaCodec
from bptt.models.codecs.numbers import NumberCodec
from bptt.models.codecs.text import TextCodec
from bptt.models.inputs import SeriesInput
from bptt.nn.pooling import Pooling


def describe(trained: TrainedClassifier, run: Path | None = None) -> ModelPage:
    """Return the model with its labels, and how inputs are read.

    Raises InputError for inputs that nobody can type, for a model without recurrence, and for words that
    jieba cuts.
    """
    network, config = trained.model, trained.config
    body = network.body
    if not isinstance(body, SequenceReader):
        cure = "Use `bptt predict`"
        raise InputError("html", "a page runs a recurrent network", "feed-forward layers alone", cure)
    reading, example = _reading_of(trained.codec, config.source.kind)
    one, count = isinstance(network.labelling, OneLabel), str(len(trained.labels))
    labels = phrase("{} labels", count) if one else phrase("{} labels, any number of them at once", count)
    return ModelPage(
        phrase("Classifier"),
        engine=("vocabulary", "ngrams", "inputs", "layers_on_top", "example", "classifier"),
        drawing=("examples_page", "classifier_page"),
        data={
            "reading": {**reading, "limit": config.data.max_length},
            "part": input_data(body.encoder.part),
            "layers": body.encoder.recurrent,
            "pooling": _pooling(body.pooling),
            "feedForward": feed_forward_data(body.encoder.feed_forward),
            "output": linear_data(network.output),
            "labels": trained.labels,
            "loss": network.loss_name,
            "offsets": None if trained.offsets is None else trained.offsets.tolist(),
            "bothStrands": config.source.both_strands,
            "ngrams": _ngrams(trained),
        },
        stack=body.encoder.recurrent,
        facts=(labels,),
        example=example,
    )


def _reading_of(codec: Codec[Any], kind: str) -> tuple[dict[str, Any], str]:
    """Return how a page reads what is typed, and an example.

    Raises InputError for inputs that nobody can type, and for words that jieba cuts.
    """
    match codec:
        case TextCodec():
            reading = {"kind": "text", "vocabulary": vocabulary_data(codec.vocabulary)}
            return reading, "The model reads this text as you type."
        case DnaCodec():
            pairs = {letter: reverse_complement(letter) for letter in LETTERS}
            return {"kind": "dna", "letters": LETTERS, "complements": pairs}, "ACGTTGCAACGT"
        case NumberCodec():
            part = codec.part()
            assert isinstance(part, SeriesInput)
            row = " ".join(["0"] * part.output_size)
            return {"kind": "series", "width": part.output_size}, "\n".join([row] * 3)
    rule, cure = "a page reads texts, DNA and series of numbers, which can be typed", "Use `bptt predict`"
    raise InputError("html", rule, kind, cure)


def _pooling(pooling: Pooling) -> dict[str, Any]:
    found: dict[str, Any] = {"kind": pooling.kind, "bidirectional": pooling.bidirectional}
    if pooling.kind == "attention":
        found |= {"weight": pooling.weight, "bias": pooling.bias, "query": pooling.query}
    return found


def _ngrams(trained: TrainedClassifier) -> dict[str, Any] | None:
    """Return the linear model beside the network, None without."""
    known, scores = trained.ngrams, trained.model.ngrams
    if known is None or scores is None:
        return None
    return {
        "placed": known.placed,
        "groups": [{"grams": list(group), "weights": list(group.values())} for group in known.groups],
        "weight": scores.weight,
        "bias": scores.bias,
        "share": float(scores.share),
    }
