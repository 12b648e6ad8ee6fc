"""The options of `bptt sample` for models of music."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bptt.options.field import check_fields, option

# The endings of the files that a sample can be written to.
ENDINGS = (".mid", ".midi", ".abc", ".wav")


@dataclass(frozen=True, kw_only=True)
class MusicSampleOptions:
    """The files of samples, the piece that they continue, their length, and what they may hold.

    Of `number` samples, drawn side by side, the `keep` likeliest a note are kept, the likeliest first; None
    keeps all. Several are written to numbered files. `bars` and `seconds` count behind the primer; without
    both a piece ends where the model ends it. Raises InputError with the option if a value is invalid.
    """

    output: tuple[Path, ...] = option(
        (),
        "New file for the sample: .mid, .abc (scores) or .wav; may be repeated.",
        group="Output",
        flags="output o",
        common=True,
    )
    figure: Path | None = option(
        None, "New picture of the piano roll, .png or .svg.", group="Output", common=True
    )
    keep: int | None = option(
        None, "Number of samples to keep, the likeliest a note.", usual="all", group="Output", least=1
    )
    primer: Path | None = option(None, "Piece to continue: MIDI or ABC.", group="Music", common=True)
    primer_bars: int | None = option(
        None, "Bars of the primer to read, from its beginning.", usual="all", group="Music", least=1
    )
    no_primer: bool = option(False, "Leave the primer out of the output.", group="Music")
    bars: int | None = option(
        None,
        "Length in bars behind the primer.",
        usual="as the model ends it",
        group="Music",
        least=1,
        common=True,
    )
    seconds: float | None = option(
        None,
        "Length in seconds behind the primer.",
        usual="as the model ends it",
        group="Music",
        common=True,
    )
    key: str | None = option(
        None,
        "Pitches to draw from: a key such as C, Am or F#m, or a scale such as D:dorian.",
        group="Music",
        common=True,
    )
    lowest: str | None = option(
        None, "Lowest pitch: a note name such as C3, or a MIDI number.", group="Music"
    )
    highest: str | None = option(None, "Highest pitch.", group="Music")
    polyphony: int | None = option(None, "Most notes that sound at once.", group="Music", least=1)
    instruments: tuple[str, ...] = option(
        (), "General MIDI programs (0 to 127) or drums to draw notes of; may be repeated.", group="Music"
    )

    def __post_init__(self) -> None:
        check_fields(self)
