"""Examples that stay in their file: the same weights, errors and splits as in memory, in less of it."""

from __future__ import annotations

import csv
import gc
import gzip
import io
import json
import random
import re
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from conftest import Command, Ended

from bptt.data import large_text, long_reading
from bptt.data.examples import Examples
from bptt.data.readers import sources
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.data.readers.measured import read_measured
from bptt.data.split import fold_numbers, some_indices, split_indices
from bptt.data.stored_rows import StoredRows
from bptt.errors import InputError
from bptt.jobs.classify.task import ClassifyTask
from bptt.training import reading_progress
from bptt.training.progress import BarReporter

SIZES = "--hidden", 5, "--embedding", 4, "--epochs", 2, "--batch-size", 8
NO_LIMIT = 2**60


@pytest.fixture
def switch(monkeypatch: pytest.MonkeyPatch) -> Callable[[bool], None]:
    """Have the next files stored, or read into memory."""
    return lambda stored: monkeypatch.setattr(sources, "LARGE", 0 if stored else NO_LIMIT)


def pairs(count: int = 90) -> list[tuple[str, str]]:
    """Texts of three labels, some of them twice, some of two lines, with quotes, commas and Chinese."""
    draw = random.Random(0)
    rows = []
    for _ in range(count):
        label = draw.choice(["good", "bad", "坏"])
        words = [f"{label[0]}{draw.randrange(9)}" for _ in range(draw.randint(1, 9))]
        rows.append((" ".join(words), label))
    return rows + rows[:7]


def tsv(rows: Sequence[tuple[str, str]]) -> bytes:
    return "".join(f"{text}\t{label}\n" for text, label in [("text", "label"), *rows]).encode()


def csv_of(rows: Sequence[tuple[str, str]], end: str = "\n") -> bytes:
    held = io.StringIO(newline="")
    writer = csv.writer(held, lineterminator=end)
    writer.writerow(["label", "text"])
    for n, (text, label) in enumerate(rows):
        text = text.replace(" ", end if n % 4 == 0 else ', "so" ', 1)
        writer.writerow([label, text])
        if n % 10 == 0:
            held.write(end)
    return held.getvalue().encode()


def json_lines(rows: Sequence[tuple[str, str]]) -> bytes:
    # The keys of a row are in any order, one has more of them, one a list of lines.
    objects = [
        {"label": label, "text": text} if n % 2 else {"text": text, "label": label}
        for n, (text, label) in enumerate(rows)
    ]
    return "".join(json.dumps(each, ensure_ascii=False) + "\n\n" for each in objects).encode()


def translations(count: int = 60) -> list[tuple[str, str]]:
    """Sentences with as many words in capitals, twice the last ones."""
    words = "eins zwei drei 四 fünf".split()
    draw = random.Random(1)
    found = [" ".join(draw.choices(words, k=draw.randint(1, 6))) for _ in range(count)]
    return [(text, text.upper().replace(" ", "  ")) for text in found + found[:5]]


def parallel(rows: Sequence[tuple[str, str]]) -> dict[str, bytes]:
    """Two files of lines, of which some pairs lack a side, or both."""
    lines = [*rows[:9], ("", "X"), (" ", ""), *rows[9:], ("eins", "\t")]
    sources, targets = zip(*lines, strict=True)
    return {"a.de": "\r\n".join(sources).encode(), "a.en": ("\n".join(targets) + "\n").encode()}


def objects(rows: Sequence[tuple[str, str]]) -> bytes:
    return "".join(
        json.dumps({"id": n, "de": a, "en": b}) + "\n" for n, (a, b) in enumerate([*rows, ("", "X")])
    ).encode()


def joined(rows: Sequence[tuple[str, str]], mark: str) -> bytes:
    return "".join(f"{a}{mark}{b}\n" for a, b in rows).encode()


