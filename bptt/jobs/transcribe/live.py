"""Speech written down while it arrives: partial texts, and the text of each utterance that has ended."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bptt.data.audio.wav import find_fault
from bptt.errors import InputError
from bptt.jobs.answers import FinalAnswer, Listening, PartialAnswer
from bptt.jobs.transcribe.endpoint import Endpoint, EndpointOptions
from bptt.jobs.transcribe.network import Transcriber, label_losses
from bptt.jobs.transcribe.search_options import SpeechSearchOptions
from bptt.jobs.transcribe.searching import SpeechSearch
from bptt.jobs.transcribe.stream import TranscriberStream
from bptt.jobs.transcribe.symbol_paths import BLANK, decode
from bptt.jobs.transcribe.timed_words import TimedWord
from bptt.jobs.transcribe.transcription import Transcription, TranscriptWriter
from bptt.models.codecs.codec import Codec
from bptt.models.codecs.sound import SoundCodec
from bptt.nn.parameters import is_count
from bptt.nn.prefix_beam import HeardSymbol

_NOTHING = PartialAnswer("", 0)
# Seconds of silence that a new utterance hears again, so that states are settled when its first word comes.
_AGAIN = 0.3
# Steps between two cuts of what all texts of the beam begin with: times of words in shorter utterances are
# those of the whole recording.
_CUT = 500
# Steps that are read at once: behind the end of an utterance they are read again.
_AT_ONCE = 32


@dataclass(frozen=True)
class HeardUtterance(FinalAnswer):
    """The text from `start` to `end`, in seconds of the stream; `confidence` as in `Transcription`."""

    start: float
    end: float
    confidence: float
    words: tuple[TimedWord, ...]


class LiveTranscriber(Listening):
    """Writes sound at `rate` samples a second (None: that of the model) as it arrives in chunks of any size.

    Utterances, their texts and their probabilities are the same to the bit however the sound is cut, and the
    memory is constant. With the default `search` a symbol is never taken back. Raises InputError for a
    transcriber of both directions, of features that are normalised by the whole recording, or of no sound,
    and for a rate that is no positive integer.
    """

    def __init__(
        self,
        model: Transcriber,
        codec: Codec[object],
        writer: TranscriptWriter,
        rate: int | None = None,
        search: SpeechSearch | None = None,
        endpoint: EndpointOptions | None = None,
    ) -> None:
        if not isinstance(codec, SoundCodec):
            raise InputError("stream", "needs a transcriber of sound", "one of features in files")
        self._model, self._codec, self._writer = model, codec, writer
        self._network = TranscriberStream(model)
        self._search = search or SpeechSearch(writer.vocabulary, BLANK, SpeechSearchOptions())
        self.rate = codec.options.rate if rate is None else rate
        if not is_count(self.rate) or not self.rate:
            raise InputError("rate", "is a whole number above 0", repr(rate))
        if self.rate != codec.options.rate:
            own = f"{codec.options.rate:,} samples a second of the model"
            more = "" if self.rate > codec.options.rate else ", which knows higher tones, too"
            self.notes = (f"resampled from {self.rate:,} to the {own}{more}",)
        options = endpoint or EndpointOptions()
        self._endpoint, self._kept = Endpoint(options, writer.seconds), options.kept
        self._again = round(_AGAIN / writer.seconds)
        # White space says nothing, and parts words; where none is written, each symbol is a word.
        pieces = list(enumerate(writer.vocabulary.pieces))
        self._quiet = {n for n, piece in pieces if not piece.strip()} | {BLANK}
        spaced = {n for n, piece in pieces if piece[:1].isspace()} - {BLANK}
        self._parting = spaced if writer.spaces else range(writer.vocabulary.size)
        self.reset()

    def reset(self) -> None:
        """Begin another sound."""
        self._said = _NOTHING
        self._features = self._codec.stream(self.rate)
        self._network.reset()
        self._recent = torch.empty(0, self._model.frames_per_step * self._codec.options.bands)
        self._begin(0)

    def push(self, samples: Tensor) -> Iterator[PartialAnswer | HeardUtterance]:
        """Yield the utterances that end in further samples (N,) in ±1, then the text of one that goes on.

        That text is only said if it has changed. Raises InputError for samples that are NaN, infinite, far
        beyond any scale, or of no floating-point dtype.
        """
        samples = torch.as_tensor(samples).detach()
        if samples.dim() != 1:
            raise InputError("samples", "must be finite numbers (N,)", tuple(samples.shape))
        if not samples.dtype.is_floating_point:
            cure = "Divide numbers of 16 bits by 32768"
            raise InputError("samples", "must be floating-point numbers in ±1", samples.dtype, cure)
        samples = samples.float()
        if fault := find_fault(samples.cpu().numpy()):
            raise InputError("samples", *fault[1:])
        yield from self._hear(self._network.cut(self._features.push(samples)))
        partial = self._partial()
        if partial != self._said:
            self._said = partial
            yield partial

    def close(self) -> Iterator[PartialAnswer | HeardUtterance]:
        """Yield what is left at the end of the sound; another sound may follow."""
        yield from self._hear(self._network.cut(self._features.finish()))
        yield from self._hear(self._network.rest())
        left: Tensor | None = self._network.end()
        while left is not None:
            left = self._take(left)
        yield from self._end(self._endpoint.steps)
        self.reset()

    def _begin(self, first: int) -> None:
        """Begin an utterance at a step of the sound."""
        self._first = first
        self._endpoint.reset()
        self._beam, self._rows = self._search.begin(), list[Tensor]()
        self._committed: tuple[HeardSymbol, ...] = ()

    def _hear(self, steps: Tensor) -> Iterator[HeardUtterance]:
        """Read steps (T, width), and yield the utterances that end in them."""
        for part in torch.split(steps, _AT_ONCE) if len(steps) else ():
            yield from self._hear_part(part)

    def _hear_part(self, steps: Tensor) -> Iterator[HeardUtterance]:
        rows = self._network.read(steps)
        while (left := self._take(rows)) is not None:
            cut = self._endpoint.cut
            yield from self._end(cut)
            behind, again = self._endpoint.steps - cut, 0
            if self._kept:
                rows = torch.cat([*self._rows, left])[cut:]
            else:
                if not behind:
                    # The end of the silence, and what was read ahead, begins the next utterance.
                    again = min(self._again, self._endpoint.quiet, self._endpoint.steps // 2)
                known = torch.cat([self._recent, steps])
                begin = len(known) - again - behind - self._network.delay - len(left)
                self._recent, steps = known[:begin], known[begin:]
                self._network.restart()
                rows = self._network.read(steps)
            self._begin(self._first + cut - again)
        known = torch.cat([self._recent, steps])
        most = self._network.delay + max(self._again, self._endpoint.longest)
        self._recent = known[max(0, len(known) - most) :]

    def _take(self, rows: Tensor) -> Tensor | None:
        """Search on with ln P (N, V) at the next steps, up to the last of the utterance.

        Return the rows behind that; None if it goes on.
        """
        first = 0
        for count, symbol in enumerate(rows.argmax(-1).tolist(), 1):
            ends = self._endpoint.ends(symbol in self._quiet, symbol in self._parting)
            cuts = self._endpoint.steps % _CUT == 0
            if ends or cuts or count == len(rows):
                self._search_on(rows[first:count])
                first = count
            if cuts and self._search.has_beam:
                self._committed += self._beam.commit(self._beam.stable())
            if ends:
                return rows[count:]
        return None

    def _search_on(self, rows: Tensor) -> None:
        self._beam.push(rows)
        self._rows.append(rows)

    def _partial(self) -> PartialAnswer:
        best, vocabulary = self._beam.best().heard, self._writer.vocabulary
        heard = (*self._committed, *best)
        text = decode(vocabulary, (each.symbol for each in heard))
        sure = heard[: len(self._committed) + self._beam.stable()]
        # Bytes of half a character are shown as one that will change.
        stable = decode(vocabulary, (each.symbol for each in sure)).rstrip("\ufffd")
        return PartialAnswer(text, len(stable))

    def _end(self, cut: int) -> Iterator[HeardUtterance]:
        """Yield the utterance up to the step `cut`, if any word was said."""
        found = self._transcription(cut)
        if not found.text:
            return
        self._said = _NOTHING
        start = self._first * self._writer.seconds
        words = tuple(
            TimedWord(each.word, round(start + each.start, 3), round(start + each.end, 3), each.confidence)
            for each in found.words
        )
        yield HeardUtterance(found.text, words[0].start, words[-1].end, found.confidence, words)

    def _transcription(self, cut: int) -> Transcription:
        (found,) = self._search.results(self._beam, 1, self._committed)
        if self._search.has_beam and cut == self._endpoint.steps:
            return self._writer.write(found, found.acoustic)
        found = replace(found, heard=tuple([one for one in found.heard if one.first < cut]))
        if not self._rows:
            return self._writer.write(found, 0.0)
        rows = torch.cat(self._rows)[:cut, None]  # (T, 1, V)
        symbols = torch.tensor(found.symbols, dtype=torch.int64)
        sizes = torch.tensor([len(rows)]), torch.tensor([len(symbols)])
        return self._writer.write(found, -label_losses(rows, symbols, *sizes).item())
