"""Sounds to log-mel features, (T, bands)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from pathlib import Path
from random import Random
from threading import Lock
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from bptt.data.audio.augmentation import Augmentation
from bptt.data.audio.decoding import open_mono
from bptt.data.audio.feature_stream import FeatureStream
from bptt.data.audio.log_mel import LogMel, LogMelStream
from bptt.data.audio.options import AugmentOptions, SoundOptions
from bptt.data.audio.sound import SampledSound, Sound
from bptt.data.audio.survey import SoundFacts, Survey, usual_rate
from bptt.data.audio.wav import find_fault
from bptt.data.json_text import parse_json
from bptt.data.reading import read_bytes
from bptt.data.workers import Workers
from bptt.errors import InputError, WrongTypeError
from bptt.models.codecs.codec import Codec
from bptt.models.inputs import SeriesInput
from bptt.models.moments import Moments

if TYPE_CHECKING:
    from bptt.runs.origin import Origin

FILE = "sound.json"
# Sounds that a worker measures at a time.
_AT_ONCE = 16


class SoundCodec(Codec[Sound | SampledSound]):
    """Turns sounds into log-mel features by `options`, whose rate is known. `survey` describes the training
    sounds; `moments` are those of their features.
    """

    unit = "frames"

    def __init__(
        self,
        options: SoundOptions,
        survey: Survey | None = None,
        moments: Moments | None = None,
        changes: AugmentOptions | None = None,
    ) -> None:
        self.options, self._survey, self._moments = options, survey, moments
        self._augmentation = None if changes is None else Augmentation(changes, options)
        self.features = LogMel(options, options.rate)
        # The sounds that were encoded, by several threads.
        self._read, self._lock = Survey(), Lock()
        self._lengths: dict[Sound, int] = {}

    @classmethod
    def learn(
        cls,
        sounds: Sequence[Sound],
        options: SoundOptions,
        workers: int = 0,
        changes: AugmentOptions | None = None,
    ) -> SoundCodec:
        """Read all training sounds once: their rates, lengths and faults, and the moments of their features.

        The rate, if it is not chosen, is that of most sounds, at most 16,000 a second. With `changes`,
        `augment` draws them. Raises InputError for a sound that cannot be read.
        """
        known = replace(options, rate=usual_rate(sounds, options))
        codec = cls(known, Survey(), Moments(options.bands), changes)
        for sound, (facts, frames) in zip(sounds, _each(codec.examine, sounds, workers), strict=True):
            codec._take_in(sound, facts, frames)
        return codec

    def _take_in(self, sound: Sound, facts: SoundFacts, frames: Tensor) -> None:
        assert self._survey is not None and self._moments is not None
        self._survey.add(sound, facts)
        self._moments.add(frames)
        self._lengths[sound] = len(frames)

    @classmethod
    def continued(
        cls,
        origin: Origin[Codec[Any]],
        sounds: Sequence[Sound],
        workers: int = 0,
        changes: AugmentOptions | None = None,
    ) -> SoundCodec:
        """Return the codec of a run that begins from another: its rate and features are those there.

        Raises InputError if that run reads no sound.
        """
        if not isinstance(origin.trained, SoundCodec):
            raise InputError(origin.name, "must be a run on sound, as the new data are", "another")
        return cls.learn(sounds, origin.trained.options, workers, changes)

    @classmethod
    def load(cls, run: Path) -> SoundCodec:
        """Return the codec of a run folder. Raises InputError if its file is missing or damaged."""
        path = run / FILE
        found = parse_json(read_bytes(path).decode(), str(path), "must be the options of sound")
        names = {each.name for each in fields(SoundOptions)}
        if not isinstance(found, dict) or set(found) - names:
            raise InputError(str(path), f"must be an object with {', '.join(sorted(names))}", str(found)[:80])
        return cls(SoundOptions(**found))

    def part(self) -> SeriesInput:
        """Return a part that takes out the mean and the deviation of the training sounds."""
        part = SeriesInput(self.options.bands)
        if self._moments is not None and self.options.normalise == "global":
            part.take(self._moments)
        return part

    def encode(self, input: Sound | SampledSound) -> tuple[Tensor, ...]:
        """Return the features (T, bands). Raises InputError if the sound cannot be read."""
        if isinstance(input, SampledSound):
            stream = FeatureStream(self.features, input.rate)
            return (self.normalised(torch.cat([stream.push(input.samples), stream.finish()])),)
        facts, frames = self.examine(input)
        with self._lock:
            self._read.add(input, facts)
        return (frames,)

    def augment(self, input: Sound | SampledSound, draw: Random) -> tuple[Tensor, ...]:
        """Return the features (T, bands) of a sound with changes, drawn one by one; its T changes, too."""
        if self._augmentation is None or isinstance(input, SampledSound):
            return self.encode(input)
        variation = self._augmentation.draw(draw)
        with open_mono(input, self.options) as file:
            stream = LogMelStream(self.features)
            pieces = self._augmentation.changed(file.pieces(), file.rate, variation)
            found = torch.cat([*map(stream.push, pieces), stream.finish()])
        frames = self.normalised(found)
        return (variation.mask(frames, self._fill(frames)),)

    def _fill(self, frames: Tensor) -> Tensor:
        """Return the features (bands,) that masks put in place: the mean, of training if it is known."""
        if self._moments is None or self.options.normalise != "global":
            return frames.mean(0)
        return self._moments.mean.float()

    def examine(self, sound: Sound) -> tuple[SoundFacts, Tensor]:
        """Return what a sound is like, and its features (T, bands). Raises as `encode` does."""
        with open_mono(sound, self.options) as file:
            stream = FeatureStream(self.features, file.rate)
            found = [stream.push(piece) for piece in file.pieces()]
            frames = self.normalised(torch.cat([*found, stream.finish()]))
            return SoundFacts.of(file, self.options), frames

    def normalised(self, frames: Tensor) -> Tensor:
        """Return features (T, bands) without their own mean and deviation, if the options say so."""
        if self.options.normalise != "utterance":
            return frames
        own = Moments(self.options.bands)
        own.add(frames)
        return ((frames - own.mean) / own.deviation).float()

    def stream(self, rate: int) -> FeatureStream:
        """Return a stream of features of sound that arrives at a rate.

        Raises InputError for features that are normalised by the whole sound.
        """
        if self.options.normalise == "utterance":
            rule = "is not `utterance`, for sound that is read as it arrives"
            raise InputError("normalise", rule, "utterance", "Train with `normalise` global")
        return FeatureStream(self.features, rate)

    def length(self, input: Sound | SampledSound) -> int | None:
        """Return the number of frames of a training sound; None of another one."""
        return self._lengths.get(input) if isinstance(input, Sound) else None

    def check(self, input: Any, place: str) -> Sound | SampledSound:
        """Return a sound, the sound of a file by its path, or that of samples (N,) or (N, channels) and rate.

        Raises WrongTypeError for anything else, InputError for samples of another shape or rate.
        """
        if isinstance(input, Sound | SampledSound):
            return input
        if isinstance(input, tuple) and len(input) == 2:
            return _sampled(*input, place)
        if not isinstance(input, str | Path):
            rule = "must be a sound: the path of a file, or (samples, rate)"
            raise WrongTypeError(place, rule, f"{type(input).__name__} {str(input)[:40]!r}")
        return Sound(Path(input))

    def files(self) -> Mapping[str, bytes]:
        """Return the options as a file."""
        return {FILE: (json.dumps(asdict(self.options), indent=2) + "\n").encode()}

    def describe(self) -> list[str]:
        """Describe the training sounds."""
        if self._survey is None:
            return []
        rate = f", {self.options.rate:,} samples a second, {self.options.bands} bands"
        return [self._survey.size + rate, *self._survey.notes(self.options)]

    def conclude(self) -> list[str]:
        """Describe how the sounds that were encoded were changed, and what is wrong with some."""
        return self._read.notes(self.options)


def _sampled(samples: Any, rate: Any, place: str) -> SampledSound:
    """Return samples at a rate as a sound, its channels mixed; whole numbers count by their full scale."""
    rule = "must be samples, one or more numbers (N,) or (N, channels) that are finite"
    try:
        values = torch.as_tensor(samples).detach().cpu()
    except (TypeError, ValueError, RuntimeError) as error:
        raise WrongTypeError(place, rule, type(samples).__name__) from error
    is_sound = values.ndim in (1, 2) and values.numel() > 0 and not values.dtype.is_complex
    if not is_sound or not values.isfinite().all():
        came = f"{tuple(values.shape)} of {values.dtype}"
        raise InputError(place, rule, came + (", some of them NaN or infinite" if is_sound else ""))
    if not isinstance(rate, int) or isinstance(rate, bool) or rate < 1:
        raise InputError(place, "the rate of samples is a whole number above 0", repr(rate))
    if values.dtype.is_floating_point and (fault := find_fault(values.float().numpy())):
        raise InputError(place, *fault[1:])
    if not values.dtype.is_floating_point:
        values = values / -float(torch.iinfo(values.dtype).min or -1)
    return SampledSound(values.float().reshape(len(values), -1).mean(1), rate)


def _each(
    examine: Callable[[Sound], tuple[SoundFacts, Tensor]], sounds: Sequence[Sound], workers: int
) -> Any:
    """Yield what `examine` returns for each sound, in order, by `workers` threads ahead of time."""
    if not workers:
        yield from map(examine, sounds)
        return
    threads: Workers[int, tuple[SoundFacts, Tensor]] = Workers(lambda row: examine(sounds[row]), workers)
    try:
        waiting = []
        for start in range(0, len(sounds), _AT_ONCE):
            waiting.append(threads.start(range(start, min(start + _AT_ONCE, len(sounds)))))
            if len(waiting) > 2 * workers:
                yield from waiting.pop(0).result()
        for each in waiting:
            yield from each.result()
    finally:
        threads.close()
