"""`bptt predict RUN --stream FILE`, or - or the microphone: sound answered while it arrives."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import print_json
from bptt.cli.sources import PART, STDIN, STDIN_NAME, stdin
from bptt.cli.streams import end_within, shows_colours
from bptt.data.audio.arriving import ArrivingSound, sound_of_bytes, sound_of_file, sound_of_microphone
from bptt.errors import InputError, printable
from bptt.jobs.answers import FinalAnswer, PartialAnswer

if TYPE_CHECKING:
    from bptt.data.audio.options import RawFormat
    from bptt.jobs.answers import Asking
    from bptt.jobs.commands import PredictOptions


def answer_sound(asking: Asking, raw: RawFormat, asked: PredictOptions) -> None:
    """Print what a model knows of sound while it arrives; Ctrl-C ends the sound.

    Raises InputError if there is no sound, or the model cannot answer before its end.
    """
    with _interruptible() as interrupted:
        listening = asking.listen(raw.rate)
        sound = _sound(asked, raw)
        if sound.rate != raw.rate:
            listening = asking.listen(sound.rate)
        for line in (sound.about, *listening.notes):
            _say(sound, line)
        printer, samples = _printer(asked.json), 0
        for piece in interrupted(sound.pieces):
            samples += len(piece)
            for answer in listening.push(piece):
                printer.write(answer)
        for answer in listening.close():
            printer.write(answer)
        printer.close()
    for line in sound.notes:
        _say(sound, line)
    if not printer.finals:
        _say(sound, f"nothing was said in {samples / sound.rate:.1f} s")


def _say(sound: ArrivingSound, line: str) -> None:
    print(printable(f"{sound.name}: {line}"), file=sys.stderr, flush=True)


def _sound(asked: PredictOptions, raw: RawFormat) -> ArrivingSound:
    if asked.microphone:
        return sound_of_microphone(raw)
    if len(asked.inputs) != 1:
        raise InputError("stream", "reads one file, or standard input (-)", f"{len(asked.inputs)} inputs")
    if asked.inputs[0] == STDIN:
        return sound_of_bytes(_arriving(), STDIN_NAME, raw)
    path = Path(asked.inputs[0])
    if not path.is_file():
        cure = "Give - for standard input"
        raise InputError(str(path), "must be a file of sound", "no such file", cure)
    return sound_of_file(path, raw)


def _arriving() -> Iterator[bytes]:
    stream = stdin()
    while part := stream.read1(PART):  # type: ignore[attr-defined]
        yield part


@contextmanager
def _interruptible() -> Iterator[Any]:
    """Return a function that yields pieces until Ctrl-C, which never breaks the work between two of them."""
    stopped, waits = threading.Event(), False

    def stop(number: int, frame: object) -> None:
        # The second time it is meant to end at once.
        if stopped.is_set():
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            signal.raise_signal(signal.SIGINT)
        stopped.set()
        if waits:
            raise KeyboardInterrupt

    def until_stopped(pieces: Iterator[Any]) -> Iterator[Any]:
        nonlocal waits
        while not stopped.is_set():
            try:
                waits = True
                piece = next(pieces, None)
                waits = False
            except KeyboardInterrupt:
                return
            if piece is None:
                return
            yield piece

    if threading.current_thread() is not threading.main_thread():
        yield until_stopped
        return
    before = signal.signal(signal.SIGINT, stop)
    try:
        yield until_stopped
    finally:
        signal.signal(signal.SIGINT, before)


def _printer(as_json: bool) -> _JsonPrinter | _TerminalPrinter:
    rewrites = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    return _TerminalPrinter() if rewrites and not as_json else _JsonPrinter()


class _JsonPrinter:
    """Prints each answer as a JSON object on a line."""

    finals = 0

    def write(self, answer: PartialAnswer | FinalAnswer) -> None:
        """Print an answer at once."""
        self.finals += isinstance(answer, FinalAnswer)
        print_json(answer)

    def close(self) -> None:
        """Do nothing: all is printed."""


class _TerminalPrinter:
    """Rewrites a line of a terminal with the text so far, of which the end is shown if it is longer."""

    finals = 0

    def write(self, answer: PartialAnswer | FinalAnswer) -> None:
        """Replace the line; behind a final answer begin another."""
        if isinstance(answer, FinalAnswer):
            self.finals += 1
            sys.stdout.write(f"\r\x1b[K{printable(answer.text)}\n")
        else:
            sure, rest = (
                printable(answer.partial[: answer.stable]),
                printable(answer.partial[answer.stable :]),
            )
            # The cursor keeps the last column.
            shown = end_within(sure + rest, get_terminal_size().columns - 1)
            cut = max(0, len(shown) - len(rest))
            dimmed = f"\x1b[2m{shown[cut:]}\x1b[0m" if shows_colours() and shown[cut:] else shown[cut:]
            sys.stdout.write(f"\r\x1b[K{shown[:cut]}{dimmed}")
        sys.stdout.flush()

    def close(self) -> None:
        """Clear a text that has become nothing."""
        sys.stdout.write("\r\x1b[K")
        sys.stdout.flush()
