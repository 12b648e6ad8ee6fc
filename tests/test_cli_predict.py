"""`bptt predict`: what is read, what is answered, and where the answers go."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest
from conftest import Command

from bptt.cli.sources import is_file_name, looks_like_path, sources_of
from bptt.data.readers.document import Document

SIZES = "--hidden", 4, "--embedding", 4, "--epochs", 1, "--batch-size", 8
FILMS = [(f"film {n}, really", "pos" if n % 2 else "neg") for n in range(12)]
SENTENCES = "".join(f"Cy\tB-PER\nsaw{n}\tO\nRome\tB-LOC\n\nAda\tB-PER\nran{n}\tO\n\n" for n in range(6))


def spelled(form: str) -> str:
    """The same labelled texts in a form."""
    if form == "jsonl":
        return "".join(json.dumps({"id": f"r{n}", "text": t, "label": y}) + "\n" for n, (t, y) in rows())
    if form == "json":
        return json.dumps([{"text": t, "label": y} for t, y in FILMS], indent=1)
    if form == "ft":
        return "".join(f"__label__{y} {t}\n" for t, y in FILMS)
    if form == "csv":
        return "comment,stars\n" + "".join(f'"{t}",{y}\n' for t, y in FILMS)
    mark = "\t" if form == "tsv" else ";"
    return "".join(f"{t}{mark}{y}\n" for t, y in FILMS)


def rows() -> enumerate[tuple[str, str]]:
    return enumerate(FILMS)


FORMS = "tsv", "csv", "ssv", "jsonl", "json", "ft"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("predict")
    for form in FORMS:
        (folder / f"films.{form}").write_text(spelled(form), encoding="utf-8")
    (folder / "tags.conll").write_text(SENTENCES, encoding="utf-8")
    (folder / "pairs.tsv").write_text(
        "".join(f"red {n}\trojo\none two {n}\tuno dos\n" for n in range(8)), encoding="utf-8"
    )
    return folder


@pytest.fixture
def runs(folder: Path, command: Command) -> Path:
    """A run of each job; of the classifier from a CSV with a header of its own words."""
    given = {"csv": ("classify", "films.csv"), "tag": ("tag", "tags.conll"), "mt": ("translate", "pairs.tsv")}
    for name, (job, data) in given.items():
        if not (folder / name).exists():
            ended = command("train", job, folder / data, "-o", folder / name, *SIZES)
            assert ended.code == 0, ended.err
    return folder


def answered(out: str) -> list[str]:
    return [line.split("\t")[2] for line in out.splitlines()]


TEXTS = [text for text, _ in FILMS]


@pytest.mark.parametrize("form", FORMS)
def test_a_file_in_any_form_is_answered_on_its_texts(form: str, runs: Path, command: Command) -> None:
    ended = command("predict", runs / "csv", runs / f"films.{form}")
    assert ended.code == 0, ended.err
    assert answered(ended.out) == TEXTS
    if form == "jsonl":
        assert [line.split("\t")[3] for line in ended.out.splitlines()] == [f"r{n}" for n, _ in rows()]
    if form in ("ft", "json", "jsonl"):
        assert command("evaluate", runs / "csv", runs / f"films.{form}").out.count("examples\t12") == 1


@pytest.mark.parametrize("form", ["tsv", "jsonl", "ft"])
def test_a_run_of_any_form_answers_its_own_file(form: str, runs: Path, command: Command) -> None:
    ended = command("train", "classify", runs / f"films.{form}", "-o", runs / form, *SIZES)
    assert ended.code == 0, ended.err
    ended = command("predict", runs / form, runs / f"films.{form}")
    assert answered(ended.out) == TEXTS
    assert "learned from" not in ended.err
    ended = command("predict", runs / form, runs / "films.csv")
    assert answered(ended.out) == TEXTS


def test_unlabelled_files_are_joined_to_their_answers(runs: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "new.csv"
    path.write_text('id,comment\na7,"one\nline, and another"\nb8,\nc9,好\n', encoding="utf-8")
    ended = command("predict", runs / "csv", path)
    found = [line.split("\t")[2:] for line in ended.out.splitlines()]
    assert found == [["one\\nline, and another", "a7"], ["", "b8"], ["好", "c9"]]
    assert f"{path}: empty texts, answered as such: 1, the first at {path}:4" in ended.err
    ended = command("predict", runs / "csv", path, "--json", "-o", tmp_path / "answers.jsonl")
    assert ended.out == ""
    lines = (tmp_path / "answers.jsonl").read_text(encoding="utf-8").splitlines()
    records = [json.loads(line) for line in lines]
    assert [(r["row"], r["name"], r["input"]) for r in records] == [
        (1, "a7", "one\nline, and another"),
        (2, "b8", ""),
        (3, "c9", "好"),
    ]
    assert records[0]["place"] == f"{path}:2"
    assert sum(records[0]["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert records[0]["label"] == max(records[0]["probabilities"], key=records[0]["probabilities"].get)
    again = command("predict", runs / "csv", path, "-o", tmp_path / "answers.jsonl")
    assert again.code == 2
    assert "must be the name of a new file" in again.err


def test_columns_that_are_not_known_are_asked_for(runs: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "new.tsv"
    path.write_text("a7\tfine film\nb8\tdull film\n", encoding="utf-8")
    ended = command("predict", runs / "csv", path)
    assert ended.code == 2
    assert "must say which column is the text, got 2 columns without a header" in ended.err
    assert answered(command("predict", runs / "csv", path, "--text-column", 2).out) == [
        "fine film",
        "dull film",
    ]
    ended = command("predict", runs / "csv", path, "--input", "lines")
    assert answered(ended.out) == ["a7\\tfine film", "b8\\tdull film"]
    path.write_text("comment\nfine\ndull\n", encoding="utf-8")
    assert answered(command("predict", runs / "csv", path).out) == ["fine", "dull"]
    assert len(answered(command("predict", runs / "csv", path, "--no-header").out)) == 3


def test_lines_are_said_to_be_no_columns(runs: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "plain.txt"
    path.write_text("I like it, really\n\nfine\n", encoding="utf-8")
    ended = command("predict", runs / "csv", path)
    assert answered(ended.out) == ["I like it, really", "", "fine"]
    assert "read as lines, for it has no header, and no column of labels that are known" in ended.err


@pytest.mark.parametrize("job", ["csv", "tag", "mt"])
def test_what_looks_like_a_file_and_is_none_is_refused(job: str, runs: Path, command: Command) -> None:
    for name in ("flims.tsv", "no/such/reviews", "reviews.csv.gz", "./new", "my films.csv", "C:\\new\\a.txt"):
        ended = command("predict", runs / job, name)
        assert (ended.code, ended.out) == (2, "")
        assert "must be a file, as its name looks like one, got no such file. If it" in ended.err
    assert command("predict", runs / job, "-", stdin=b"flims.tsv saw\n").code == 0
    assert "must be a file" in command("inspect", runs / job, "--text", "flims.tsv").err
    assert "must be a file" in command("derive", runs / job, "--text", "flims.tsv").err


@pytest.mark.parametrize(
    "text",
    [
        "a dull film",
        "so 1/2 of it",
        "http://a.b/c",
        "这部电影好看。",
        "Is it either/or?",
        "end.",
        "a",
        "U.S.A",
        "",
    ],
)
def test_a_sentence_is_no_file(text: str) -> None:
    assert not looks_like_path(text)
    assert not is_file_name(text * 100)


def test_sentences_to_choose_from_are_no_files(tmp_path: Path, command: Command) -> None:
    (tmp_path / "a").write_text("x\n", encoding="utf-8")
    for name in ("a.txt", tmp_path / "a"):
        ended = command("choose", tmp_path, "fine", name)
        assert ended.code == 2
        assert "must be a sentence, got what looks like a file. `bptt score` ranks" in ended.err


@pytest.mark.parametrize("job", ["csv", "tag", "mt"])
@pytest.mark.parametrize("text", ["", " ", "\t", "\n"])
def test_nothing_has_an_answer(job: str, text: str, runs: Path, command: Command) -> None:
    ended = command("predict", runs / job, text)
    assert ended.code == 0, ended.err
    assert "Traceback" not in ended.err
    ended = command("inspect", runs / job, "--text", text)
    assert (ended.code, "Traceback" in ended.err) == (2, False)


def test_what_is_typed_is_lines_whatever_it_looks_like(runs: Path, command: Command) -> None:
    for text in ("{name} one two", '{"source": "red"}', "red\tone", "source,target", "[1, 2]", ">red"):
        assert len(command("predict", runs / "mt", text).out.splitlines()) == 1, text
        assert answered(command("predict", runs / "csv", text).out) == [text.replace("\t", "\\t")]
    assert [
        line.split("\t")[0] for line in command("predict", runs / "tag", "Ada saw\tRome").out.split("\n")
    ] == [
        "Ada",
        "saw",
        "Rome",
        "",
        "",
    ]


def test_a_file_of_numbered_sentences_is_plain_text(runs: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "ids.txt"
    path.write_text("1\tAda met Bo\n2\tCy saw Rome\n", encoding="utf-8")
    ended = command("predict", runs / "tag", path, "--json")
    assert [json.loads(line)["input"] for line in ended.out.splitlines()] == [
        ["1", "Ada", "met", "Bo"],
        ["2", "Cy", "saw", "Rome"],
    ]
    assert "read as plain text, a sentence a line (--input conll: a word a line)" in ended.err
    record = json.loads(command("predict", runs / "tag", runs / "tags.conll", "--json").out.splitlines()[0])
    assert record["given"] == ["B-PER", "O", "B-LOC"]
    assert (len(record["tags"]), len(record["probabilities"])) == (3, 3)
    assert "is one of lines, conll" in command("predict", runs / "tag", path, "--input", "csv").err


def test_sentences_in_a_column_are_tagged(runs: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "sentences.csv"
    path.write_text('id,text\na,"Cy saw, Rome"\nb,\n', encoding="utf-8")
    ended = command("predict", runs / "tag", path, "--json")
    records = [json.loads(line) for line in ended.out.splitlines()]
    assert [(r["name"], r["input"]) for r in records] == [("a", ["Cy", "saw,", "Rome"]), ("b", [])]
    assert 'columns: text "text", label none' in ended.err
    path.write_text('[{"text": "Cy ran"}, {"text": "Bo"}]', encoding="utf-8")
    assert command("predict", runs / "tag", path).out.splitlines()[0].startswith("Cy\t")
    path.write_text('[{"tokens": ["Cy"]}]', encoding="utf-8")
    ended = command("predict", runs / "tag", path)
    assert (ended.code, '"tokens" must be a text or a number, got list' in ended.err) == (2, True)


def test_translations_as_json(runs: Path, command: Command) -> None:
    record = json.loads(command("predict", runs / "mt", "red", "--json").out)
    assert record["row"] == 1
    assert {"input", "text", "score", "log_probability"} <= record.keys()
    lines = command("predict", runs / "mt", "red\none two", "--json", "--n-best", 2).out.splitlines()
    assert [len(json.loads(line)["alternatives"]) for line in lines] == [2, 2]
    assert len(command("predict", runs / "mt", runs / "pairs.tsv").out.splitlines()) == 16


class Pipe(io.RawIOBase):
    """Bytes that arrive one part at a time; what was read when is written down."""

    def __init__(self, parts: list[bytes], events: list[str]) -> None:
        self._parts, self._events = parts, events

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        part = self._parts.pop(0) if self._parts else b""
        self._events.append(f"read {part.decode()!r}")
        buffer[: len(part)] = part
        return len(part)


def test_standard_input_is_answered_as_it_arrives(monkeypatch: pytest.MonkeyPatch) -> None:
    events: list[str] = []
    pipe = Pipe([b"one film\n", b"two\nthr", b"ee\n", b"\nlast"], events)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(pipe, 64), encoding="utf-8"))
    for source in sources_of("-", lambda first: first.text == "one film\n"):
        assert isinstance(source, Document)
        events.append(f"answer {source.lines} from {source.first}")
    assert [each for each in events if each != "read ''"] == [
        "read 'one film\\n'",
        "answer ['one film'] from 1",
        "read 'two\\nthr'",
        "answer ['two'] from 2",
        "read 'ee\\n'",
        "answer ['three'] from 3",
        "read '\\nlast'",
        "answer [''] from 4",
        "answer ['last'] from 5",
    ]


def test_standard_input_in_another_form_is_read_whole(runs: Path, command: Command) -> None:
    for form in ("csv", "jsonl", "ft", "tsv"):
        ended = command("predict", runs / "csv", "-", stdin=spelled(form).encode())
        assert answered(ended.out) == TEXTS, form
    ended = command("predict", runs / "csv", "-", stdin=b"comment\nfine, or so\ndull\n")
    assert answered(ended.out) == ["fine, or so", "dull"]
    ended = command("predict", runs / "tag", "-", stdin=SENTENCES.encode())
    assert ended.out.splitlines()[0].split("\t")[:2] == ["Cy", "B-PER"]
    assert command("predict", runs / "csv", "-", stdin=b"").code == 2
    ended = command("predict", runs / "csv", "-", stdin=b"good\nb\xffd\n")
    assert (ended.code, "standard input, line 2" in ended.err) == (2, True)


def test_an_empty_file_or_folder_is_refused(runs: Path, tmp_path: Path, command: Command) -> None:
    (tmp_path / "empty.txt").write_bytes(b"\n")
    (tmp_path / "folder").mkdir()
    for job in ("csv", "tag", "mt"):
        for name in ("empty.txt", "folder"):
            ended = command("predict", runs / job, tmp_path / name)
            assert (ended.code, ended.out, "Traceback" in ended.err) == (2, "", False)


def test_answers_of_sequences_carry_their_names(tmp_path: Path, command: Command) -> None:
    letters = {"a": "ACGTACGT", "b": "TTGGTTGG"}
    text = "".join(f">seq{n} {y}\n{letters[y]}{'AC' * n}\n" for n, y in enumerate("abab" * 3))
    (tmp_path / "s.fasta").write_text(text, encoding="utf-8")
    ended = command("train", "classify", tmp_path / "s.fasta", "-o", tmp_path / "run", *SIZES)
    assert ended.code == 0, ended.err
    ended = command("predict", tmp_path / "run", tmp_path / "s.fasta")
    assert answered(ended.out) == [f"seq{n}" for n in range(12)]
    (tmp_path / "s.fastq").write_text("@new\nACGT\n+\n!!!!\n", encoding="utf-8")
    ended = command("predict", tmp_path / "run", tmp_path / "s.fastq")
    assert answered(ended.out) == ["new"]
    assert "read as fastq" in ended.err


def test_a_folder_and_a_parquet_file_are_answered_as_they_were_learned(
    tmp_path: Path, command: Command
) -> None:
    for n, (text, label) in rows():
        path = tmp_path / "films" / label / "deep" / f"{n}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert command("train", "classify", tmp_path / "films", "-o", tmp_path / "a", *SIZES).code == 0
    ended = command("predict", tmp_path / "a", tmp_path / "films")
    names = [line.split("\t")[3] for line in ended.out.splitlines()]
    assert sorted(answered(ended.out)) == sorted(TEXTS)
    assert "neg/deep/0.txt" in names
    ended = command("predict", tmp_path / "a", tmp_path / "films" / "pos" / "deep")
    assert len(answered(ended.out)) == 6
    assert "read as class-folders, for each of its files is a text" not in ended.err
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    table = pyarrow.table(
        {"review": TEXTS, "stars": [y for _, y in FILMS], "key": [f"k{n}" for n, _ in rows()]}
    )
    pyarrow.parquet.write_table(table, tmp_path / "films.parquet")
    given = tmp_path / "films.parquet", "-o", tmp_path / "b", *SIZES
    assert command("train", "classify", *given).code == 0
    ended = command("predict", tmp_path / "b", tmp_path / "films.parquet")
    assert answered(ended.out) == TEXTS
    assert ended.out.splitlines()[3].split("\t")[3] == "k3"
    assert "examples\t12" in command("evaluate", tmp_path / "b", tmp_path / "films.parquet").out


def test_evaluate_takes_what_predict_takes(runs: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "other.csv"
    path.write_text(
        "nr,wording,mood\n" + "".join(f'{n},"{t}",{y}\n' for n, (t, y) in rows()), encoding="utf-8"
    )
    ended = command("evaluate", runs / "csv", path)
    assert ended.code == 2
    assert "must say which column is the text, got nr, wording, mood. Name it (--text-column)" in ended.err
    named = "--text-column", "wording", "--label-column", "mood"
    ended = command("evaluate", runs / "csv", path, *named)
    assert "examples\t12" in ended.out
    assert 'columns: text "wording", label "mood"' in ended.err
    assert answered(command("predict", runs / "csv", path, *named).out) == TEXTS
