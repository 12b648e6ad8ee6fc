"""A tagger as a page runs it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bptt.data.schemes import OUTSIDE
from bptt.jobs.model_page import ModelPage, cut_by_jieba, feed_forward_data, input_data, linear_data
from bptt.jobs.tag.trained import TrainedTagger
from bptt.languages.phrase import Phrase, phrase
from bptt.nn.crf import CRF


def describe(trained: TrainedTagger, run: Path | None = None) -> ModelPage:
    """Return the model with its tags, and how sentences are cut into words.

    Raises InputError for words that jieba cuts.
    """
    cutting = trained.config.tags.cutting
    if cutting.level == "jieba":
        raise cut_by_jieba()
    words = {"kind": "words", "level": cutting.level, "kept": cutting.kept}
    return tagger_page(trained, phrase("Tagger"), words, "Ada Lovelace went to London in 1842 .")


def tagger_page(trained: TrainedTagger, called: Phrase, words: dict[str, Any], example: str) -> ModelPage:
    """Return a tagger that reads `words`; how they are cut is said there."""
    network, codec = trained.model, trained.codec
    recurrent = network.encoder.recurrent
    lists = {name.removesuffix(".json"): found.words for name, found in codec.lists().items()}
    read = {"lowercase": codec.options.lowercase, "normalise": codec.options.normalise}
    return ModelPage(
        called,
        engine=("cutting", "inputs", "layers_on_top", "example", "crf", "tagger"),
        drawing=("examples_page", "tagger_page"),
        data={
            "reading": {**words, **read, "lists": lists},
            "part": input_data(network.encoder.part),
            "layers": recurrent,
            "feedForward": feed_forward_data(network.encoder.feed_forward),
            "output": linear_data(network.output),
            "labels": trained.tags.tags,
            "outside": OUTSIDE,
            "crf": None if network.crf is None else _crf(network.crf),
        },
        stack=recurrent,
        facts=(
            phrase("{} tags", str(len(trained.tags.tags))),
            phrase("{} known words", f"{len(codec.words):,}"),
        ),
        example=example,
    )


def _crf(crf: CRF) -> dict[str, Any]:
    """Return the scores of a field, and where none is allowed."""
    return {
        "start": crf.start,
        "transitions": crf.transitions,
        "end": crf.end,
        "allowed": {
            "start": crf.allowed_start.int().tolist(),
            "transitions": crf.allowed_transitions.flatten().int().tolist(),
            "end": crf.allowed_end.int().tolist(),
        },
    }
