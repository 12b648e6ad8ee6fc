"""Names of persons: whether "Teddy" is one shows only in the words after it.

A network that reads from left to right has to decide at "Teddy"; one that reads in both directions knows
the rest of the sentence too.
"""

import bptt

OPENINGS = ["He said", "She wrote", "They heard", "We read", "I know"]
PERSONS = ["Teddy Roosevelt was a president", "Teddy Roosevelt lived here", "Teddy Brown was a singer"]
THINGS = ["Teddy bears are on sale", "Teddy bears were a gift", "Teddy boys wore long coats"]


def tagged(opening: str, rest: str, tag: str) -> tuple[list[str], list[str]]:
    """Return the words of a sentence and their tags; a name has two words."""
    words = f"{opening} {rest}".split()
    name = len(opening.split())
    return words, [tag if name <= k < name + 2 else "O" for k in range(len(words))]


examples = [
    tagged(opening, rest, tag)
    for opening in OPENINGS
    for rests, tag in ((PERSONS, "PERSON"), (THINGS, "O"))
    for rest in rests
]
sentences, tags = zip(*examples, strict=True)
asked = "You saw that Teddy Roosevelt was a president".split(), "You saw that Teddy bears were a gift".split()

for bidirectional in (False, True):
    model = bptt.SequenceTagger(
        cell="gru",
        hidden_size=16,
        num_layers=1,
        bidirectional=bidirectional,
        crf=False,
        epochs=30,
        batch_size=6,
        random_state=0,
    )
    model.fit(sentences, tags)
    print("in both directions" if bidirectional else "from left to right")
    for words, shares in zip(asked, model.predict_proba(asked), strict=True):
        person = shares[words.index("Teddy"), model.classes_.tolist().index("PERSON")]
        print(f"  P(Teddy is a person) = {person:.2f}  in: {' '.join(words)}")
