"""Music: a network reads tunes letter by letter, in ABC notation, and composes others note by note.

The tunes obey a rule, and the network is not told: a bar has four notes of the scale in order, up or down.
"""

import random
import tempfile
from pathlib import Path

import small_data

import bptt

OPTIONS = {"level": "character", "mode": "sentences", "cell": "gru", "num_layers": 1, "dropout": 0.0}
OPTIONS |= {"hidden_size": 32, "embedding_size": 8, "epochs": 30, "batch_size": 16, "learning_rate": 0.02}

with tempfile.TemporaryDirectory() as folder:
    text = small_data.write(Path(folder, "tunes.abc"), small_data.tunes(random.Random(0), 300))
    lm = bptt.train("lm", text, Path(folder, "run"), **OPTIONS, progress=False)

learned = set(small_data.tunes(random.Random(0), 300))
tunes = lm.sample(count=100, length=40, seed=1)
for tune in tunes[:4]:
    print(tune)
bars = [bar for tune in tunes for bar in tune.split("|")[:-1]]
right = sum(len(bar) == 4 and (bar in small_data.SCALE or bar[::-1] in small_data.SCALE) for bar in bars)
print(
    f"\n{right} of {len(bars)} bars obey the rule; {len(set(tunes) - learned)} of {len(tunes)} tunes are new"
)
