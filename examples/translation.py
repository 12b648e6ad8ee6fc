"""Translation, here of Korean syllables into Latin letters: both sides have lengths of their own.

Unicode names every syllable, 한 "HANGUL SYLLABLE HAN", and takes each apart into its letters, ㅎ ㅏ ㄴ. So
Python ships 11,172 pairs; the network learns 2,000 of them and is asked for others.
"""

import random
import tempfile
import unicodedata
from pathlib import Path

import small_data

import bptt

syllables = [chr(code) for code in range(0xAC00, 0xD7A4)]
random.Random(0).shuffle(syllables)
letters = {s: " ".join(unicodedata.normalize("NFD", s)) for s in syllables}
latin = {s: " ".join(unicodedata.name(s).removeprefix("HANGUL SYLLABLE ")) for s in syllables}
known, new = syllables[:2000], syllables[2000:2200]

with tempfile.TemporaryDirectory() as folder:
    lines = (f"{letters[s]}\t{latin[s]}" for s in known)
    pairs = small_data.write(Path(folder, "pairs.tsv"), lines)
    translator = bptt.train(
        "translate",
        pairs,
        Path(folder, "run"),
        level="word",
        hidden_size=32,
        num_layers=1,
        embedding_size=16,
        attention="general",
        epochs=6,
        batch_size=32,
        learning_rate=0.01,
        progress=False,
    )

found = translator.predict([letters[s] for s in new])
right = sum(each.text == latin[s] for each, s in zip(found, new, strict=True))
print(f"of {len(new)} syllables that it has never read, {right} are spelled rightly")

syllable, each = new[0], found[0]
print(f"\n{syllable} is {latin[syllable]}; where the network looks for each letter:")
print(" " * 6, *(f"{letter:>6}" for letter in each.source))
for token, weights in zip(each.tokens, each.attention.tolist(), strict=True):
    print(f"{token:>6}", *(f"{weight:6.2f}" for weight in weights))
