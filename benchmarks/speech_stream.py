"""How fast speech is written down while it arrives: the real-time factor, and the delay of the first word.

python benchmarks/speech_stream.py
python benchmarks/speech_stream.py --hidden 512 --layers 3 --seconds 20 --rounds 5
python benchmarks/speech_stream.py --run RUN --data an4/test.tsv

The real-time factor is the time of one processor that a second of sound takes, by chunks of 10 ms, 100 ms
and 1 s: noise, and a network without training, made here. Its stages are timed in rounds of their own.

The delay is that of a RUN that can stream, for the sounds of a manifest, fed in chunks of 0.1 s as fast as a
microphone would: a chunk is heard when its last sample has come, and the one before has been answered. The
end of the first word is that of the whole recording's answer; delays are those from there to the first
partial result, and to the first that holds the whole word. Shown are medians and quartiles.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import quantiles
from time import perf_counter, process_time
from typing import Any

import numpy as np
import soundfile
import torch
from torch import Tensor

import bptt
from bptt.bench.request import Budget, Request
from bptt.bench.worker import environment
from bptt.data.audio.decoding import open_mono
from bptt.data.audio.feature_stream import FeatureStream
from bptt.data.audio.options import SoundOptions
from bptt.jobs.answers import FinalAnswer, PartialAnswer
from bptt.jobs.transcribe import stream
from bptt.jobs.transcribe.network import LookAhead
from bptt.jobs.transcribe.trained import TrainedTranscriber
from bptt.nn.prefix_beam import BestPath
from bptt.nn.stepper import Stepper

RATE, CHUNKS, PIECE = 16_000, (0.01, 0.1, 1.0), 0.1
STAGES = {
    "features": (FeatureStream, "push"),
    "recurrent layers": (Stepper, "step"),
    "look-ahead": (LookAhead, "within"),
    "output layer": (stream, "row_linear"),
    "search": (BestPath, "push"),
}


def main() -> None:
    """Measure, and print tables of Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--layers", type=int, default=3)
    parser.add_argument("--look-ahead", type=int, default=4)
    parser.add_argument("--seconds", type=int, default=20, help="sound in each round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--run", type=Path, help="run of which to measure the delay")
    parser.add_argument("--data", type=Path, help="sounds on which to measure it")
    parser.add_argument("--limit", type=int, default=130, help="most of these sounds")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    facts = environment(Request(1, False, (), Budget(1, 1.0), False, False))
    print(f"`python benchmarks/speech_stream.py {' '.join(sys.argv[1:])}`  ")
    machine = f"{facts.processor}, {facts.cores} cores, {facts.vectors}"
    print(f"{machine}; {facts.system}, torch {torch.__version__}\n")
    if asked.run is None:
        with tempfile.TemporaryDirectory() as folder:
            speed(untrained(Path(folder), asked), asked.seconds, asked.rounds)
    else:
        delays(bptt.load(asked.run), asked.data, asked.limit)


def untrained(folder: Path, asked: argparse.Namespace) -> TrainedTranscriber:
    """Return a transcriber that has seen two sounds of noise."""
    draw = np.random.default_rng(0)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for name, text in (("a", letters[:13]), ("b", f"{letters[13:]} A")):
        soundfile.write(folder / f"{name}.wav", 0.1 * draw.standard_normal(2 * RATE), RATE)
        (folder / f"{name}.txt").write_text(text)
    options: dict[str, Any] = {"hidden_size": asked.hidden, "num_layers": asked.layers}
    options |= {"bidirectional": False, "look_ahead": asked.look_ahead, "held_out": 0.0, "epochs": 1}
    bptt.train("transcribe", folder, folder / "run", progress=False, **options)
    found: TrainedTranscriber = bptt.load(folder / "run")
    return found


