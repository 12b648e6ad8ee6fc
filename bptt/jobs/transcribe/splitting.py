"""The split of recordings into those to learn from and those held out."""

from __future__ import annotations

from dataclasses import replace

from bptt.data.examples import note_left_out, note_repeats
from bptt.errors import counted
from bptt.jobs.options import ExampleOptions
from bptt.jobs.supervised import hold_out
from bptt.jobs.transcribe.spoken_texts import Recordings


def split_recordings(
    examples: Recordings, options: ExampleOptions
) -> tuple[Recordings, Recordings, tuple[str, ...]]:
    """Return the recordings to learn from, those held out, as `hold_out` does, and notes for the user.

    Of a single speaker recordings are held out. No recording is on both sides, under whichever names.
    """
    speakers, found = {row.group for row in examples.rows}, examples
    notes = note_repeats(examples)
    if examples.has_groups and len(speakers) == 1 and options.held_out and not options.groups_held_out:
        (speaker,) = speakers
        found = replace(examples, rows=tuple([replace(row, group="") for row in examples.rows]))
        notes += (f"held out: recordings of {speaker}, the only speaker; other speakers are not measured",)
    learned, held = (examples.take(rows) for rows in hold_out(found, None, options))
    there = set(held.keys)
    apart = [row for row, key in enumerate(learned.keys) if key not in there]
    shared = [row.place for row, key in zip(learned.rows, learned.keys, strict=True) if key in there]
    return learned.take(apart), held, notes + note_left_out(shared, "are held out, too, under another name")


def note_shared(learned: Recordings, held_out: Recordings) -> tuple[str, ...]:
    """Return notes on repeated recordings, and on those of a held-out file that are learned from, too."""
    there = set(learned.keys)
    shared = [row.place for row, key in zip(held_out.rows, held_out.keys, strict=True) if key in there]
    notes = note_repeats(learned)
    if shared:
        first = f"{counted(len(shared), 'recordings')}, the first at {shared[0]}"
        notes += (f"dev: learned from, too, so that errors are underestimated: {first}",)
    return notes
