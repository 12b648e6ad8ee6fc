"""A small file to learn from for each job, and the options of a model that is trained in no time."""

from __future__ import annotations

from pathlib import Path

from made_speech import write_tones

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
ROWS = "rain,sun,yield\n" + "".join(f"{n % 7},{n % 5},{n % 7 - n % 5}\n" for n in range(30))
MONTHS = "month,sales\n" + "".join(f"{2000 + n // 12}-{n % 12 + 1:02d},{n % 12}\n" for n in range(72))
GENES = "".join(f">s{n}\nACGT{'G' * (n % 3 + 1)}{'AT' * n}A\n" for n in range(20))
FOUND = "".join(f"s{n}\t4\t{5 + n % 3}\tisland\n" for n in range(20))
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


def data_of(job: str, folder: Path) -> Path:
    """Write the data of any job to `folder`."""
    for name, content in (("yield.csv", ROWS), ("sales.csv", MONTHS), ("g.fasta", GENES), ("g.bed", FOUND)):
        (folder / name).write_text(content, encoding="utf-8")
    if job == "transcribe":
        return write_tones(folder / "tones", ["ab a", "b ab", "a b"] * 4)
    names = {"regress": "yield.csv", "forecast": "sales.csv", "mark": "g.fasta"}
    return folder / names[job] if job in names else write_file(job, folder)


def small_options(job: str) -> tuple[str, ...]:
    """The options that make a model of any job small."""
    one_way = ("--no-bidirectional",) if job == "transcribe" else ()
    return (*SMALL.get(job, ("--hidden", "4", "--epochs", "1")), *one_way)
