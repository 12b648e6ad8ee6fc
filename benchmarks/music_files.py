"""Every file of folders of music read, written and read again: what comes back, and what a grid moves.

    python benchmarks/music_files.py FOLDER...

For each folder: whether each score that is written as MIDI reads as an equal score; for each representation,
whether the tokens of a score that was decoded are the tokens that it was decoded from, how many onsets the
grid moves and by how much; for frames of keys, whether frames made of a score of frames are those frames.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

from bptt.data.midi.key_frames import frames_of, score_of_frames
from bptt.data.midi.music_files import read_music
from bptt.data.midi.music_tokens import decode_tokens, encode_score
from bptt.data.midi.music_vocabulary import Representation, fit_vocabulary
from bptt.data.midi.placed_notes import total
from bptt.data.midi.read_midi import midi_scores
from bptt.data.midi.score import Score
from bptt.data.midi.write_midi import midi_bytes

GRIDS = ((Representation.BARS, 12), (Representation.BARS, 24), (Representation.TIMES, 100))


def main() -> None:
    """Print the counts of each folder."""
    for name in sys.argv[1:]:
        begin = time.process_time()
        # The folder itself, not those below it, where it holds music: Nottingham has the parts alone there.
        folder = Path(name)
        corpus = read_music(sorted(folder.glob("*.mid")) or [folder])
        print(f"{folder}\n  read in {time.process_time() - begin:.1f} s of processor time")
        print(*(f"    {note}" for note in corpus.notes), sep="\n")
        begin = time.process_time()
        equal = sum(midi_scores(midi_bytes(score), name) == (score,) for score in corpus.scores)
        print(f"  MIDI: {equal:,} of {len(corpus.pieces):,} equal, {time.process_time() - begin:.1f} s")
        for representation, resolution in GRIDS:
            compare_tokens(corpus.scores, representation, resolution)
        compare_frames(corpus.scores)


def compare_tokens(scores: tuple[Score, ...], representation: Representation, resolution: int) -> None:
    """Print what comes back from tokens."""
    begin = time.process_time()
    vocabulary = fit_vocabulary(scores, representation, resolution)
    encoded = [encode_score(score, vocabulary) for score in scores]
    decoded = [decode_tokens(each.ids, vocabulary) for each in encoded]
    again = [encode_score(score, vocabulary) for score in decoded]
    equal = sum(np.array_equal(one.ids, two.ids) for one, two in zip(encoded, again, strict=True))
    # Written as MIDI and read, too.
    kept = sum(midi_scores(midi_bytes(score), "")[0].notes == score.notes for score in decoded)
    tokens = sum(len(each.ids) for each in encoded)
    print(
        f"  {representation.value}: {equal:,} of {len(scores):,} equal, {kept:,} as MIDI, {tokens:,} tokens "
        f"of {len(vocabulary)}, {time.process_time() - begin:.1f} s"
    )
    print(*(f"    {line}" for line in total([each.report for each in encoded]).lines()), sep="\n")


def compare_frames(scores: tuple[Score, ...]) -> None:
    """Print what comes back from frames of keys, with strikes and without."""
    made = [frames_of(score) for score in scores]
    frames = [each for each, _ in made]
    again = [frames_of(score_of_frames(each))[0] for each in frames]
    equal = sum(
        np.array_equal(one.sounding, two.sounding) and np.array_equal(one.struck, two.struck)
        for one, two in zip(frames, again, strict=True)
    )
    total_frames = sum(map(len, frames))
    print(f"  frames: {equal:,} of {len(scores):,} equal, {total_frames:,} frames of 4 a quarter")
    lost: dict[str, int] = {}
    for _, counts in made:
        for reason, count in counts:
            lost[reason] = lost.get(reason, 0) + count
    print(*(f"    {reason}: {count:,}" for reason, count in lost.items()), sep="\n")


if __name__ == "__main__":
    main()
