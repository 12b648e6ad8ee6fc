"""The one door to soundfile: FLAC, MP3, Ogg, Opus, SPHERE, AIFF, and the rarer codings of WAV."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

from bptt.data.audio.wav import Samples
from bptt.errors import InputError

try:
    import soundfile
except (ImportError, OSError):  # OSError: the package is there, its library is not.
    soundfile = None

# Samples that are decoded at once to be skipped.
_SKIPPED = 2**18


def open_compressed(file: BinaryIO, path: Path) -> Any:
    """Return an open file as `soundfile.SoundFile`.

    Raises InputError if soundfile is not installed, or if it does not know the format of the file.
    """
    if soundfile is None:
        cure = "Install it: pip install 'bptt[audio]'; or convert the files to 16-bit WAV"
        raise InputError(str(path), "reading sound other than WAV needs soundfile", "no such package", cure)
    try:
        return soundfile.SoundFile(_Seekable(file))
    except (soundfile.LibsndfileError, RuntimeError, TypeError, ValueError) as error:
        rule = "must be a sound file: WAV, FLAC, MP3, Ogg, Opus, SPHERE, AIFF"
        raise InputError(str(path), rule, _said(error), "Convert it to WAV") from error


def skip_compressed(opened: Any, count: int, path: Path) -> None:
    """Let the next read begin `count` samples after the start of a file that was just opened.

    An MP3 is decoded up to there: a frame of it needs those before it.
    """
    if opened.format != "MP3":
        try:
            opened.seek(min(count, opened.frames))
        except (soundfile.LibsndfileError, RuntimeError) as error:
            raise _damaged(path, error) from error
        return
    while count and len(found := read_compressed(opened, min(count, _SKIPPED), path)):
        count -= len(found)


def read_compressed(opened: Any, count: int, path: Path) -> Samples:
    """Return the next `count` samples of each channel in ±1, (N, channels); fewer at the end.

    Raises InputError if the file is damaged.
    """
    # After each read soundfile seeks to where it is, which breaks the decoding of MP3.
    opened.seekable = lambda: False
    try:
        found: Samples = opened.read(count, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise _damaged(path, error) from error
    return found


class _Seekable:
    """A file that stays where it is if it cannot seek to a place, such as one that a damaged header names.

    An exception would be printed amid the answers, as the library calls back from C.
    """

    def __init__(self, file: BinaryIO) -> None:
        self.tell, self.readinto, self.read = file.tell, file.readinto, file.read  # type: ignore[attr-defined]
        self._file = file

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return self._file.seek(offset, whence)
        except (OSError, ValueError, OverflowError):
            return self.tell()


def _damaged(path: Path, error: Exception) -> InputError:
    return InputError(str(path), "must be an undamaged sound file", _said(error), "Fetch it again")


def _said(error: Exception) -> str:
    return str(error).split(": ", 1)[-1].rstrip(".")
