"""A language model learns sentences that a rule makes, and knows almost as much about them as the rule.

The rule chooses evenly among 1,024 sentences, so that no model needs less than ln 1024 = 6.93 nats for each.
The nats beyond that are the price of not knowing the rule.
"""

import math
import random
import tempfile
from pathlib import Path

import small_data

import bptt

OPTIONS = {"level": "whitespace", "mode": "sentences", "cell": "gru", "num_layers": 1, "dropout": 0.0}
OPTIONS |= {"hidden_size": 32, "embedding_size": 16, "epochs": 20, "batch_size": 16, "learning_rate": 0.03}

with tempfile.TemporaryDirectory() as folder:
    text = small_data.write(Path(folder, "sentences.txt"), small_data.sentences(random.Random(0), 400))
    lm = bptt.train("lm", text, Path(folder, "run"), **OPTIONS, progress=False)

new = list(small_data.sentences(random.Random(1), 200))
nats = -sum(score.log_probability for score in lm.score(new)) / len(new)
print(f"new sentences: {nats:.2f} nats each; the rule needs ln 1024 = {math.log(1024):.2f}")

print("\nwhat may follow, and how likely it is:")
for begun in ("The", "The cats", "The cats , which already fed the dog ,"):
    found = lm.next_tokens(begun, top=4)[-1].expected
    likely = zip(found.answers, found.probabilities, strict=True)
    print(f"  {begun} ...", ", ".join(f"{word.strip()} {probability:.2f}" for word, probability in likely))

print("\nsentences of its own:")
for sentence in lm.sample(count=3, length=20, seed=4):
    print(" ", sentence)
