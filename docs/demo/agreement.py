"""Sentences whose verb agrees with a subject some words before it, and pairs that ask which verb is right.

`python docs/demo/agreement.py FOLDER` writes two texts to learn from, long.txt and short.txt, and pairs.jsonl
in the format of BLiMP: sentences that are in neither text, each with was and with were.
"""

import json
import random
import sys
from pathlib import Path

NOUNS = ["cat", "dog", "bird", "horse", "teacher", "child", "king", "farmer"]
PLURALS = ["cats", "dogs", "birds", "horses", "teachers", "children", "kings", "farmers"]
VERBS = ["fed", "saw", "met", "heard", "chased", "liked"]
ADJECTIVES = ["full", "tired", "happy", "late"]
# How many things the subject did before the verb comes: three words each, and "and" between them.
DONE = {"long.txt": range(1, 7), "short.txt": range(2)}
SENTENCES, PAIRS = 8000, 100


def sentence(draw: random.Random, done: int) -> tuple[str, str]:
    """Return a sentence with the right verb, and the same with the wrong one.

    Nouns of both numbers come between, so that the one nearest to the verb says nothing about it.
    """
    nouns, *verbs = draw.choice([(NOUNS, "was", "were"), (PLURALS, "were", "was")])
    subject = f"The {draw.choice(nouns)}"
    things = (f"{draw.choice(VERBS)} the {draw.choice(NOUNS + PLURALS)}" for _ in range(done))
    if done:
        subject = f"{subject}, which already {' and '.join(things)},"
    end = draw.choice(ADJECTIVES)
    right, wrong = (f"{subject} {verb} {end}." for verb in verbs)
    return right, wrong


def main() -> None:
    """Write the files."""
    folder, draw = Path(sys.argv[1]), random.Random(0)
    folder.mkdir(parents=True, exist_ok=True)
    pairs = [sentence(draw, done) for done in DONE["long.txt"] for _ in range(PAIRS)]
    asked = {right for right, _ in pairs}
    for name, done in DONE.items():
        drawn = (sentence(draw, draw.choice(done))[0] for _ in range(SENTENCES))
        text = "".join(f"{line}\n" for line in drawn if line not in asked)
        (folder / name).write_text(text, encoding="utf-8")
    objects = ({"sentence_good": right, "sentence_bad": wrong, "UID": "agreement"} for right, wrong in pairs)
    text = "".join(f"{json.dumps(found)}\n" for found in objects)
    (folder / "pairs.jsonl").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