def sentences(mark: str = " ", end: str = "\n", numbered: bool = False, scheme: str = "BI") -> bytes:
    """Sentences of few words with names in them, some of them twice, between blank lines and comments."""
    draw = random.Random(2)
    begin, inside = (f"{letter}-PER" for letter in scheme)
    blocks = []
    for n in range(60):
        words = [(f"w{draw.randrange(9)}", "O") for _ in range(draw.randint(1, 5))]
        words += [("Frau", begin), (draw.choice(["Weiß", "李"]), inside)][: draw.randrange(3)]
        lines = [mark.join(each) for each in words]
        if numbered:
            lines = [f"{i}\t{word}\t{tag}" for i, (word, tag) in enumerate(words, 1)]
            lines = [f"# sent_id = {n}", "1-2\tx\tO", lines[0], "# between", *lines[1:], "9.1\ty\tO"]
        blocks.append([*lines, *["", " \t"][: draw.randint(1, 2)]])
    blocks += [*blocks[:5], ["-DOCSTART-", ""], *blocks[7:9]]
    return end.join(line for block in blocks for line in block).rstrip().encode()


def table(mark: str = ",", count: int = 60, header: bool = True) -> bytes:
    """Rows of numbers under names, some of them missing, quoted or twice, beside the names of the rows."""
    draw = random.Random(3)
    rows = [[f"{draw.gauss(0, 9):.3f}" for _ in range(3)] for _ in range(count)]
    rows = [[*row, f"{float(row[0]) - 2 * float(row[2]):.17g}"] for row in rows + rows[:5]]
    rows[7][1] = rows[9][0] = "NA"
    named = [[f"r{n}", *row] for n, row in enumerate(rows)] if header else rows
    if mark == ",":
        named[4] = [f'"{cell}"' for cell in named[4]]
    lines = [mark.join(row) for row in [["Id", "高", "b", "target", "d"], *named][not header :]]
    return "\n".join([*lines[:20], "", *lines[20:]]).encode()


def table_in_json() -> bytes:
    names, *rows = list(csv.reader(io.StringIO(table().decode())))
    kept = [dict(zip(names[1:], map(number_of, row[1:]), strict=True)) for row in rows if row]
    return "".join(json.dumps(row) + "\n" for row in kept).encode()


def series() -> bytes:
    """Series of three steps, each with a target for all of them."""
    steps = [f"s{n // 3},{n},{n % 7},{n // 3}\n" for n in range(60)]
    return "".join(["id,t,x,target\n", *steps]).encode()


def number_of(cell: str) -> float | None:
    return None if cell == "NA" else float(cell)


def amounts(count: int = 60) -> list[tuple[str, str]]:
    return [(text, f"{len(text)}.{n % 7}") for n, (text, _) in enumerate(pairs(count))]


@dataclass(frozen=True)
class Data:
    """Files by name, the first of which is trained on, and the options with it. A table is read once."""

    job: str
    files: dict[str, bytes]
    options: tuple[object, ...] = ()
    is_table: bool = False

    def write(self, folder: Path) -> Path:
        folder.mkdir(exist_ok=True)
        for name, content in self.files.items():
            (folder / name).write_bytes(content)
        return folder / next(iter(self.files))

    def arguments(self, folder: Path) -> list[object]:
        return [folder / each if each in self.files else each for each in self.options]


