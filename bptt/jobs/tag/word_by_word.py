"""A tagger that meets a text word by word: one step of the recurrence for each word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from bptt.data.arriving_words import ArrivingWords
from bptt.data.examples import Example
from bptt.errors import InputError
from bptt.jobs.answers import Answer, Arriving, Line
from bptt.jobs.ensembling import refuse_ensemble
from bptt.jobs.tag.trained import TrainedTagger
from bptt.models.codecs.codec import pad
from bptt.nn.stepper import Stepper
from bptt.runs.evaluating import evaluating

_TRAIN = "Train one by `bptt train tag --no-bidirectional --no-crf`, or leave `stream` out"


@dataclass(frozen=True)
class WordTag(Answer):
    """The tag of a word with its probability; `sentence` is the number of its sentence, from 1."""

    sentence: int
    tag: str
    probability: float


class TagStepper:
    """Tags one word at a call, and keeps the states of the recurrent layers between calls.

    Its answers equal those of `TrainedTagger.predict` for the whole sentence. Weights are copied when it is
    made. Raises InputError for an ensemble, and for a tagger that reads in both directions or has a CRF: its
    tags depend on the words that follow.
    """

    def __init__(self, trained: TrainedTagger) -> None:
        refuse_ensemble("stream", trained.members)
        model = trained.model
        if model.encoder.recurrent.bidirectional:
            came = "one of two: a tag depends on all words behind it, so it has to wait for the last one"
            raise InputError("stream", "needs a tagger of one direction", came, _TRAIN)
        if model.crf is not None:
            came = "one with a CRF: it chooses the tags of a sentence together, when the last word is known"
            raise InputError("stream", "needs a tagger without a CRF", came, _TRAIN)
        self._trained = trained
        with evaluating(model):
            self._stepper = Stepper(model.encoder.recurrent, batch=1)

    def step(self, word: str) -> tuple[str, float]:
        """Return the tag of the next word of a sentence, and its probability."""
        trained, model = self._trained, self._trained.model
        with evaluating(model):
            batch = pad([trained.codec.encode((word,))]).to(model.output.weight.device)
            output = self._stepper.step(model.encoder.embed(batch.tensors)[0])  # (1, H)
            probabilities = model.output(model.encoder.feed_forward(output))[0].softmax(0)  # (K,)
            probability, number = torch.max(probabilities, 0)
        return trained.tags.decode([int(number)])[0], float(probability)

    def reset(self) -> None:
        """Begin a sentence."""
        self._stepper.reset()


class ArrivingTags(Arriving):
    """The words of a text that arrives in pieces, each with its tag."""

    def __init__(self, trained: TrainedTagger, probabilities: bool) -> None:
        self._stepper, self._probabilities = TagStepper(trained), probabilities
        self._words = ArrivingWords(trained.config.tags.cutting)
        self._sentence = 1

    def push(self, text: str) -> Iterator[tuple[Example[str, str], WordTag] | None]:
        """Yield each word that is certain after a further piece of text with its tag; None after a line."""
        return self._tagged(self._words.push(text))

    def close(self) -> Iterator[tuple[Example[str, str], WordTag] | None]:
        """Yield the words that are left at the end of the text; None after a line without an end."""
        return self._tagged(self._words.close())

    def lines(self, answer: WordTag, example: Example[str, str], number: int) -> list[Line]:
        """Return the columns word, tag, and perhaps its probability."""
        shown = (f"{answer.probability:.6f}",) if self._probabilities else ()
        return [(example.input, answer.tag, *shown)]

    def _tagged(self, words: Iterator[str | None]) -> Iterator[tuple[Example[str, str], WordTag] | None]:
        for word in words:
            if word is None:
                self._stepper.reset()
                self._sentence += 1
                yield None
            else:
                example: Example[str, str] = Example(word, None, f"standard input:{self._sentence}")
                yield example, WordTag(self._sentence, *self._stepper.step(word))
