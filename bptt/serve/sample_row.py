"""One sample of a request while it is drawn beside others, and the pieces in which its text is handed on."""

from __future__ import annotations

from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field, replace

from torch import Tensor

from bptt.data.vocabulary_options import END
from bptt.jobs.language.network import States
from bptt.jobs.language.sampled_text import Sample, SampledText, SampleForm
from bptt.jobs.language.sampling import places_of_one
from bptt.jobs.language.sampling_options import LineOptions, SamplingOptions
from bptt.jobs.language.text_read import TextRead
from bptt.serve.outlet import Outlet
from bptt.serve.stop_texts import StopTexts
from bptt.serve.token_records import TokenRecord


@dataclass(frozen=True)
class TextPiece:
    """A further piece of the text of a row, number `index` from 0, with records of its tokens if asked for.

    `row` is the whole row if it has ended.
    """

    of: SampleRow
    text: str
    tokens: tuple[TokenRecord, ...] = ()
    row: SampleRow | None = None

    @property
    def index(self) -> int:
        """The number of the row, from 0."""
        return self.of.index


@dataclass(frozen=True, eq=False)
class Wanted:
    """The samples that a request wants: `number` for each prompt, each of which goes on `behind` a text.

    The samples of a prompt are those of one seed. `stops` are texts that end a sample, which they are not
    part of; `top` is the number of likeliest tokens to record beside each that is drawn, None for no
    records; with `read_too` the tokens of the prompt are recorded, too. With `keep`, the text that the model
    has read at the end is kept. Pieces go to the `outlet`.
    """

    prompts: tuple[str, ...]
    options: SamplingOptions
    lines: LineOptions = field(default_factory=LineOptions)
    number: int = 1
    behind: TextRead | None = None
    stops: tuple[str, ...] = ()
    top: int | None = None
    read_too: bool = False
    keep: bool = False
    outlet: Outlet[TextPiece] | None = None

    @property
    def rows(self) -> int:
        """The number of samples."""
        return len(self.prompts) * self.number


class SampleRow:
    """One sample of a request: its text so far, and why it has ended; `read` is the text at its end."""

    def __init__(self, request: RowsRequest, form: SampleForm, index: int, number: int) -> None:
        wanted = request.wanted
        self.request, self.form, self.index, self.last = request, form, index, 0
        # Rows of one key are drawn together.
        self.key = (replace(wanted.options, seed=0, length=1, stop_at_end=False), form.verse is not None)
        self._drawn = SampledText(form)
        self.places = places_of_one(wanted.options.seed, wanted.options.length, number)
        self._stops = StopTexts(wanted.stops) if wanted.stops else None
        self._texts: list[str] = []
        self.records: list[TokenRecord] = []
        self.read_records: list[TokenRecord] = []
        # Records of tokens whose text is held back, and the characters so far, with those of the prompt.
        self._held: list[TokenRecord] = []
        self._drawn_to = self._given_to = len(form.prompt.text)
        self.sample: Sample | None = None
        self.read: TextRead | None = None

    @property
    def allowed(self) -> Tensor | None:
        """The tokens that may come next, (V,) bool; None if all may."""
        return None if self.form.verse is None else self.form.verse.allowed(self._drawn.place)

    def push(self, token: int) -> str:
        """Take the next token; return the text that is complete with it."""
        self.last = token
        text, ended = self._drawn.push(token), self._drawn.ended
        self._begins, self._drawn_to = self._drawn_to, self._drawn_to + len(text)
        if self._stops is not None:
            text = self._stops.push(text, ended is not None)
            ended = "end" if self._stops.found else ended
        self._texts.append(text)
        if ended is not None:
            self.sample = self._drawn.record(self.index + 1, "".join(self._texts), ended)
        return text

    def hand_on(self, text: str, record: TokenRecord | None) -> None:
        """Put a piece of text, with the record of its last token, into the outlet."""
        if record is not None:
            self._held.append(replace(record, offset=self._begins))
        self._given_to += len(text)
        # A stop is not part of the sample: its tokens are left out with its text.
        is_whole = self.sample is not None and not (self._stops is not None and self._stops.found)
        count = len(self._held)
        if not is_whole:
            count = sum(each.offset < self._given_to for each in self._held)
        records, self._held = tuple(self._held[:count]), self._held[count:]
        self.records += records
        outlet, ended = self.request.wanted.outlet, None if self.sample is None else self
        if outlet is not None and (text or records or ended):
            outlet.put(TextPiece(self, text, records, ended))

    def keep(self, states: States) -> None:
        """Keep the text that the model has read at the end of the sample."""
        prompt = self.form.prompt
        count = prompt.behind.count + len(prompt.tokens) + self._drawn.count
        self.read = TextRead(self.last, states, count, self.last == END)


class RowsRequest:
    """A request whose rows are drawn; `left` of them have not ended."""

    def __init__(self, wanted: Wanted, future: Future[list[SampleRow]]) -> None:
        self.wanted, self.future = wanted, future
        self.rows: list[SampleRow] = []
        self.left = wanted.rows

    def end(self) -> None:
        """Count a row that has ended."""
        self.left -= 1
        if not self.left:
            # The request may be given up at this very moment.
            with suppress(InvalidStateError):
                self.future.set_result(self.rows)
