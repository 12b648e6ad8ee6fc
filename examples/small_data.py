"""Small data for the examples and for docs/texts.md, made by rules, so that nothing has to be downloaded.

`python examples/small_data.py FOLDER` writes a file for each job. Each rule is simple enough to be learned in
seconds and to be checked by eye.
"""

from __future__ import annotations

import json
import math
import random
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

ANIMALS = [("cat", "cats"), ("dog", "dogs"), ("bird", "birds"), ("horse", "horses")]
VERBS, ADJECTIVES = ["fed", "saw", "met", "liked"], ["full", "tired", "happy", "late"]
NAMES, PLACES = ["Ada", "Alan", "Grace", "Emmy", "王伟", "李娜"], ["Paris", "Rome", "Oslo", "北京", "上海"]
PRAISE, BLAME = ["fine", "lovely", "clever", "warm"], ["dull", "weak", "slow", "empty"]
WORDS = {
    "go": "去",
    "stay": "留",
    "home": "家",
    "here": "这里",
    "today": "今天",
    "soon": "很快",
    "we": "我们",
}
BASES = "ACGT"
SCALE = "CDEFGABc"


def sentences(draw: random.Random, count: int) -> Iterator[str]:
    """Yield sentences whose verb agrees with a subject several words before it."""
    for _ in range(count):
        yield agreement(draw)[0]


def agreement(draw: random.Random) -> tuple[str, str]:
    """Return a sentence with the right verb, and the same with the wrong one."""
    number = draw.randrange(2)
    done = f"{draw.choice(VERBS)} the {draw.choice(ANIMALS)[draw.randrange(2)]}"
    begin, end = (
        f"The {draw.choice(ANIMALS)[number]} , which already {done} ,",
        f"{draw.choice(ADJECTIVES)} .",
    )
    verbs = ("was", "were")
    return f"{begin} {verbs[number]} {end}", f"{begin} {verbs[1 - number]} {end}"


def films(draw: random.Random, count: int) -> Iterator[str]:
    """Yield a header, and reviews with their label, separated by a tab."""
    yield "text\tlabel"
    for number in range(count):
        good = number % 2 == 0
        words = draw.sample(PRAISE if good else BLAME, 2)
        yield f"a {words[0]} film , {words[1]} to the end\t{'positive' if good else 'negative'}"


def news(draw: random.Random, count: int) -> Iterator[str]:
    """Yield tagged sentences in CoNLL columns: persons and places."""
    for _ in range(count):
        name, place = draw.choice(NAMES), draw.choice(PLACES)
        yield from (
            f"{name}\tB-PER",
            "went\tO",
            "to\tO",
            f"{place}\tB-LOC",
            f"{draw.choice(['today', 'soon'])}\tO",
            "",
        )


def pairs(draw: random.Random, count: int) -> Iterator[str]:
    """Yield English sentences with their Chinese translation, word by word."""
    for _ in range(count):
        words = draw.sample(list(WORDS), draw.randint(2, 4))
        yield f"{' '.join(words)}\t{''.join(WORDS[word] for word in words)}"


def tunes(draw: random.Random, count: int) -> Iterator[str]:
    """Yield tunes in the letters of ABC notation; each bar is four notes of C major, up or down."""
    for _ in range(count):
        bars = []
        for _ in range(4):
            low = draw.randrange(len(SCALE) - 3)
            bars.append(SCALE[low : low + 4][:: draw.choice((1, -1))])
        yield f"{'|'.join(bars)}|"


def genes(draw: random.Random, count: int) -> Iterator[str]:
    """Yield DNA in FASTA; a sequence with the label "promoter" holds the box TATAAT."""
    for number in range(count):
        bases = draw.choices(BASES, k=30)
        if number % 2 == 0:
            begin = draw.randint(5, 20)
            bases[begin : begin + 6] = "TATAAT"
        yield f">g{number} label={'promoter' if number % 2 == 0 else 'other'}"
        yield "".join(bases)


def boxes(draw: random.Random, count: int) -> tuple[list[str], list[str]]:
    """Return DNA in FASTA, and its marked stretches in BED: each box TATAAT, and each exon ATG ... TAA."""
    fasta, bed = [], []
    for number in range(count):
        parts = [("".join(draw.choices(BASES, k=draw.randint(4, 12))), "") for _ in range(3)]
        exon = f"ATG{''.join(draw.choices('GC', k=draw.randint(3, 9)))}TAA"
        marked = draw.sample([("TATAAT", "box"), (exon, "exon")], draw.randrange(3))
        for place, stretch in enumerate(marked):
            parts.insert(2 * place + 1, stretch)
        fasta += [f">s{number}", "".join(letters for letters, _ in parts)]
        start = 0
        for letters, label in parts:
            bed += [f"s{number}\t{start}\t{start + len(letters)}\t{label}"] if label else []
            start += len(letters)
    return fasta, bed


def walks(draw: random.Random, count: int) -> Iterator[str]:
    """Yield series of different lengths that go up or down, in the format .ts."""
    yield from ("@classLabel true up down", "@data")
    for number in range(count):
        slope, steps = (1 if number % 2 == 0 else -1), draw.randint(5, 12)
        values = (f"{slope * step + draw.gauss(0, 0.3):.2f}" for step in range(steps))
        yield f"{','.join(values)}:{'up' if slope > 0 else 'down'}"


def rows(draw: random.Random, count: int) -> Iterator[str]:
    """Yield rows of three numbers and a fourth that is a smooth function of them."""
    yield "a,b,c,value"
    for _ in range(count):
        a, b, c = (draw.uniform(-1, 1) for _ in range(3))
        yield f"{a:.3f},{b:.3f},{c:.3f},{math.sin(2 * a) + b * c:.4f}"


def write(path: Path, lines: Iterable[str]) -> Path:
    """Write lines into a file, and return its path."""
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def main() -> None:
    """Write the files."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    sequences, stretches = boxes(random.Random(8), 150)
    files = {
        "sentences.txt": sentences(random.Random(0), 400),
        "films.tsv": films(random.Random(1), 120),
        "news.conll": news(random.Random(2), 120),
        "pairs.tsv": pairs(random.Random(3), 300),
        "tunes.abc": tunes(random.Random(8), 300),
        "genes.fasta": genes(random.Random(4), 120),
        "boxes.fasta": sequences,
        "boxes.bed": stretches,
        "walks.ts": walks(random.Random(5), 60),
        "rows.csv": rows(random.Random(6), 60),
        "agreement.jsonl": (
            json.dumps({"sentence_good": good, "sentence_bad": bad, "UID": "agreement"})
            for good, bad in map(agreement, [random.Random(7)] * 50)
        ),
    }
    for name, lines in files.items():
        write(folder / name, lines)
    print(f"{len(files)} files: {', '.join(files)}")


if __name__ == "__main__":
    main()