CLASSIFY = "--no-ngrams"
DATA = {
    "tsv": Data("classify", {"a.tsv": tsv(pairs())}, (CLASSIFY,)),
    "bom and crlf": Data(
        "classify", {"a.csv": b"\xef\xbb\xbf" + csv_of(pairs(), "\r\n")}, (CLASSIFY, "--balance")
    ),
    "csv": Data("classify", {"a.csv": csv_of(pairs())}, (CLASSIFY, "--groups", 2)),
    "json": Data(
        "classify", {"a.jsonl": json_lines(pairs())}, (CLASSIFY, "--level", "word", "--max-length", 4)
    ),
    "no header": Data("classify", {"a.csv": csv_of(pairs()).split(b"\n", 1)[1]}, (CLASSIFY,)),
    "gb18030": Data(
        "classify", {"a.tsv": tsv(pairs()).decode().encode("gb18030")}, (CLASSIFY, "--encoding", "gb18030")
    ),
    "dev": Data(
        "classify", {"a.tsv": tsv(pairs()), "dev.tsv": tsv(pairs()[:20])}, (CLASSIFY, "--dev", "dev.tsv")
    ),
    "several labels": Data(
        "classify",
        {"a.tsv": tsv([(text, f"{label},{text[-1]}") for text, label in pairs()])},
        (CLASSIFY, "--multi-label", "--label-separator", ","),
    ),
    "folds": Data("classify", {"a.tsv": tsv(pairs(40))}, (CLASSIFY, "--folds", 2)),
    "none held out": Data("classify", {"a.tsv": tsv(pairs(40))}, (CLASSIFY, "--held-out", 0)),
    "empty texts": Data("classify", {"a.tsv": tsv([*pairs(), (" ", "bad"), ("g1", "good")])}, (CLASSIFY,)),
    "pairs": Data(
        "translate", {"a.tsv": joined(translations(), "\t")}, ("--max-length", 20, "--level", "character")
    ),
    "pairs under names": Data(
        "translate", {"a.csv": csv_of(translations()).replace(b"label,text", b"target,source")}, ("--shared",)
    ),
    "pairs in json": Data("translate", {"a.jsonl": objects(translations())}, ("--groups", 2)),
    "pairs between bars": Data(
        "translate",
        {"a.txt": joined(translations(), " ||| "), "dev.txt": joined(translations(9), " ||| ")},
        ("--dev", "dev.txt", "--level", "bpe", "--max-size", 300),
    ),
    "two files": Data("translate", parallel(translations()), ("--target", "a.en")),
    "classes": Data(
        "translate",
        {"a.tsv": joined([(b[0], a) for a, b in translations()], "\t")},
        ("--input", "class", "--target-level", "character"),
    ),
    "tags": Data("tag", {"a.conll": sentences()}, ("--no-crf", "--max-length", 4)),
    "tags between tabs": Data(
        "tag", {"a.tsv": b"\xef\xbb\xbf" + sentences("\t", "\r\n"), "dev": sentences()}, ("--dev", "dev")
    ),
    "numbered words": Data("tag", {"a.conllu": sentences(numbered=True)}, ("--groups", 2)),
    "tags of no scheme": Data("tag", {"a.conll": sentences(scheme="XY")}, ("--min-count", 2)),
    "tags of another scheme": Data("tag", {"a.conll": sentences(scheme="II")}),
    "table": Data("regress", {"a.csv": table()}, is_table=True),
    "table in json": Data("regress", {"a.jsonl": table_in_json()}, ("--groups", 2), is_table=True),
    "two targets, dev": Data(
        "regress",
        {"a.tsv": table("\t"), "dev.csv": table(count=9)},
        ("--target-column", "d", "--target-column", "target", "--dev", "dev.csv"),
        is_table=True,
    ),
    "table of no names": Data("regress", {"a.csv": table(header=False)}, ("--folds", 2), is_table=True),
    "amounts": Data("regress", {"a.tsv": tsv(amounts())}, ("--max-length", 4)),
    "amounts in csv": Data("regress", {"a.csv": csv_of(amounts(40))}, ("--held-out", 0)),
    "amounts in json": Data("regress", {"a.jsonl": json_lines(amounts(40))}, ("--folds", 2)),
}


def checksums(run: Path) -> dict[str, str]:
    """The checksums of the weights of a run, or of its folds. A checkpoint holds seconds, too."""
    found = sorted(run.rglob("model.safetensors"))
    assert found
    return {str(path.relative_to(run)): sha256(path.read_bytes()).hexdigest() for path in found}


def trained(command: Command, data: Data, folder: Path, run: Path, *more: object) -> Ended:
    ended = command("train", data.job, data.write(folder), "-o", run, *SIZES, *data.arguments(folder), *more)
    assert ended.code == 0, ended.err
    return ended


@pytest.mark.parametrize("data", DATA.values(), ids=DATA)
def test_the_weights_are_those_of_a_training_in_memory(
    data: Data, tmp_path: Path, command: Command, switch: Callable[[bool], None]
) -> None:
    folder, said = tmp_path / "data", {}
    for name, stored in (("stored", True), ("memory", False)):
        switch(stored)
        ended = trained(command, data, folder, tmp_path / name)
        said[name] = [line for line in ended.err.splitlines() if "epoch" in line or "learned" in line]
        assert ("rows stay in the file, read for each batch" in ended.err) is (stored and not data.is_table)
        assert "read whole into memory" not in ended.err
    assert said["stored"] == said["memory"]
    assert checksums(tmp_path / "stored") == checksums(tmp_path / "memory")


