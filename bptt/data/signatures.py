"""Formats of files that are no plain text, recognised by how they begin, so that an error can name them."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from zipfile import BadZipFile, ZipFile

ZIP = b"PK\x03\x04"
PARQUET = b"PAR1"

_EXPORT = "Export its text as UTF-8"
_UNPACK = "Unpack it first"
_OTHER = ""
_MPEG = "Let its name end in .mpg"

# First bytes, name, cure. Sources: the formats' own specifications, as collected in the magic file of `file`.
_BEGINNINGS: Sequence[tuple[bytes, str, str]] = (
    (b"%PDF-", "a PDF document", _EXPORT),
    (b"{\\rtf", "an RTF document", _EXPORT),
    (b"%!PS", "a PostScript document", _EXPORT),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a document of old Microsoft Office", _EXPORT),
    (b"\x89PNG\r\n\x1a\n", "a PNG image", _OTHER),
    (b"\xff\xd8\xff", "a JPEG image", _OTHER),
    (b"GIF8", "a GIF image", _OTHER),
    (b"II*\0", "a TIFF image", _OTHER),
    (b"MM\0*", "a TIFF image", _OTHER),
    (b"RIFF", "a RIFF file: sound, video or an image", _OTHER),
    (b"fLaC", "a FLAC recording", _OTHER),
    (b"OggS", "an Ogg recording", _OTHER),
    (b"ID3", "an MP3 recording", _OTHER),
    (b"NIST_1A", "a SPHERE recording", _OTHER),
    (b"MThd", "a MIDI file", _OTHER),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video", "Let its name end in .mkv"),
    (b"FLV\x01", "a Flash video", "Let its name end in .flv"),
    (b"\0\0\x01\xba", "an MPEG video", _MPEG),
    (b"SQLite format 3\0", "an SQLite database", "Export its table as CSV"),
    (b"\x93NUMPY", "a NumPy array", "Save it by numpy.savez(FILE, X=X, y=y)"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file", "Save its arrays by numpy.savez(FILE, X=X, y=y)"),
    (b"ARROW1", "an Arrow file", "Save it as Parquet"),
    (b"FEA1", "a Feather file", "Save it as Parquet"),
    (b"ORC", "an ORC file", "Save it as Parquet"),
    (b"Obj\x01", "an Avro file", "Save it as Parquet"),
    (b"GGUF", "a GGUF model", _OTHER),
    (b"\x7fELF", "a program", _OTHER),
    (b"BZh", "a bzip2 archive", _UNPACK),
    (b"\xfd7zXZ\0", "an xz archive", _UNPACK),
    (b"(\xb5/\xfd", "a Zstandard archive", _UNPACK),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", _UNPACK),
    (b"Rar!", "a RAR archive", _UNPACK),
    *((bytes((0x80, version)), "a pickle, which is never loaded", _OTHER) for version in range(2, 6)),
)
# A file in a zip archive that says what the archive is.
_MEMBERS = (
    ("word/", "a Word document", _EXPORT),
    ("xl/", "an Excel workbook", "Save its sheet as CSV"),
    ("ppt/", "a PowerPoint presentation", _EXPORT),
    ("META-INF/container.xml", "an EPUB book", _EXPORT),
    ("content.xml", "an OpenDocument file", _EXPORT),
)
_MARKUP = (
    (re.compile(r"(?i)\s*(<!doctype html|<html[\s>])"), "an HTML page"),
    (re.compile(r"\s*<\?xml\s"), "an XML document"),
    # Each repetition is one line: what can be split in two ways takes exponential time.
    (re.compile(r"(?i)(?:[^\S\n]*(?:%.*)?\n)*[^\S\n]*@relation\s"), "an ARFF file"),
)
# Where packets of MPEG transport streams begin, and their bytes; on Blu-ray there is a time before each.
_PACKETS = ((0, 188), (4, 192))
_TAR = 257  # where the name of the format is in a tar archive


def signature_of(data: bytes) -> tuple[str, str] | None:
    """Return the name of a format that is no plain text, and the cure; None for anything else."""
    for beginning, name, cure in _BEGINNINGS:
        # A short word may begin a text, too: the formats with such a mark are binary.
        if data.startswith(beginning) and (len(beginning) > 5 or not _is_text(data)):
            return name, cure
    if data[4:8] == b"ftyp":
        return "an MP4 video", _OTHER
    if any(data[at::size][:3] == b"GGG" for at, size in _PACKETS) and not _is_text(data):
        return "an MPEG transport stream, a video", _MPEG
    if data[_TAR : _TAR + 5] == b"ustar":
        return "a tar archive", _UNPACK
    if data.startswith(PARQUET):
        return "a Parquet file", _OTHER
    return _of_zip(data) if data.startswith(ZIP) else None


def markup_of(text: str) -> str | None:
    """Return the name of a format whose text is made of marks, with which examples are not learned; else
    None.
    """
    return next((name for pattern, name in _MARKUP if pattern.match(text)), None)


def _of_zip(data: bytes) -> tuple[str, str] | None:
    """Return the format of a zip archive; None for arrays of NumPy."""
    try:
        with ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (BadZipFile, ValueError, OSError, NotImplementedError):
        return None
    if any(name.endswith(".npy") for name in names):
        return None
    for member, name, cure in _MEMBERS:
        if any(each.startswith(member) for each in names):
            return name, cure
    return "a zip archive", _UNPACK


def _is_text(data: bytes) -> bool:
    try:
        data[:4096].decode("utf-8")
    except UnicodeDecodeError as error:
        # The end may cut a character.
        return error.start > 4090 and b"\0" not in data[:4096]
    return b"\0" not in data[:4096]