def speed(trained: TrainedTranscriber, seconds: int, rounds: int) -> None:
    """Print the real-time factor by the size of chunks, and by stage."""
    sound = 0.1 * torch.randn(seconds * RATE, generator=torch.Generator().manual_seed(0))
    whole: dict[float, list[float]] = {size: [] for size in CHUNKS}
    parts: dict[str, list[float]] = {name: [] for name in STAGES}
    hear(trained, sound, PIECE)
    for _ in range(rounds):
        for size, found in whole.items():
            found.append(hear(trained, sound, size) / seconds)
        with timed() as spent:
            hear(trained, sound, PIECE)
        for name, found in parts.items():
            found.append(spent[name] / seconds)
    weights = sum(each.numel() for each in trained.model.parameters())
    size = f"{trained.config.model.num_layers} x {trained.config.model.hidden_size}"
    print(f"{size}, {weights:,} weights, float32\n")
    print("| | real-time factor |\n|---|--:|")
    for size, found in whole.items():
        print(f"| chunks of {1000 * size:g} ms | {shown(found)} |")
    for name, found in parts.items():
        print(f"| {name}, of chunks of {1000 * PIECE:g} ms | {shown(found)} |")


def hear(trained: TrainedTranscriber, sound: Tensor, size: float) -> float:
    """Return the processor seconds that a stream takes for a sound in chunks of `size` seconds."""
    live = trained.stream(RATE)
    start = process_time()
    for chunk in sound.split(round(size * RATE)):
        for _ in live.push(chunk):
            pass
    for _ in live.close():
        pass
    return process_time() - start


@contextmanager
def timed() -> Iterator[Counter[str]]:
    """Count the processor seconds that are spent in each stage."""
    spent: Counter[str] = Counter()
    usual = {name: getattr(owner, method) for name, (owner, method) in STAGES.items()}

    def timing(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*arguments: Any) -> Any:
            start = process_time()
            found = work(*arguments)
            spent[name] += process_time() - start
            return found

        return measured

    for name, (owner, method) in STAGES.items():
        setattr(owner, method, timing(name, usual[name]))
    try:
        yield spent
    finally:
        for name, (owner, method) in STAGES.items():
            setattr(owner, method, usual[name])


def delays(trained: TrainedTranscriber, data: Path, limit: int) -> None:
    """Print the delays of the first partial results of the sounds of a manifest."""
    firsts, words, silent = list[float](), list[float](), 0
    sounds = [row.input for row in trained.read(data, labelled=False).rows][:limit]
    for sound, answer in zip(sounds, trained.predict(sounds), strict=True):
        with open_mono(sound, SoundOptions()) as file:
            rate, samples = file.rate, torch.cat(list(file.pieces()))
        heard = [(text.split(" ")[0], time) for text, time in partials(trained, samples, rate) if text]
        word = answer.words[0] if answer.words else None
        whole = [time for text, time in heard if word is not None and text == word.word]
        if word is None or not whole:
            silent += 1
            continue
        firsts.append(heard[0][1] - word.end)
        words.append(whole[0] - word.end)
    print("| seconds from the end of the first word | |\n|---|--:|")
    print(f"| to the first partial result | {shown(firsts)} |")
    print(f"| to the first one with the whole word | {shown(words)} |")
    print(f"\n{len(firsts)} sounds; {silent} more without a word, or with another first word in the stream")


def partials(trained: TrainedTranscriber, samples: Tensor, rate: int) -> Iterator[tuple[str, float]]:
    """Yield each text with the time at which it is known, in seconds since the beginning of the sound."""
    live, now, arrived = trained.stream(rate), 0.0, 0
    for chunk in samples.split(round(PIECE * rate)):
        arrived += len(chunk)
        now = max(now, arrived / rate)
        start = perf_counter()
        for answer in live.push(chunk):
            yield written(answer), now + perf_counter() - start
        now += perf_counter() - start
    start = perf_counter()
    for answer in live.close():
        yield written(answer), now + perf_counter() - start


def written(answer: PartialAnswer | FinalAnswer) -> str:
    """Return the text of an answer."""
    return answer.text if isinstance(answer, FinalAnswer) else answer.partial


def shown(found: list[float]) -> str:
    """Return the median, and the quartiles."""
    if len(found) < 2:
        return "too few"
    low, middle, high = quantiles(found, method="inclusive")
    return f"{middle:.4f} ({low:.4f} to {high:.4f})"


if __name__ == "__main__":
    main()