@pytest.mark.parametrize("name, more", [("csv", b"good,more\n"), ("table", b"\nr99,1,2,3,4\n")])
def test_a_run_goes_on_with_the_rows_in_memory_or_in_the_file(
    name: str, more: bytes, tmp_path: Path, command: Command, switch: Callable[[bool], None]
) -> None:
    data = replace(DATA[name], options=(*DATA[name].options[:1], "--schedule", "constant"))
    folder = tmp_path / "data"
    switch(True)
    trained(command, data, folder, tmp_path / "whole", "--epochs", 3)
    trained(command, data, folder, tmp_path / "parts", "--epochs", 1)
    switch(False)
    trained(command, data, folder, tmp_path / "parts", "--epochs", 2, "--resume")
    switch(True)
    trained(command, data, folder, tmp_path / "parts", "--epochs", 3, "--resume")
    assert checksums(tmp_path / "parts") == checksums(tmp_path / "whole")
    changed = replace(data, files={"a.csv": data.files["a.csv"] + more})
    options = "-o", tmp_path / "parts", *SIZES, *data.options, "--epochs", 4, "--resume"
    ended = command("train", data.job, changed.write(folder), *options)
    assert (ended.code, "the examples are others" in ended.err) == (2, True)


BROKEN_TEXTS = {
    "no label": tsv([*pairs(), ("g1 g2", "")]),
    "three columns": tsv([*pairs(), ("g1\tg2", "bad")]),
    "bad byte": tsv(pairs()) + b"g1 \xff\tgood\n",
    "zero byte": tsv(pairs()) + b"g1 \0\tgood\n",
    "open quote": csv_of(pairs()) + b'good,"g1 g2\n',
    "a carriage return": csv_of(pairs()) + b"good,g1\rbad,g2\n",
    "no object": json_lines(pairs()) + b'["g1", "good"]\n',
    "no json": json_lines(pairs()) + b'{"text": "g1", "label": "good"\n',
    "no label in json": json_lines(pairs()) + b'{"text": "g1", "label": null}\n',
    "one label": tsv([(text, "good") for text, _ in pairs()]),
    "numbers": tsv([(text, f"{n}.5") for n, (text, _) in enumerate(pairs())]),
}
ROWS = table() + b"\n"
BROKEN_TABLES = {
    "a word in a table": ROWS + b"r99,1,2,3,x\n",
    "a decimal comma in a table": ROWS + b'r99,1,"2,5",3,4\n',
    "an infinite number": ROWS + b"r99,1e99,2,3,4\n",
    "no target in a row": ROWS + b"r99,1,2,,4\n",
    "a target that is no number": ROWS + b"r99,1,2,x,4\n",
    "a short row": ROWS + b"r99,1,2,3\n",
    "a short row at the beginning": ROWS.replace(b"r0,", b"", 1),
    "one value of the target": b"a,b,target\n" + b"".join(b"%d,%d,7\n" % (n, n * n) for n in range(20)),
    "no target in json": table_in_json() + table_in_json().split(b"\n")[0].replace(b'"target": ', b'"t": '),
}
PAIRS = joined(translations(), "\t")
TAGS = sentences() + b"\n\n"
BROKEN = {
    "a word without a tag": Data("tag", {"a.conll": TAGS + b"a O\nb\n\nc O"}),
    "a stray tag": Data("tag", {"a.conll": sentences() * 9 + b"\n\na O\nb LOC\nc O\n"}),
    "one tag": Data("tag", {"a.conll": TAGS.replace(b"B-PER", b"O").replace(b"I-PER", b"O")}),
    "no tags": Data(
        "tag", {"a.conll": TAGS.replace(b" O", b"").replace(b" B-PER", b"").replace(b" I-PER", b"")}
    ),
    "an unknown tag": Data("tag", {"a.conll": TAGS, "dev": b"a O\nb B-LOC\n"}, ("--dev", "dev")),
    "words in json": Data("tag", {"a.jsonl": json_lines(pairs())}),
    **{name: Data("classify", {"broken": content}) for name, content in BROKEN_TEXTS.items()},
    **{name: Data("regress", {"broken": content}) for name, content in BROKEN_TABLES.items()},
    "a text whose amount is a word": Data("regress", {"a.tsv": tsv([*amounts(), ("g1", "x")])}),
    "a text without an amount": Data("regress", {"a.tsv": tsv([*amounts(), ("g1", "")])}),
    "one column": Data("translate", {"a.tsv": PAIRS + b"eins\n"}),
    "a target of two lines": Data(
        "translate", {"a.csv": csv_of([(b, a) for a, b in translations()])}, ("--source-column", "label")
    ),
    "no pair": Data("translate", {"a.tsv": joined([("", "A"), ("b", ""), ("", "")], "\t")}),
    "too long": Data("translate", {"a.tsv": PAIRS}, ("--max-length", 1)),
    "unequal files": Data(
        "translate", {**parallel(translations()), "a.en": b"A\n" * 9}, ("--target", "a.en")
    ),
    "bad byte in the target": Data(
        "translate", {**parallel(translations()), "a.en": b"A\n" * 9 + b"\xff\n"}, ("--target", "a.en")
    ),
}


