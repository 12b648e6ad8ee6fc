"""Speech: folders and tables of sounds and texts in every layout; files damaged, missing, misplaced."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from random import Random

from sounds import riff

from bptt.data.readers.speech.layouts import SPEECH_FORMS, detect_speech, read_speech
from bptt.data.readers.speech.options import SpeechOptions
from bptt.errors import InputError
from soak.damage import damage
from soak.target import Target
from soak.targets.folders import Tree, damaged_tree, write_tree
from soak.targets.readers import check_sound

WAV = riff(bytes(64), 8000, 1, 16)
SOUNDS = {"wav/a.wav": WAV, "wav/b.wav": WAV}
# The source in the folder, "" if it is the folder itself, and the files.
LAYOUTS: tuple[tuple[str, str, Tree], ...] = (
    (
        "kaldi",
        "",
        {
            **SOUNDS,
            "wav.scp": b"r1 wav/a.wav\nr2 wav/b.wav\n",
            "text": "u1 the cat\nu2 \u732b\nu3 x\n".encode(),
            "utt2spk": b"u1 ann\nu2 ben\n",
            "segments": b"u1 r1 0 0.5\nu2 r2 0.1 -1\nu3 r1 .5 1e0\n",
        },
    ),
    (
        "manifest",
        "m.csv",
        {**SOUNDS, "m.csv": b"path,text,speaker\nwav/a.wav,the cat,ann\nwav/b.wav,x,ben\n"},
    ),
    (
        "manifest",
        "m.json",
        {
            **SOUNDS,
            "m.json": b'{"audio_filepath": "wav/a.wav", "text": "the cat", "offset": 0.5, "duration": 1}\n'
            b'{"audio_filepath": "wav/b.wav", "text": "x", "offset": 0, "duration": 2.5}\n',
        },
    ),
    ("manifest", "m.tsv", {**SOUNDS, "m.tsv": b"wav/a.wav\tthe cat\nwav\\b.wav\tx\n"}),
    (
        "librispeech",
        "",
        {"1/2/1-2-0.wav": WAV, "1/2/1-2-1.wav": WAV, "1/2/1-2.trans.txt": b"1-2-0 THE CAT\n1-2-1 A\n"},
    ),
    (
        "sphinx",
        "x.fileids",
        {
            **SOUNDS,
            "x.fileids": b"a\nwav/b\n",
            "x.transcription": b"<s> the cat </s> (a)\nx (wav/b)\n",
        },
    ),
    ("transcript", "", {"a.wav": WAV, "b.wav": WAV, "words.txt": b"a the cat\nb x\nc y\n"}),
    (
        "trn",
        "",
        {"A1_0.wav": WAV, "A1_0.wav.trn": b"the cat\nx\n", "B_1.wav": WAV, "B_1.wav.trn": b"A1_0.wav.trn"},
    ),
    ("beside", "", {"a.wav": WAV, "a.txt": b"the cat\n", "b.wav": WAV, "b.txt": "\u732b\n".encode()}),
    ("sounds", "", {"0_ann.wav": WAV, "1_ben.wav": WAV}),
)


def spoiled(random: Random) -> tuple[str, str, Tree]:
    """A layout of which a text is damaged, or files are missing or elsewhere."""
    form, source, tree = random.choice(LAYOUTS)
    texts = [name for name in tree if not name.endswith(".wav")]
    if texts and random.random() < 0.8:
        name = random.choice(texts)
        return form, source, {**tree, name: damage(tree[name], random)}
    return form, source, damaged_tree(tree)(random)


def meet(made: tuple[str, str, Tree], folder: Path) -> None:
    """Read the source as its layout, and as the one that it shows, to learn from and to be answered."""
    form, name, tree = made
    source, options = write_tree(tree, folder) / name, SpeechOptions(speaker_pattern="_(.+)")
    with suppress(InputError):
        form = detect_speech(source, options).form
    assert form in SPEECH_FORMS
    with suppress(InputError):
        read_speech(source, replace(options, form=form), labelled=False)
    check_sound(read_speech(source, replace(options, form=form)))


TARGETS = (Target("speech", spoiled, meet, cost=4),)
