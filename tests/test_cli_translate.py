"""`bptt train translate`, `predict` and `evaluate`, as a user types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Command
from tiny_data import write_pairs

SIZES = "--hidden", 24, "--embedding", 12, "--epochs", 20, "--lr", 0.02, "--batch-size", 16, "--cell", "gru"


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    write_pairs(folder / "train.tsv", 400, 0)
    write_pairs(folder / "test.tsv", 30, 1)
    return folder


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture
def run(data: Path, runs: Path, command: Command) -> Path:
    if not (runs / "run").exists():
        ended = command("train", "translate", data / "train.tsv", "-o", runs / "run", *SIZES)
        assert ended.code == 0, ended.err
        assert "read as text" in ended.err
    return runs / "run"


def test_from_a_file_to_answers(run: Path, data: Path, command: Command) -> None:
    assert command("predict", run, "a b 中 d").out == "d 中 b a\n"
    answers = command("predict", run, "-", stdin="a b 中 d\n\nd d b b\n".encode()).out
    assert answers == "d 中 b a\n\nb b d d\n"
    wanted = [line.split("\t")[1] for line in (data / "test.tsv").read_text(encoding="utf-8").splitlines()]
    for search in ((), ("--beam", 1), ("--temperature", 0)):
        assert command("predict", run, data / "test.tsv", *search).out.splitlines() == wanted


def test_alternatives_have_scores_in_falling_order(run: Path, command: Command) -> None:
    ended = command("predict", run, "a b 中 d\nb b", "--n-best", 3, "--alpha", 0)
    rows = [line.split("\t") for line in ended.out.splitlines()]
    assert [number for number, *_ in rows] == ["1"] * 3 + ["2"] * 3
    assert rows[0][3] == "d 中 b a"
    scores = [float(score) for _, score, _, _ in rows]
    assert scores[:3] == sorted(scores[:3], reverse=True)
    assert [score for _, score, _, _ in rows] == [score for _, _, score, _ in rows]


def test_draws_come_by_their_seed(run: Path, command: Command) -> None:
    lines = "\n".join(["a b 中 d"] * 20)

    def drawn(seed: int) -> str:
        return command("predict", run, lines, "--temperature", 3, "--seed", seed).out

    assert drawn(1) == drawn(1) != drawn(2)
    ended = command("predict", run, lines, "--temperature", 1, "--beam", 2)
    assert ended.code == 2
    assert "--temperature: draws one text for each input" in ended.err


def test_unknown_words_are_counted(run: Path, command: Command) -> None:
    ended = command("predict", run, "a b zebra d", "--refuse-unknown")
    assert "input: 1 of its 4 tokens are <unk>" in ended.err
    assert "<unk>" not in ended.out


def test_attention_is_drawn(run: Path, tmp_path: Path, command: Command) -> None:
    ended = command("predict", run, "a b 中 d", "--attention", tmp_path / "a.png")
    assert ended.code == 0, ended.err
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_the_option_that_an_error_names_is_there(run: Path, tmp_path: Path, command: Command) -> None:
    other = tmp_path / "other.jsonl"
    lines = ('{"who": "a", "what": "b d", "where": "c"}', '{"who": "d", "what": "c b", "where": "e"}')
    other.write_text("\n".join(lines), encoding="utf-8")
    for asked in ("predict", "evaluate"):
        ended = command(asked, run, other)
        assert ended.code == 2
        assert "must have a column source, got who, what, where. Name it (--source-column)" in ended.err
    answers = [command("predict", run, other, f"--{name}-column", "what") for name in ("source", "text")]
    assert answers[0].out == answers[1].out
    assert answers[0].out.count("\n") == 2
    assert 'columns: source "what"' in answers[0].err


def test_greedy_and_beam_are_judged_side_by_side(
    run: Path, data: Path, tmp_path: Path, command: Command
) -> None:
    pytest.importorskip("sacrebleu")
    ended = command("evaluate", run, data / "test.tsv", "--beam", 3, "--figures", tmp_path)
    metrics, table, signatures, picture = ended.out.split("\n\n")
    assert picture == f"picture: {tmp_path / 'attention.png'}\n"
    assert (tmp_path / "attention.png").read_bytes().startswith(b"\x89PNG")
    assert "examples\t30" in metrics
    assert table.splitlines() == [
        "search\tBLEU\tchrF\texact",
        "greedy\t100.00\t100.00\t100.00%",
        "beam 3\t100.00\t100.00\t100.00%",
    ]
    assert "tok:13a" in signatures.splitlines()[0]


def test_parallel_files_and_classes(tmp_path: Path, command: Command) -> None:
    (tmp_path / "in").write_text("x\ny\n" * 30, encoding="utf-8")
    (tmp_path / "out").write_text("一 二\n三\n" * 30, encoding="utf-8")
    given = tmp_path / "in", "--target", tmp_path / "out", "--input", "class"
    ended = command("train", "translate", *given, "-o", tmp_path / "run", *SIZES)
    assert ended.code == 0, ended.err
    assert command("predict", tmp_path / "run", "y\nx").out == "三\n一 二\n"
    ended = command("predict", tmp_path / "run", "w")
    assert "class: is one of those learned, x, y, got 'w'" in ended.err
    both = command("evaluate", tmp_path / "run", tmp_path / "in", tmp_path / "out")
    named = command("evaluate", tmp_path / "run", tmp_path / "in", "--target", tmp_path / "out")
    assert both.code == 0 and both.out == named.out
    shown = "--input", "class", "--epochs", 1, "--hidden", 4, "--embedding", 4
    files = tmp_path / "in", tmp_path / "out"
    ended = command("train", "translate", *files, "-o", tmp_path / "b", *shown)
    assert "learned: 54 pairs" in ended.err, ended.err
    ended = command("evaluate", tmp_path / "run", tmp_path / "in", tmp_path / "out", "--target", "c")
    assert ended.code == 2 and "--target: must name the only file of targets" in ended.err
    ended = command("predict", tmp_path / "run", "x", "--attention", tmp_path / "a.png")
    assert "a.png: is for a text that attended to its source" in ended.err


def test_faults_are_named_as_typed(data: Path, run: Path, tmp_path: Path, command: Command) -> None:
    broken = tmp_path / "broken.tsv"
    broken.write_text("a\tb\n" * 16 + "no translation\n", encoding="utf-8")
    ended = command("train", "translate", broken, "-o", tmp_path / "run")
    assert ended.code == 2
    assert f"{broken}:17: must have a sentence and its translation" in ended.err
    assert not (tmp_path / "run").exists()
    ended = command("train", "translate", data / "train.tsv", "-o", tmp_path / "run", "--tied")
    assert "--embedding: tied weights need an embedding as wide as the output, 128, got 64" in ended.err
    assert (
        "--probabilities: is an option of runs of `bptt train classify` and `bptt train tag`"
        in command("predict", run, "a", "--probabilities").err
    )
    assert "--beam: is a whole number of at least 1, got 0" in command("predict", run, "a", "--beam", 0).err


def test_options_of_translation_are_for_translators(tmp_path: Path, command: Command) -> None:
    table = tmp_path / "films.tsv"
    table.write_text("".join(f"text {n}\t{n % 2}\n" for n in range(40)), encoding="utf-8")
    sizes = "--hidden", 4, "--epochs", 1, "--input", "columns"
    assert command("train", "classify", table, "-o", tmp_path / "run", *sizes).code == 0
    ended = command("predict", tmp_path / "run", "fine", "--beam", 3)
    assert ended.code == 2
    jobs = "`bptt train translate` and `bptt train transcribe`"
    assert f"--beam: is an option of runs of {jobs}, got a run of `bptt train classify`" in ended.err
    ended = command("evaluate", tmp_path / "run", table, "--target", table)
    assert (
        "--target: is an option of runs of `bptt train translate`, got a run of `bptt train classify`"
        in ended.err
    )
    assert command("evaluate", tmp_path / "run", table).code == 0


def test_targets_are_compared_in_the_case_that_the_model_writes(
    data: Path, tmp_path: Path, command: Command
) -> None:
    """A model that has learned small letters finds what is wanted, whatever its case is in the file."""
    pytest.importorskip("sacrebleu")
    pairs = tmp_path / "pairs.tsv"
    rows = [line.split("\t") for line in (data / "train.tsv").read_text(encoding="utf-8").splitlines()]
    pairs.write_text("".join(f"{source}\t{target.upper()}\n" for source, target in rows), encoding="utf-8")
    ended = command("train", "translate", pairs, "-o", tmp_path / "run", *SIZES, "--target-lower")
    assert ended.code == 0, ended.err
    ended = command("evaluate", tmp_path / "run", pairs, "--beam", 1)
    assert ended.out.split("\n\n")[1] == "search\tBLEU\tchrF\texact\ngreedy\t100.00\t100.00\t100.00%"
    assert "case:lc" in ended.out and "are compared in small letters" in ended.err


def test_without_sacrebleu_the_loss_and_exact_matches_are_printed(
    run: Path, data: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = command("evaluate", run, data / "test.tsv", "--beam", 2)
    monkeypatch.setattr("bptt.jobs.translate.metrics.BLEU", None)
    ended = command("evaluate", run, data / "test.tsv", "--beam", 2)
    assert ended.code == 0, ended.err
    metrics, table = ended.out.split("\n\n")
    assert metrics == whole.out.split("\n\n")[0]
    assert table.splitlines() == ["search\texact", "greedy\t100.00%", "beam 2\t100.00%"]
    assert "BLEU and chrF by sacrebleu: pip install 'bptt[metrics]'" in ended.err
