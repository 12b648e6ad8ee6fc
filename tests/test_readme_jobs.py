"""The table of jobs in the README, line by line, on small files of every form."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from clips import wrapping_square, write_gif, write_video
from conftest import Command
from made_speech import write_tones
from made_tunes import write_tunes
from sounds import tone, write_wav
from stick_figures import class_folders
from test_readme import README, blocks

ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in README.partition("\n## Jobs\n")[2].partition("\n## ")[0].splitlines()
    if re.match(r"\| (?!job|--)", line)
]
LEARN = {row[0]: re.findall("`(bptt .*?)`", row[2]) for row in ROWS}
ASK = {row[0]: re.findall("`(bptt .*?)`", row[3]) for row in ROWS}
SMALL = "--hidden", "4", "--epochs", "1", "--batch-size", "4"


def write_files(folder: Path) -> None:
    """What the commands name."""
    numbers = range(20)
    texts = {
        "films.tsv": "text\tlabel\n" + "".join(f"fine film {n}\tgood\ndull film {n}\tbad\n" for n in numbers),
        "genes.fasta": "".join(f">g{n} label={'ab'[n % 2]}\nACG{'ACGT'[n % 4] * n}TTG\n" for n in numbers),
        "new.fasta": ">one\nACGTNACGT\n>two\nTTTTACG\n",
        "exons.fasta": "".join(f">e{n}\nACG{'ACGT'[n % 4] * n}TTG\n" for n in numbers),
        "exons.bed": "".join(f"e{n}\t1\t{n + 3}\texon\n" for n in numbers),
        "weather.tsv": "text\tlabel\n" + "".join(f"sun {n}\twarm\nrain {n}\twarm;wet\n" for n in numbers),
        "walk.ts": "@classLabel true up down\n@data\n"
        + "".join(f"{n},{n + 1},{n + 2}:up\n{n},{n - 1}:down\n" for n in numbers),
        "table.csv": "x,y,label\n" + "".join(f"{n % 2}.5,{n},{'no' if n % 2 else 'yes'}\n" for n in numbers),
        "yield.csv": "rain,sun,yield\n" + "".join(f"{n},{n % 3},{2 * n + 0.5}\n" for n in numbers),
        "sales.csv": "month,sales\n"
        + "".join(f"{2000 + n // 12}-{n % 12 + 1:02d},{100 + n + 20 * (n % 12)}\n" for n in range(72)),
        "news.conll": "".join(f"Ada\tB-PER\nto\tO\n北京\tB-LOC\n{n}\tO\n\nno\tO\n\n" for n in numbers),
        "pairs.tsv": "".join(f"go home {n}\t回家 {n}\nstay here {n}\t在这里 {n}\n" for n in numbers),
        "names.tsv": "label\ttext\n" + "".join(f"Irish\tO'Neill{n}\nItalian\tRossi{n}\n" for n in numbers),
        "book.txt": "the cat was full\nthe cats were full\nthe cat sat\n" * 10,
    }
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    write_tunes(folder / "tunes", 6)
    for n in range(12):
        write_wav(folder / f"words/{'yes' if n % 2 else 'no'}/{n}.wav", tone(0.2, 8000, 300 + 20 * n), 8000)
        way, label = (1, "forth") if n % 2 else (-1, "back")
        write_gif(folder / "clips" / label / f"{n}.gif", wrapping_square(way, n, n, steps=4))
    write_video(folder / "new.mp4", wrapping_square(1, 0, 0))
    lists = [
        {"id": f"u{n}", "input": ["the cat were full", "the cat was full"], "output": "the cat was full",
         "am_score": [-1.0, -1.1]}
        for n in range(6)
    ]  # fmt: skip
    write_tones(folder, ["ab", "ba c", "fed", "c", "bad", "a fe"])
    (folder / "lists.json").write_text(json.dumps(lists), encoding="utf-8")
    class_folders(folder / "moves")
    pair = {"sentence_good": "The cat was full.", "sentence_bad": "The cat were full.", "UID": "cats"}
    (folder / "agreement.jsonl").write_text(json.dumps(pair) + "\n", encoding="utf-8")


def test_the_table_names_the_jobs() -> None:
    assert len(ROWS) > 8
    assert all(ASK.values())


def test_every_line_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: Command) -> None:
    """In the order of the table: the last jobs ask the language model of one before them."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BPTT_CACHE", str(tmp_path / "cache"))
    write_files(tmp_path)
    for job in LEARN:
        for line in LEARN[job]:
            ended = command(*shlex.split(line)[1:], *SMALL)
            assert ended.code == 0, (line, ended.err)
        for line in ASK[job]:
            ended = command(*shlex.split(line)[1:], stdin=b"Ada to")
            assert ended.code == 0, (line, ended.err)
            # A model of so few epochs may hear nothing, and says so.
            assert ended.out or "nothing was said" in ended.err, line
    (example,) = (block for block in blocks("python") if "bptt.load(" in block)
    exec(compile(example, "README.md", "exec"), {})