@pytest.mark.parametrize("data", BROKEN.values(), ids=BROKEN)
def test_what_is_refused_in_memory_is_refused_in_the_file(
    data: Data, tmp_path: Path, command: Command, switch: Callable[[bool], None]
) -> None:
    path, found = data.write(tmp_path), []
    for stored in (True, False):
        switch(stored)
        options = "-o", tmp_path / "run", *SIZES, *data.arguments(tmp_path)
        ended = command("train", data.job, path, *options)
        assert (ended.code, (tmp_path / "run").exists()) == (2, False)
        found.append(ended.err.splitlines()[-1])
    assert found[0] == found[1]


def test_a_list_where_others_have_a_text_is_refused_with_its_line(
    tmp_path: Path, command: Command, switch: Callable[[bool], None]
) -> None:
    """Its column is read as one of texts, which the first rows show."""
    switch(True)
    count = 10_001
    rows = [{"text": f"g{n}", "label": "ab"[n % 2]} for n in range(count)] + [{"text": [1], "label": "a"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    ended = command("train", "classify", tmp_path / "a.jsonl", "-o", tmp_path / "run")
    assert f'a.jsonl:{count + 1}: "text" must be a text or a number, got list' in ended.err


def read(path: Path, form: str = "columns") -> Examples[str, str]:
    return read_examples(path, form, Columns())


@pytest.fixture
def stored(tmp_path: Path, switch: Callable[[bool], None]) -> Examples[str, str]:
    switch(True)
    (tmp_path / "a.csv").write_bytes(csv_of(pairs()))
    found = read(tmp_path / "a.csv")
    assert isinstance(found.rows, StoredRows)
    return found


def as_values(examples: Examples[str, str]) -> list[tuple[object, ...]]:
    return [(row.input, row.target, row.place, row.name, row.group, row.part) for row in examples.rows]


def test_rows_and_columns_are_those_in_memory(
    stored: Examples[str, str], tmp_path: Path, switch: Callable[[bool], None]
) -> None:
    switch(False)
    known = read(tmp_path / "a.csv")
    draw = np.random.default_rng(0)
    for numbers in (range(len(known)), [3, 1, 96, 1], draw.permutation(len(known)), np.arange(0)):
        some, wanted = stored.take(numbers), known.take(numbers)
        assert as_values(some) == as_values(wanted)
        assert [some.rows[n].input for n in range(len(some))] == list(wanted.inputs)
        assert list(some.places) == list(wanted.places)
        if len(wanted):
            assert list(some.targets) == list(wanted.targets)
            # Keys are other values that are equal for the same inputs.
            assert [[a == b for b in some.keys] for a in some.keys] == [
                [a == b for b in wanted.keys] for a in wanted.keys
            ]
    assert [row.place for row in stored.rows[-3:]] == list(known.places[-3:])
    with pytest.raises(IndexError):
        stored.rows[len(known)]


def test_the_separator_is_found_where_the_beginning_of_the_file_ends_inside_a_cell(
    tmp_path: Path, switch: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Commas are in the first line too; of the last row, its beginning."""
    monkeypatch.setattr(large_text, "HEAD", 100)
    rows = "".join(f'"g1, {n}\n\ng2";{label}\n' for n in range(20) for label in ("good", "bad, so"))
    (tmp_path / "a.csv").write_text(rows)
    found = []
    for stored in (True, False):
        switch(stored)
        found.append(as_values(read(tmp_path / "a.csv")))
    assert found[0] == found[1]
    assert found[0][1][:3] == ("g1, 0\n\ng2", "bad, so", f"{tmp_path / 'a.csv'}:4")


def test_splits_are_the_same_for_keys_in_an_array() -> None:
    """Groups of equal inputs, drawn at random, some of several labels."""
    draw = np.random.default_rng(1)
    keys = draw.integers(-50, 50, 300)
    labels = [f"{key % 4}" if n % 9 else "odd" for n, key in enumerate(keys)]
    as_texts = [f"key {key}" for key in keys]
    for seed in range(5):
        for wanted in (labels, None):
            learned, held = split_indices(as_texts, wanted, 0.2, seed)
            found = split_indices(keys, wanted, 0.2, seed)
            assert (found[0].tolist(), found[1].tolist()) == (learned, held)
            assert fold_numbers(keys, wanted, 4, seed) == fold_numbers(as_texts, wanted, 4, seed)
            assert some_indices(keys, wanted, 0.3, seed) == some_indices(as_texts, wanted, 0.3, seed)


def test_a_file_that_changes_or_is_gone_is_named(stored: Examples[str, str], tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    content = path.read_bytes()
    assert stored.rows[5].input
    path.write_bytes(content[:-1] + b"x")
    with pytest.raises(InputError, match=r"a\.csv: must stay as it was when it was first read"):
        list(stored.rows)
    path.write_bytes(content + b"good,more\n")
    with pytest.raises(InputError, match="must stay as it was"):
        stored.rows[5]
    path.unlink()
    with pytest.raises(InputError, match=r"must be a file.*Put it back, and resume"):
        stored.rows[5]


def test_a_training_whose_file_vanishes_ends_with_its_name(
    tmp_path: Path, command: Command, switch: Callable[[bool], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    data, evaluate = DATA["tsv"], ClassifyTask.evaluate

    def remove(task: ClassifyTask) -> dict[str, float]:
        found = evaluate(task)
        (tmp_path / "data" / "a.tsv").unlink()
        return found

    switch(True)
    monkeypatch.setattr(ClassifyTask, "evaluate", remove)
    ended = command(
        "train", "classify", data.write(tmp_path / "data"), "-o", tmp_path / "run", *SIZES, CLASSIFY
    )
    assert (ended.code, "a.tsv: must be a file" in ended.err) == (2, True)
    monkeypatch.undo()
    trained(command, data, tmp_path / "data", tmp_path / "run", "--resume")


def test_the_linear_model_of_ngrams_is_left_out_aloud(
    tmp_path: Path, command: Command, switch: Callable[[bool], None]
) -> None:
    switch(True)
    data = replace(DATA["tsv"], options=())
    ended = trained(command, data, tmp_path / "data", tmp_path / "run")
    assert "n-grams: none beside the network" in ended.err
    switch(False)
    assert "logistic regression on" in trained(command, data, tmp_path / "data", tmp_path / "other").err


def test_a_compressed_file_is_read_into_memory(
    tmp_path: Path, command: Command, switch: Callable[[bool], None]
) -> None:
    switch(True)
    data = DATA["tsv"]
    packed = replace(data, files={"a.tsv.gz": gzip.compress(data.files["a.tsv"])})
    ended = trained(command, packed, tmp_path / "data", tmp_path / "packed")
    assert "rows stay" not in ended.err
    trained(command, data, tmp_path / "data", tmp_path / "plain")
    assert checksums(tmp_path / "packed") == checksums(tmp_path / "plain")


WHOLE = {
    "compressed texts": Data("classify", {"a.tsv.gz": gzip.compress(tsv(pairs()))}, (CLASSIFY,)),
    "labelled lines": Data(
        "classify", {"a.txt": joined([(f"__label__{b}", a) for a, b in pairs()], " ")}, (CLASSIFY,)
    ),
    "a list of pairs": Data(
        "translate",
        {"a.json": json.dumps([{"source": a, "target": b} for a, b in translations()]).encode()},
    ),
    "compressed tags": Data("tag", {"a.gz": gzip.compress(sentences())}),
    "series": Data("regress", {"a.csv": series()}),
}


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE)
def test_a_large_file_that_is_read_into_memory_is_named(
    data: Data, tmp_path: Path, command: Command, switch: Callable[[bool], None]
) -> None:
    said = []
    for large in (False, True):
        switch(large)
        lines = trained(command, data, tmp_path / "data", tmp_path / f"run{large}").err.splitlines()
        said += [line for line in lines if "read whole into memory" in line]
    (line,) = said
    assert f"{next(iter(data.files))} (0 MB); " in line
    assert "stay in their file" in line


@pytest.mark.parametrize("name", ["csv", "two files", "tags"])
def test_passes_over_a_large_file_are_shown(
    name: str,
    tmp_path: Path,
    command: Command,
    switch: Callable[[bool], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = DATA[name]
    switch(True)
    assert "reading" not in trained(command, data, tmp_path / "data", tmp_path / "quick").err
    monkeypatch.setattr(long_reading, "_SECONDS", 0.0)
    monkeypatch.setattr(reading_progress, "_SECONDS_BETWEEN_LINES", 0.0)
    said = trained(command, data, tmp_path / "data", tmp_path / "run").err
    first = f"reading {tmp_path / 'data' / next(iter(data.files))}, pass "
    passes: dict[int, list[int]] = {}
    for number, share in re.findall(rf"{re.escape(first)}(\d+): (\d+)%", said):
        passes.setdefault(int(number), []).append(int(share))
    hashed = "hashing " in said
    # The index, the check of each row, the words, the lengths; the fingerprint, if it is not of the task.
    assert list(passes) == list(range(1, len(passes) + 1)) and len(passes) + hashed >= 5
    for shares in passes.values():
        assert shares == sorted(shares)
    assert passes[1][-1] == passes[2][-1] == 100


def test_a_bar_opens_at_the_first_sign_of_a_long_reading(capsys: pytest.CaptureFixture[str]) -> None:
    with reading_progress.reading_shown(BarReporter(), "reading"):
        long_reading.note_whole("a.gz", 1)
        assert list(long_reading.followed("ab", "a.tsv", 2)) == ["a", "b"]
        assert capsys.readouterr().err == ""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(long_reading, "_SECONDS", 0.0)
            assert list(long_reading.followed("ab", "a.tsv", 2)) == ["a", "b"]
    assert capsys.readouterr().err == "reading a.tsv, pass 1 ...\n"


@pytest.mark.parametrize("name", ["tsv", "table", "amounts"])
def test_an_evaluation_reads_the_file_too(
    name: str, tmp_path: Path, command: Command, switch: Callable[[bool], None]
) -> None:
    data, found = DATA[name], []
    switch(False)
    trained(command, data, tmp_path / "data", tmp_path / "run")
    for stored in (False, True):
        switch(stored)
        found.append(command("evaluate", tmp_path / "run", tmp_path / "data" / next(iter(data.files))).out)
    assert found[0] == found[1] != ""


def test_a_row_takes_few_bytes(tmp_path: Path, switch: Callable[[bool], None]) -> None:
    """An offset of 8, a size of 4, a line of 4, a key of 8, and 2 for each of three columns: 30, and what
    growing arrays keep in reserve, an eighth.
    """
    switch(True)
    rows = [(f"text {n} " + "word " * 40, "ab"[n % 2]) for n in range(20_000)]
    (tmp_path / "a.tsv").write_bytes(tsv(rows))
    read(tmp_path / "a.tsv")
    tracemalloc.start()
    examples = read(tmp_path / "a.tsv")
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(examples) == len(rows)
    assert held < 40 * len(rows)


def test_a_row_of_a_table_takes_the_bytes_of_its_numbers(
    tmp_path: Path, switch: Callable[[bool], None]
) -> None:
    """Four for each of three numbers, eight for the target and for a key, four for a line, one for a group:
    33, and what growing arrays keep in reserve, an eighth.
    """
    switch(True)
    path, count = tmp_path / "a.csv", 20_000
    path.write_text("a,b,c,target\n" + "".join(f"{n}.5,{n % 7},{n % 9},{n % 11}\n" for n in range(count)))
    read_measured(path, "table", Columns(), ())
    tracemalloc.start()
    examples = read_measured(path, "table", Columns(), ())
    gc.collect()  # Python keeps some thousand tuples for later.
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert examples.rows[-1].input.tolist() == [19_999.5, 0, 1]
    assert len(examples) == count
    assert held < 40 * count
