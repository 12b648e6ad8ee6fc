"""A sample while it is drawn: the tokens that may come next, the text that is complete, and its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bptt.data.vocabulary import TextStream
from bptt.data.vocabulary_options import END
from bptt.errors import InputError
from bptt.jobs.answers import Answer
from bptt.jobs.language.model import Trained
from bptt.jobs.language.prompt import Prompt
from bptt.jobs.language.sampling_options import LineOptions, SamplingOptions
from bptt.jobs.language.verse import PlaceInVerse, Verse

# Why a sample has ended: with `<eos>` or the last of its lines, or after the largest number of tokens.
SampleEnd = Literal["end", "length"]


@dataclass(frozen=True)
class Sample(Answer):
    """Sample number `row`, from 1: what it continues (`input`, with `unknown` tokens), the `text`, the number
    of its `tokens`, and its end. A server may give the `state` behind it.
    """

    row: int
    input: str
    unknown: int
    text: str
    tokens: int
    ended: SampleEnd
    state: str | None = None


class SampleForm:
    """The form of all samples of a prompt: their length, the end of a line, and the form of their lines.

    Raises InputError as `Verse` does, and for a form of lines behind a text that has been read.
    """

    def __init__(
        self, trained: Trained, prompt: Prompt, options: SamplingOptions, lines: LineOptions
    ) -> None:
        if lines and prompt.behind.count:
            rule, cure = (
                "must be left out with a form of lines, which counts those of the prompt",
                "Send the text",
            )
            raise InputError("state", rule, "one", cure)
        goes_on = trained.config.data.mode != "sentences"
        self.vocabulary, self.prompt = trained.vocabulary, prompt
        self.verse = Verse(trained.vocabulary, lines, goes_on, prompt.tokens) if lines else None
        self.stops = options.stop_at_end or not goes_on
        self.length = options.length


class SampledText:
    """One sample of a form, of `count` tokens, at a `place` in its lines.

    `ended` says why it has ended, None while it goes on.
    """

    ended: SampleEnd | None = None

    def __init__(self, form: SampleForm) -> None:
        self._form = form
        self._stream = TextStream(form.vocabulary, form.prompt.at_start)
        self.place = PlaceInVerse() if form.verse is None else form.verse.first
        self.count = 0

    def push(self, token: int) -> str:
        """Return the text that is complete with a further token."""
        form = self._form
        self.count += 1
        if form.verse is not None:
            self.place = form.verse.after(self.place, token)
        is_over = self.place.at == "over"
        if token == END and (form.stops or is_over):
            self.ended = "end"
            return self._stream.close()
        if is_over:
            self.ended = "end"
        elif self.count == form.length:
            self.ended = "length"
        text = self._stream.push(token)
        return text + self._stream.close() if self.ended else text

    def record(self, row: int, text: str, ended: SampleEnd | None = None) -> Sample:
        """Return the record of the sample, number `row`, whose `text` has ended here, or as `ended` says."""
        ended = ended or self.ended
        assert ended is not None
        prompt = self._form.prompt
        return Sample(row, prompt.text, prompt.unknown, text, self.count, ended)
