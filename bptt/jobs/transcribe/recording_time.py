"""A recording in time: spectrogram, posteriors, alignment and sound on the axis of seconds."""

from __future__ import annotations

from itertools import groupby

import torch
from torch import Tensor

from bptt.data.audio.decoding import open_mono
from bptt.data.audio.options import USUAL_RATE, SoundOptions
from bptt.data.audio.pcm_wav import pcm_wav
from bptt.data.audio.resampling import resample
from bptt.data.audio.sound import Sound
from bptt.jobs.transcribe.symbol_paths import BLANK
from bptt.jobs.transcribe.timed_words import timed_words
from bptt.jobs.transcribe.trained import TrainedTranscriber
from bptt.languages.phrase import phrase
from bptt.models.codecs.sound import SoundCodec
from bptt.nn.prefix_beam import HeardSymbol
from bptt.timeline import LONGEST_SOUND, Band, Mark, Marks, Timeline

# How the blank is shown.
BLANK_SIGN = "·"
# Symbols whose posteriors are drawn, at most, and how probable each is somewhere, at least.
_ROWS, _PROBABLE = 12, 0.1
# The shares of the features at which black and white begin.
_DARKEST, _BRIGHTEST = 0.02, 0.998
# Frames from which they are taken; torch takes quantiles of 16 million numbers at most.
_SURVEYED = 100_000


def recording_time(
    trained: TrainedTranscriber, given: object, steps: Tensor, logits: Tensor, path: Tensor
) -> Timeline:
    """Return the time of a recording.

    `steps` (T, D) are what the network reads of it, `logits` (T, V) what it answers, and `path` (T,) the
    symbol of each step in an alignment.
    """
    count = len(path)
    seconds = tuple(step * trained.seconds for step in range(count + 1))
    frames = steps[:count].reshape(count * trained.config.model.frames_per_step, -1)
    bands = (
        _features(trained, frames),
        _posteriors(trained, logits[:count].softmax(-1).cpu()),
    )
    codec = trained.codec
    sound = b""
    if isinstance(given, Sound) and isinstance(codec, SoundCodec):
        sound = _heard(given, codec.options, min(seconds[-1], LONGEST_SOUND))
    return Timeline(seconds, bands, _alignment(trained, path.tolist()), sound=sound)


def _features(trained: TrainedTranscriber, frames: Tensor) -> Band:
    """Return features (N, D) as brightness, the first feature at the bottom."""
    dark, bright = torch.quantile(frames[:_SURVEYED].float(), torch.tensor([_DARKEST, _BRIGHTEST])).tolist()
    shares = ((frames.float() - dark) / max(bright - dark, 1e-6)).clamp(0, 1)
    levels = (255 * shares.t().flip(0)).round().to(torch.uint8).contiguous().numpy()
    extent = ""
    if isinstance(trained.codec, SoundCodec):
        options = trained.codec.options
        extent = phrase("{} to {} Hz", f"{options.low:g}", f"{options.rate / 2:g}")
    return Band(phrase("Features"), levels, extent=extent)


def _posteriors(trained: TrainedTranscriber, p: Tensor) -> Band:
    """Return the probabilities (T, V) of the likeliest symbols, the blank first, then in time."""
    most, places = p.max(0)
    likely = [s for s in most.argsort(descending=True).tolist() if s != BLANK and most[s] >= _PROBABLE]
    rows = [BLANK, *sorted(likely[: _ROWS - 1], key=lambda symbol: int(places[symbol]))]
    levels = (255 * p[:, rows].t()).round().to(torch.uint8).numpy()
    return Band(phrase("Posteriors"), levels, tuple(show_symbol(trained, row) for row in rows))


def show_symbol(trained: TrainedTranscriber, symbol: int) -> str:
    """Return a symbol as it is shown."""
    return BLANK_SIGN if symbol == BLANK else trained.vocabulary.show(symbol)


def _alignment(trained: TrainedTranscriber, path: list[int]) -> tuple[Marks, ...]:
    """Return the symbols of a path, and the words if these are longer than a symbol."""
    heard: list[HeardSymbol] = []
    for symbol, group in groupby(enumerate(path), key=lambda pair: pair[1]):
        places = [step for step, _ in group]
        if symbol != BLANK:
            heard.append(HeardSymbol(symbol, places[0], places[-1], 0.0))
    size = trained.seconds
    symbols = tuple(
        Mark(each.first * size, (each.last + 1) * size, show_symbol(trained, each.symbol)) for each in heard
    )
    words = tuple(
        Mark(each.start, each.end, each.word)
        for each in timed_words(heard, trained.vocabulary, size, bool(trained.config.text.spaces))
    )
    rows = [Marks(phrase("Symbols"), symbols)]
    if [each.text for each in words] != [each.text.strip() for each in symbols]:
        rows.append(Marks(phrase("Words"), words))
    return tuple(rows)


def _heard(sound: Sound, options: SoundOptions, seconds: float) -> bytes:
    """Return the first `seconds` of a recording as a WAV file of one channel, at 16,000 samples a second or
    its own rate if that is lower.
    """
    found: list[Tensor] = []
    with open_mono(sound, options) as file:
        for piece in file.pieces():
            found.append(piece)
            if sum(map(len, found)) >= seconds * file.rate:
                break
        samples = torch.cat(found)[: round(seconds * file.rate)]
        rate = min(file.rate, USUAL_RATE)
        return pcm_wav(resample(samples, file.rate, rate).numpy(), rate)
