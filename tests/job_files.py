"""A small file to learn from for each job, and the options of a model that is trained in no time."""

from __future__ import annotations

from pathlib import Path

NUMBERS = range(20)
CONTENTS = {
    "lm": ("book.txt", "the cat was full\nthe cats were full\nthe cat sat\n" * 10),
    "classify": (
        "films.tsv",
        "text\tlabel\n" + "".join(f"fine film {n}\tgood\ndull film {n}\tbad\n" for n in NUMBERS),
    ),
    "tag": (
        "news.conll",
        "".join(f"Ada\tB-PER\nto\tO\n北京\tB-LOC\n{n}\tO\n\nno\tO\n\n" for n in NUMBERS),
    ),
    "translate": (
        "pairs.tsv",
        "".join(f"go home {n}\t回家 {n}\nstay here {n}\t在这里 {n}\n" for n in NUMBERS),
    ),
}
JOBS = tuple(CONTENTS)
TUNES = "".join(
    f"X:{n}\nL:1/4\nK:C\n" + "".join("CDEFGAB"[(n + n * k * k) % 7] for k in range(8)) + "|\n\n"
    for n in range(1, 9)
)
FILES = {**CONTENTS, "music": ("tunes.abc", TUNES)}
SMALL = {
    job: (
        *"--hidden 4 --epochs 2 --batch-size 4 --layers 1 --embedding".split(),
        "5" if job == "tag" else "3",
    )
    for job in FILES
}


def write_file(job: str, folder: Path, prefix: str = "") -> Path:
    """The file of a job, under its name behind a prefix."""
    name, content = FILES[job]
    path = folder / f"{prefix}{name}"
    path.write_text(content, encoding="utf-8")
    return path
