"""Damage to valid bytes: what disks, editors, programs and strangers do to files."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from random import Random

# Pieces that have broken readers: control characters, line ends of other systems, halves of surrogate
# pairs, other scripts' digits, byte order marks, magic numbers, marks of every form, numbers without measure.
PIECES = (
    *(b"\0", b"\r", b"\n", b"\n\n", b"\r\n", b"\t", b"\x0b", b"\x1c", b"\x1b[2J", b"\x7f", b" ", b"  "),
    *(
        "\x85\u2028\u2029\ufeff\u00a0\u3000\u202e\ufffd中é²١①".encode()[i:]
        for i in (0, 2, 5, 8, 11, 13, 16, 19)
    ),
    *(
        b"\xff",
        b"\xed\xa0\x80",
        b"\xff\xfe",
        b"\xfe\xff",
        b"\\ud83d",
        b"\\u0000",
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"PAR1",
    ),
    *(b",", b";", b":", b"|", b'"', b"'", b"\\", b"#", b"%", b">", b"@", b"+", b"-", b"_", b"=", b"/"),
    *(
        b"[",
        b"]",
        b"{",
        b"}",
        b"[]",
        b"{}",
        b"[" * 3000,
        b'{"a":' * 3000,
        b"null",
        b"true",
        b"NaN",
        b"-Infinity",
    ),
    *(b"__label__", b"@data\n", b"-DOCSTART-", b"label", b"text\tlabel\n", b"1 2\n", b"?", b"A" * 70_000),
)
NUMBERS = (
    *(
        b"0",
        b"-0",
        b"-1",
        b"1",
        b"nan",
        b"inf",
        b"-inf",
        b"1e308",
        b"1e-320",
        b"1e999",
        b"0x10",
        b"1_000",
        b"1,5",
    ),
    *(
        b"4294967296",
        b"-9223372036854775809",
        b"1000000000000",
        b"9" * 30,
        b"9" * 5000,
        "²".encode(),
        "٣".encode(),
    ),
)

Change = Callable[[bytes, Random], bytes]


def _span(data: bytes, random: Random) -> tuple[int, int]:
    start = random.randrange(len(data) + 1)
    return start, min(len(data), start + random.choice((1, 1, 2, 4, 16, 64)))


def flip(data: bytes, random: Random) -> bytes:
    """Another byte in one place."""
    if not data:
        return data
    at = random.randrange(len(data))
    return data[:at] + bytes([random.randrange(256)]) + data[at + 1 :]


def cut(data: bytes, random: Random) -> bytes:
    """Some bytes are missing."""
    start, end = _span(data, random)
    return data[:start] + data[end:]


def end(data: bytes, random: Random) -> bytes:
    """The end is missing."""
    return data[: random.randrange(len(data) + 1)]


def repeat(data: bytes, random: Random) -> bytes:
    """Some bytes are there several times."""
    start, end = _span(data, random)
    return data[:end] + data[start:end] * random.choice((1, 2, 50)) + data[end:]


def insert(data: bytes, random: Random) -> bytes:
    """A piece that has broken readers, anywhere."""
    at = random.randrange(len(data) + 1)
    return data[:at] + random.choice(PIECES) + data[at:]


def number(data: bytes, random: Random) -> bytes:
    """Another number in the place of one."""
    found = list(re.finditer(rb"\d+", data))
    if not found:
        return insert(data, random)
    where = random.choice(found)
    return data[: where.start()] + random.choice(NUMBERS) + data[where.end() :]


def lines(data: bytes, random: Random) -> bytes:
    """A line elsewhere, twice, or missing."""
    parts = data.split(b"\n")
    taken = parts[random.randrange(len(parts))]
    if random.random() < 0.5:
        parts.remove(taken)
    if random.random() < 0.7:
        parts.insert(random.randrange(len(parts) + 1), taken)
    return b"\n".join(parts)


def replace(data: bytes, random: Random) -> bytes:
    """One byte value in the place of another, everywhere."""
    if not data:
        return data
    return data.replace(
        bytes([random.choice(data)]), random.choice((b"", b"\r", b"\t", b" ", b",", b"\n", b"\0"))
    )


CHANGES: tuple[Change, ...] = (flip, cut, end, repeat, insert, insert, number, lines, lines, replace)


def damage(data: bytes, random: Random) -> bytes:
    """One to five changes; seldom the data as they are."""
    for _ in range(random.choice((0, 1, 1, 1, 2, 2, 3, 5))):
        data = random.choice(CHANGES)(data, random)
    return data


def damaged(valid: Sequence[bytes]) -> Callable[[Random], bytes]:
    """A maker of inputs: one of the valid files, damaged."""
    return lambda random: damage(random.choice(valid), random)
