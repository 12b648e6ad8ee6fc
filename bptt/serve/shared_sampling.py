"""Samples of a language model for all requests at once: their rows step together, and join and leave at any
step.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress

import torch
from torch import Tensor

from bptt.jobs.language.model import Trained
from bptt.jobs.language.prompt import Prompt, read_prompt
from bptt.jobs.language.sampled_text import SampleForm
from bptt.jobs.language.sampling import distribution, pick
from bptt.jobs.language.text_read import CHUNK, TextRead
from bptt.serve.live_rows import LiveRows
from bptt.serve.model_thread import Sharing
from bptt.serve.sample_row import RowsRequest, SampleRow, Wanted
from bptt.serve.token_records import TokenRecord, prompt_records, token_records

# Rows that step together; requests beyond wait. A step of more rows takes longer than the rows save.
MOST_ROWS = 128
# Reading a prompt costs as much as reading this many tokens, however short it is.
_LEAST_COST = 64


class _Beginning:
    """A prompt that is read, a part at a step, and then continued by rows."""

    def __init__(self, request: RowsRequest, prompt: Prompt, rows: Sequence[SampleRow]) -> None:
        self.request, self.rows = request, deque(rows)
        self._unread, self._read = prompt.tokens, prompt.behind

    def read_on(self, trained: Trained, most: int) -> int:
        """Read at most `most` tokens; return how much that costs, in tokens."""
        part, self._unread = self._unread[:most], self._unread[most:]
        if len(part):
            self._read = self._read.after(trained.model, part)
        return max(len(part), _LEAST_COST)

    def begun(self, most: int) -> Iterator[tuple[SampleRow, TextRead]]:
        """Yield at most `most` rows with the text behind which they begin, once all of it has been read."""
        while self.rows and most and not len(self._unread):
            row = self.rows.popleft()
            row.last = self._read.last
            most -= 1
            yield row, self._read


class SharedSampling(Sharing):
    """The samples of one model for all requests. Used by one thread, that of the models."""

    def __init__(self, trained: Trained) -> None:
        self._trained = trained
        self._live: LiveRows | None = None
        self._rows: list[SampleRow] = []
        self._beginnings: deque[_Beginning] = deque()

    @property
    def room(self) -> int:
        """The number of rows that can be taken now."""
        return MOST_ROWS - len(self._rows) - sum(len(each.rows) for each in self._beginnings)

    @property
    def rows(self) -> int:
        """The number of rows that step together."""
        return len(self._rows)

    def join(self, wanted: Wanted, future: Future[list[SampleRow]]) -> None:
        """Begin with a request, whose rows are the result of `future`; if that is cancelled, they leave.

        Raises InputError if a prompt cannot be read, or lines of a form cannot be drawn.
        """
        request, begun = RowsRequest(wanted, future), []
        for text in wanted.prompts:
            prompt = read_prompt(self._trained, text, wanted.behind)
            form = SampleForm(self._trained, prompt, wanted.options, wanted.lines)
            first = len(request.rows)
            rows = [SampleRow(request, form, first + number, number) for number in range(wanted.number)]
            if wanted.read_too and wanted.top is not None:
                read = prompt_records(self._trained, prompt, wanted.top)
                for row in rows:
                    row.read_records = read
            request.rows += rows
            begun.append(_Beginning(request, prompt, rows))
        self._beginnings += begun

    def step(self) -> bool:
        """Draw a token of every row; return whether there is anything left to do.

        Prompts are read before, a bounded number of tokens at a time.
        """
        self._regroup()
        if self._rows:
            self._draw()
        return bool(self._rows or self._beginnings)

    def fail(self, error: Exception) -> None:
        """End all requests with an error."""
        requests = {row.request for row in self._rows} | {each.request for each in self._beginnings}
        self._rows, self._live = [], None
        self._beginnings.clear()
        for request in requests:
            with suppress(InvalidStateError):
                request.future.set_exception(error)

    def _regroup(self) -> None:
        """Let rows leave that have ended or were given up, and join whose prompt has been read."""
        waiting = [each for each in self._beginnings if not each.request.future.cancelled()]
        self._beginnings = deque(waiting)
        kept = [
            place
            for place, row in enumerate(self._rows)
            if row.sample is None and not row.request.future.cancelled()
        ]
        joined = list(self._begin(MOST_ROWS - len(kept)))
        if joined or len(kept) < len(self._rows):
            if self._live is None:
                self._live = LiveRows(self._trained.model)
            self._live.regroup(kept, [read.states for _, read in joined])
            self._rows = [self._rows[place] for place in kept] + [row for row, _ in joined]

    def _begin(self, most: int) -> Iterator[tuple[SampleRow, TextRead]]:
        budget = CHUNK
        while self._beginnings and budget > 0 and most > 0:
            first = self._beginnings[0]
            budget -= first.read_on(self._trained, budget)
            for row, read in first.begun(most):
                most -= 1
                yield row, read
            if first.rows:
                return
            self._beginnings.popleft()

    def _draw(self) -> None:
        assert self._live is not None
        logits = self._live.step([row.last for row in self._rows])
        drawn = self._tokens(logits)
        records = self._records(logits, drawn)
        for place, row in enumerate(self._rows):
            text = row.push(drawn[place])
            if row.sample is not None and row.request.wanted.keep:
                row.keep(self._live.states(place))
            row.hand_on(text, records[place])
            if row.sample is not None:
                row.request.end()

    def _tokens(self, logits: Tensor) -> list[int]:
        """Return the next token of each row; rows with equal options are drawn together."""
        groups: dict[object, list[int]] = {}
        for place, row in enumerate(self._rows):
            groups.setdefault(row.key, []).append(place)
        found = [0] * len(self._rows)
        for places in groups.values():
            rows = [self._rows[place] for place in places]
            masks = [mask for row in rows if (mask := row.allowed) is not None]
            own = logits if len(groups) == 1 else logits[places]
            shares = distribution(own, rows[0].request.wanted.options, torch.stack(masks) if masks else None)
            numbers = torch.tensor([next(row.places) for row in rows], dtype=torch.float64)
            for place, token in zip(places, pick(shares.cpu(), numbers).tolist(), strict=True):
                found[place] = token
        return found

    def _records(self, logits: Tensor, drawn: Sequence[int]) -> list[TokenRecord | None]:
        found: list[TokenRecord | None] = [None] * len(drawn)
        for place, row in enumerate(self._rows):
            top = row.request.wanted.top
            if top is not None:
                token, one = drawn[place : place + 1], logits[place : place + 1]
                (found[place],) = token_records(self._trained.vocabulary, one, token, top)
        return found
