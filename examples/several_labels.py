"""Several labels for one text: a review praises plot, music and cast, or some of them, or none.

Each label has a logistic output of its own, so that the probabilities need not add up to 1.
"""

import random
import tempfile
from pathlib import Path

import small_data

import bptt

ASPECTS, draw = ("plot", "music", "cast"), random.Random(0)


def review() -> tuple[str, list[str]]:
    """Return a review, and the aspects that it praises."""
    praised = sorted(aspect for aspect in ASPECTS if draw.random() < 0.5)
    parts = [
        f"the {aspect} is {draw.choice(small_data.PRAISE if aspect in praised else small_data.BLAME)}"
        for aspect in draw.sample(ASPECTS, 3)
    ]
    return " and ".join(parts), praised


reviews = [review() for _ in range(450)]
learned, new = reviews[:400], reviews[400:]
with tempfile.TemporaryDirectory() as folder:
    lines = ("text\tlabel", *(f"{text}\t{';'.join(praised)}" for text, praised in learned))
    table = small_data.write(Path(folder, "reviews.tsv"), lines)
    model = bptt.train(
        "classify",
        table,
        Path(folder, "run"),
        multi_label=True,
        hidden_size=32,
        num_layers=1,
        epochs=15,
        batch_size=20,
        learning_rate=0.02,
        progress=False,
    )
found = model.predict([text for text, _ in new])
right = sum(answer.label == ";".join(praised) for answer, (_, praised) in zip(found, new, strict=True))
print(f"of {len(new)} new reviews, {right} have exactly the labels that they should\n")
print("P of", *(f"{label:>6}" for label in model.labels))
for answer, (text, _) in list(zip(found, new, strict=True))[:4]:
    print("    ", *(f"{probability:6.2f}" for probability in answer.probabilities), f"  {text}")
