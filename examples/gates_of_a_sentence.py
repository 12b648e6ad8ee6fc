"""S2: a gate of a GRU keeps the number of the subject until the verb: "The cats, which already ..., were".

Γ_u = 1 lets the new value c̃ in, Γ_u = 0 keeps the old c. The unit is the one in which "cats" and "cat" differ
most just before the verb.
"""

import random
import tempfile
from pathlib import Path

import small_data
import torch

import bptt
from bptt import probe

OPTIONS = {"level": "whitespace", "mode": "sentences", "cell": "gru", "num_layers": 1, "dropout": 0.0}
OPTIONS |= {"hidden_size": 32, "embedding_size": 16, "epochs": 20, "batch_size": 16, "learning_rate": 0.03}

with tempfile.TemporaryDirectory() as folder:
    text = small_data.write(Path(folder, "sentences.txt"), small_data.sentences(random.Random(0), 400))
    lm = bptt.train("lm", text, Path(folder, "run"), **OPTIONS, progress=False)


def values(sentence: str) -> dict[str, torch.Tensor]:
    """Return gates and states after each word of a sentence, (T, units)."""
    tokens = lm.vocabulary.encode(sentence)[:, None]
    (layer,) = probe.values(lm.model.recurrent, lm.model.embed(tokens))
    return {value.name: value.tensor[:, 0].detach() for value in layer.values}


plural = "The cats , which already saw the bird , were late ."
one, many = values(plural.replace("cats", "cat").replace("were", "was")), values(plural)
verb = plural.split().index("were")
unit = int((one["h"] - many["h"])[verb - 1].abs().argmax())

print(f"unit {unit}; its state when the subject is one cat is beside it\n")
print("word       Γ_u     c̃      c    c of one")
for k, word in enumerate(plural.split()):
    # The equations of the cell have z = 1 keep, so that Γ_u = 1 − z.
    gate, candidate, state = 1 - many["z"][k, unit], many["n"][k, unit], many["h"][k, unit]
    print(f"{word:9} {gate:5.2f} {candidate:6.2f} {state:6.2f}   {one['h'][k, unit]:6.2f}")
