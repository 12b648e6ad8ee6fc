"""Chinese speech, transcribed in characters; two of them, 买 (buy) and 卖 (sell), differ in tone alone.

espeak-ng (`apt install espeak-ng`) makes the sounds; the sentences of the test are new, and so are the two
voices that read them. It reads pinyin: with characters, its Mandarin spells syllables in English.
"""

import itertools
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import bptt

if not shutil.which("espeak-ng"):
    print("skipped: no espeak-ng, which makes the sounds (apt install espeak-ng)")
    sys.exit()

SOUNDS = "xiao3 wang2 lao3 li3 ma1 jin1 ming2 tian1 mai3 mai4 ping2 guo3 shu1 hua1 mi3"
PINYIN = dict(zip("小王老李妈今明天买卖苹果书花米", SOUNDS.split(), strict=True))
WORDS = ["小王", "老李", "妈妈"], ["今天", "明天"], ["买", "卖"], ["苹果", "书", "花", "米"]
LEARNED, NEW = ["m2", "m3", "m4", "f1", "f2", "f3"], ["m1", "f4"]


def read_aloud(folder: Path, sentences: list[str], voices: list[str]) -> Path:
    """Write each sentence as a sound in each voice, beside its text."""
    folder.mkdir()
    for number, (sentence, voice) in enumerate(itertools.product(sentences, voices)):
        pinyin = " ".join(PINYIN[character] for character in sentence)
        sound = folder / f"{number}.wav"
        subprocess.run(["espeak-ng", "-v", f"cmn-latn-pinyin+{voice}", "-w", sound, pinyin], check=True)
        sound.with_suffix(".txt").write_text(sentence, encoding="utf-8")
    return folder


sentences = ["".join(words) for words in itertools.product(*WORDS)]
random.Random(0).shuffle(sentences)
options = {"cell": "gru", "hidden_size": 64, "num_layers": 1, "epochs": 15, "learning_rate": 0.01}
options |= {"batch_size": 8, "speed": 0.0, "rate": 8000}

with tempfile.TemporaryDirectory() as name:
    known = read_aloud(Path(name, "known"), sentences[:24], LEARNED)
    new = read_aloud(Path(name, "new"), sentences[24:], NEW)
    transcriber = bptt.train("transcribe", known, Path(name, "run"), **options, progress=False)
    recordings = transcriber.read(new, labelled=True)
    heard, rates = transcriber.judge(recordings)

said = recordings.targets
for text, found in list(zip(said, heard, strict=True))[:4]:
    print(f"said {text}, heard {found}")
print(f"{len(said)} recordings, character error rate {rates['cer']:.2%}")
verbs = [("买" in a) == ("买" in b) and ("卖" in a) == ("卖" in b) for a, b in zip(said, heard, strict=True)]
print(f"买 and 卖, told by their tone: right in {sum(verbs)} of {len(said)}")
