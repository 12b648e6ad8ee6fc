"""DNA: a network marks the stretch of a sequence that binds, here the box TATAAT of a promoter.

It is shown where the boxes of 300 sequences are, and has to find out what a box is.
"""

import random

import small_data

import bptt

BOX = "TATAAT"


def marks(bases: str) -> list[str]:
    """Return + for each base in a box, - for all others."""
    return list(bases.replace(BOX, "+" * len(BOX)).translate(dict.fromkeys(map(ord, "ACGT"), "-")))


genes = list(small_data.genes(random.Random(0), 350))[1::2]
learned, new = genes[:300], genes[300:]
model = bptt.SequenceTagger(
    cell="lstm", hidden_size=16, num_layers=1, epochs=15, batch_size=20, learning_rate=0.03, random_state=0
)
model.fit([list(gene) for gene in learned], [marks(gene) for gene in learned])

found = model.predict([list(gene) for gene in new])
right = sum(tags == marks(gene) for tags, gene in zip(found, new, strict=True))
print(f"of {len(new)} new sequences, {right} are marked without a fault")
for gene, tags in list(zip(new, found, strict=True))[:2]:
    print(f"\n{gene}\n{''.join(tags)}")

broken = new[0].replace(BOX, "TATCAT")
(tags,) = model.predict([list(broken)])
print(f"\nwith one base of the box changed:\n{broken}\n{''.join(tags)}")
