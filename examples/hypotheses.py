"""Two sentences sound alike: a language model decides which of them was said, by their probabilities.

The verb agrees with a subject several words before it, and the words next to it do not decide.
"""

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

heard = [f"The cats , which already saw the bird , {verb} late ." for verb in ("was", "were")]
scores = lm.score(heard)
print("ln P of each word, and of the sentence:")
for k, word in enumerate(heard[0].replace("was", "was/were").split()):
    print(f"{word:>10}", *(f"{score.log_probabilities[k]:8.2f}" for score in scores))
print(f"{'sum':>10}", *(f"{score.log_probability:8.2f}" for score in scores))
print("chosen:", lm.choose(heard))

draw = random.Random(1)
pairs = [small_data.agreement(draw) for _ in range(200)]
right = sum(lm.choose(pair) == pair[0] for pair in pairs)
print(f"\nof {len(pairs)} new pairs, {right} are decided rightly")
