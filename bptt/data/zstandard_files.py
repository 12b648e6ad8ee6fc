"""The one door to zstandard: the content of files that it compressed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

from bptt.errors import InputError

try:
    import zstandard
except ImportError:
    zstandard = None  # type: ignore[assignment, unused-ignore]

# Bytes of a file at a time: what they unpack to stays below 128 MB, 128 KB for every four of them.
_PART = 1 << 12


def unpack_parts(file: BinaryIO, where: str) -> Iterator[bytes]:
    """Yield the content of a file compressed by Zstandard, of several frames too.

    Raises InputError if zstandard is not installed, or the file is damaged or ends too early.
    """
    if zstandard is None:
        cure = "Install it: pip install 'bptt[zstd]'"
        raise InputError(where, "reading Zstandard needs the package zstandard", "no such package", cure)
    frame = zstandard.ZstdDecompressor().decompressobj()
    position = 0
    while part := file.read(_PART):
        position += len(part)
        while part:
            try:
                if frame.eof:
                    frame = zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(part)
            except zstandard.ZstdError as error:
                raise _broken(where, f"{error}, before byte {position:,}") from error
            part = frame.unused_data if frame.eof else b""
    if not frame.eof:
        raise _broken(where, f"it ends within a frame, at byte {position:,}")


def _broken(where: str, came: str) -> InputError:
    return InputError(where, "must be a whole Zstandard file", came, "Fetch it again")
