"""From what was measured to tables, page and picture; and the command that does all of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from conftest import Command

from bptt.bench import process_plan, run, worker
from bptt.bench.cases import CELLS, SECTIONS, SHAPES, TORCH_CELLS, Case, Shape
from bptt.bench.layer_contenders import Peer
from bptt.bench.page_section import check_page, check_place, describe, other_machines, read_page, write_page
from bptt.bench.process_plan import choose
from bptt.bench.request import Budget, Request
from bptt.bench.result_tables import ResultTable, notes, tables
from bptt.bench.results import Environment, Measurement, ProcessRun, Report
from bptt.bench.run import carry_out
from bptt.errors import InputError, InternalError

SHAPE: Shape = (10, 2, 3, 5)
PLACE = Environment("Abacus", 2, "Linux", "AVX512", {"torch": "2.13"}, ["jax"], peak=4e11)


def outcome(
    kind: str,
    name: str,
    training: bool,
    seconds: Mapping[str, Sequence[float]],
    memory: Mapping[str, int] | None = None,
    flops: float = 0.0,
    noisy: bool = False,
    barrier: float = 0.0,
) -> Measurement:
    case = Case(kind, name, SHAPE, training)
    return Measurement(
        case, seconds, {"jax": 2.4}, flops, 10 * flops, memory or {}, 1, noisy, ["jax: broken"], barrier
    )


LSTM = {"bptt": [0.2, 0.1, 0.4], "torch.nn": [0.4, 0.3, 1.2], "onnxruntime": [0.1, 0.1, 0.1]}
PEEPHOLE = {
    "bptt": [0.2],
    "bptt lstm": [0.1],
    "torch loop": [0.9],
    "torch script": [0.8],
    "torchrecurrent": [2.0],
}
UPDATE = {"bptt": [0.002], "plain torch": [0.003], "bptt bf16": [0.001], "torch bf16": [0.004]}
WORDS = {
    "bptt": [0.4],
    "bptt adaptive": [0.1],
    "bptt sampled": [0.2],
    "plain torch": [0.8],
    "torch adaptive": [0.3],
}
LOSS = {"bptt": [0.002], "plain torch": [0.003], "torch, in chunks": [0.004]}
MEMORY = {"bptt": 2 * 2**20, "plain torch": 9 * 2**20, "torch, in chunks": 3 * 2**20}
REPORT = Report(
    "bptt bench",
    "2000-01-01",
    PLACE,
    [
        ProcessRun(
            2,
            False,
            [
                outcome("layers", "lstm", False, LSTM, flops=1e9, barrier=5e-8),
                outcome("layers", "lstm-peephole", True, PEEPHOLE, flops=3e9, noisy=True, barrier=6e-8),
                outcome("call", "lstm", False, {"bptt": [1e-5], "torch.nn": [9e-5]}, barrier=1.5e-7),
                outcome("training", "word model", True, UPDATE),
                outcome("loss", "word model", True, LOSS, MEMORY, flops=1e9),
                outcome("vocabulary", "50,000", True, WORDS),
            ],
        ),
        ProcessRun(
            2,
            True,
            [
                outcome("layers", "lstm", False, {"bptt": [0.2], "torch.nn": [0.3]}, flops=1e9),
                outcome("vocabulary", "50,000", True, {**WORDS, "plain torch": [0.5]}),
            ],
        ),
        ProcessRun(
            1, False, [outcome("streaming", "lstm", False, {"bptt": [2e-5], "torch.nn.LSTMCell": [8e-5]})]
        ),
    ],
)


def columns(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split("|"))


def table(title: str, header: str, row: str) -> ResultTable:
    return ResultTable(title, columns(header), (columns(row),))


def test_tables() -> None:
    assert tables(REPORT) == [
        table(
            "Layers, forward, 2 threads",
            "cell | T, B, I, H | bptt ms | GF/s | of peak | torch ms | by | torch / bptt | tuned"
            "| onnxruntime / bptt",
            "lstm | 10, 2, 3, 5 | 200 ± 75 | 5 | 50% | 400 ± 225 | torch.nn | 3.00 | 1.50 | 0.50",
        ),
        table(
            "Layers, forward and backward, 2 threads",
            "cell | T, B, I, H | bptt ms | GF/s | of peak | torch ms | by | torch / bptt"
            "| bptt / its lstm | torchrecurrent / bptt",
            "lstm-peephole ~ | 10, 2, 3, 5 | 200 ± 0 | 15 | 50% | 800 ± 0 | torch script | 4.00"
            "| 2.00 | 10.00",
        ),
        table(
            "The cost of a call, forward, 2 threads",
            "cell | T, B, I, H | bptt µs | torch µs | by | torch / bptt",
            "lstm | 10, 2, 3, 5 | 10.0 ± 0.0 | 90.0 ± 0.0 | torch.nn | 9.00",
        ),
        table(
            "A whole update, 2 threads",
            "model | T, B, D, H | bptt ms | tokens/s | torch ms | torch / bptt | bptt / its bf16"
            "| torch bf16 / bptt bf16",
            "word model | 10, 2, 3, 5 | 2.00 ± 0.00 | 10,000 | 3.00 ± 0.00 | 1.50 | 2.00 | 4.00",
        ),
        table(
            "Output layer and loss, forward and backward, 2 threads",
            "of the | bptt ms | of peak | torch ms | torch / bptt | in chunks / bptt"
            "| bptt MiB | torch MiB | in chunks MiB",
            "word model | 2.00 ± 0.00 | 5000% | 3.00 ± 0.00 | 1.50 | 2.00 | 2 | 9 | 3",
        ),
        table(
            "A whole update by the size of the vocabulary, 2 threads",
            "words | T, B, D, H | full ms | adaptive ms | sampled ms | torch full ms | torch adaptive ms"
            "| torch full / bptt full | torch full / bptt adaptive | torch full / bptt adaptive, tuned"
            "| torch adaptive / bptt adaptive | torch adaptive / bptt adaptive, tuned",
            "50,000 | 10, 2, 3, 5 | 400 ± 0 | 100 ± 0 | 200 ± 0 | 800 ± 0 | 300 ± 0"
            "| 2.00 | 8.00 | 5.00 | 3.00 | 3.00",
        ),
        table(
            "One step, 1 thread",
            "cell | T, B, I, H | bptt µs | torch µs | by | torch / bptt",
            "lstm | 10, 2, 3, 5 | 20.0 ± 0.0 | 80.0 ± 0.0 | torch.nn.LSTMCell | 4.00",
        ),
    ]


def test_notes() -> None:
    report = replace(REPORT, runs=[*REPORT.only("forward").runs, *REPORT.only("layers").runs])
    assert notes(report) == [
        "not installed: jax",
        "lstm 10, 2, 3, 5: jax: broken",
        "lstm-peephole 10, 2, 3, 5: jax: broken",
        "jax: up to 2 s to compile, not counted",
        # One that counts and one that does not, but for the noisy one, where the only one counts.
        "3 of 7 rounds rejected: other processes used the processor",
        "~ hardly a round was left, so all of them count",
    ]


def test_a_report_goes_through_json() -> None:
    runs = json.loads(REPORT.to_json())["runs"]
    for found, made in zip(runs, REPORT.runs, strict=True):
        assert [Measurement.from_dict(o) for o in found["outcomes"]] == made.outcomes


def test_a_page_keeps_what_others_wrote(tmp_path: Path) -> None:
    page = tmp_path / "speed.md"
    page.write_text(
        "# Speed\n\nBefore.\n\n<!-- bptt bench layers -->\nold\n<!-- end of bptt bench layers -->\n\nAfter.\n"
    )
    for _ in range(2):
        write_page(page, REPORT)
        text = page.read_text(encoding="utf-8")
        assert text.startswith("# Speed\n\nBefore.\n\n<!-- bptt bench layers -->\n2000-01-01, `bptt bench`")
        assert "\nold\n" not in text and "<!-- end of bptt bench layers -->\n\nAfter.\n" in text
        assert text.count("| lstm | 10, 2, 3, 5 | 200 ± 75 |") == 1
        assert "\npeak 400 GF/s on 2 threads; a barrier of two threads takes 60 ns (60 to 60): " in text
        titles = ("After.", "### Layers, forward, 2", "### The cost of a call", "### One step, 1 thread")
        places = [text.index(each) for each in (*titles, "### A whole update")]
        assert places == sorted(places)
    assert "(images/benchmark_layers.png)" in text
    assert (tmp_path / "images" / "benchmark_layers.png").read_bytes().startswith(b"\x89PNG")


def test_a_new_page_has_a_title(tmp_path: Path) -> None:
    write_page(tmp_path / "new.md", REPORT.only("training"))
    text = (tmp_path / "new.md").read_text(encoding="utf-8")
    assert text.startswith("# Benchmarks\n\n<!-- bptt bench training -->\n")


def test_a_report_names_the_regime() -> None:
    """The median of the times of a barrier decides: 50, 60 and 150 ns are near, and 150 alone is apart."""
    assert describe(REPORT)[-1] == (
        "peak 400 GF/s on 2 threads; a barrier of two threads takes 60 ns (50 to 150): their cores are near"
    )
    assert describe(REPORT.only("small"))[-1].endswith("takes 150 ns (150 to 150): their cores are apart")
    unknown = replace(REPORT.only("training"), environment=replace(PLACE, peak=0.0))
    assert len(describe(unknown)) == 2


def test_a_page_of_another_machine_is_named(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    write_page(page, REPORT)
    assert other_machines(page, PLACE) == [] == other_machines(tmp_path / "none.md", PLACE)
    # A peak within a quarter is the same processor; without a compiler its name decides.
    assert not any(other_machines(page, replace(PLACE, peak=rate)) for rate in (0.0, 3.3e11, 4.9e11))
    whole = ", ".join(SECTIONS)
    for other in (
        replace(PLACE, peak=5.1e11),
        replace(PLACE, processor="Slide rule"),
        replace(PLACE, cores=4),
    ):
        (line,) = other_machines(page, other)
        assert line.startswith(f"{page}: {whole} measured on Abacus, 2 cores, AVX512; this machine is ")
    write_page(page, replace(REPORT.only("small"), environment=replace(PLACE, processor="Slide rule")))
    (line,) = other_machines(page, PLACE)
    assert line.startswith(f"{page}: small measured on Slide rule, 2 cores, AVX512; this machine is Abacus")


def test_places_are_checked_before_anything_is_measured(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none" / "page.md"):
        with pytest.raises(InputError, match="output: must be a file in a folder that exists"):
            check_place("output", path)
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(InputError, match="output: must be a page of text"):
        read_page(tmp_path / "bytes")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "benchmark_layers.png").write_bytes(b"\x89PNG of somebody else")
    check_page(tmp_path / "page.md", {"small"})
    with pytest.raises(InputError, match="must be free, or an earlier output of bptt"):
        check_page(tmp_path / "page.md", {"small", "layers"})


# ---- the plan


def kinds(request: Request) -> set[str]:
    return {case.kind for case in request.cases}


def test_a_plan_of_everything() -> None:
    plain, tuned, single = choose("all", [], [], [2], 0, quick=False)
    assert [(r.threads, r.tuned, r.others, r.slow) for r in (plain, tuned, single)] == [
        (2, False, True, True),
        (2, True, False, True),
        (1, False, True, False),
    ]
    assert kinds(plain) == {
        *("layers", "ragged", "rows", "call", "streaming", "training", "loss", "vocabulary"),
    }
    assert {case.section for case in plain.cases} == set(SECTIONS)
    assert kinds(tuned) == kinds(plain) - {"streaming"}
    assert kinds(single) == {"streaming"}
    wanted = {Case("layers", c, s, training) for c in CELLS for s in SHAPES for training in (False, True)}
    assert wanted == {case for case in plain.cases if case.kind == "layers"}


def test_a_quick_plan_is_a_part_of_it() -> None:
    quick, full = choose("layers", [], [], [1], 0, quick=True), choose("layers", [], [], [1], 0, quick=False)
    assert [(r.tuned, r.slow) for r in quick] == [(False, False)]
    assert len(quick[0].cases) < len(full[0].cases) and quick[0].budget.rounds < full[0].budget.rounds


def test_few_rows_are_of_every_cell_one_of_torch_several() -> None:
    cases = choose("small", [], [], [2], 0, quick=False)[0].cases
    for cell in CELLS:
        batches = {c.shape[1] for c in cases if (c.kind, c.name) == ("rows", cell)}
        assert batches == ({1, 2, 4, 8} if cell in TORCH_CELLS else {1})
    calls = {(c.name, c.shape[:2], c.training) for c in cases if c.kind == "call"}
    assert calls == {(cell, (1, 1), training) for cell in TORCH_CELLS for training in (False, True)}


def test_vocabularies_that_the_memory_has_no_room_for(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(process_plan.os, "sysconf", {"SC_PHYS_PAGES": 10**6, "SC_PAGE_SIZE": 4096 * 2}.get)
    plain, _ = choose("vocabularies", [], [], [2], 0, quick=False)
    assert [case.name for case in plain.cases] == ["10,000", "50,000"]
    assert capfd.readouterr().err == "bptt: 200,000 words are left out: their models take 9 GiB\n"


def test_what_the_user_chooses() -> None:
    (plain, _) = choose("layers", ["lstm", "gru", "lstm"], ["3,2,4,5"], [1, 1], 7, quick=False)
    assert plain.budget.rounds == 7
    assert {(c.kind, c.name, c.shape) for c in plain.cases} == {
        ("layers", "lstm", (3, 2, 4, 5)),
        ("layers", "gru", (3, 2, 4, 5)),
        ("ragged", "lstm", (3, 2, 4, 5)),
    }
    assert all(case.training for case in plain.cases)
    (plain, _) = choose("forward", ["gru"], ["3,2,4,5"], [1], 7, quick=False)
    assert plain.cases == (Case("layers", "gru", (3, 2, 4, 5), False),)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["layers", "--shapes", "3,2,4"],
            "--shapes: a shape is four positive whole numbers T,B,I,H, got",
        ),
        (["layers", "--shapes", "3,2,4,0"], "--shapes: a shape is four"),
        (["layers", "--shapes", "3,2,4,x"], "--shapes: a shape is four"),
        (["layers", "--shapes", "1000000,100,4,4"], "--shapes: T·B·I and T·B·H are at most"),
        (["layers", "--cells", "lstn"], "--cells: is one of lstm, gru-torch"),
        (["streaming", "--shapes", "3,2,4,5"], "--shapes: are chosen for forward and layers, got"),
        (["training", "--cells", "lstm"], "--cells: are chosen for layers and steps"),
        (
            ["streaming", "--cells", "gru"],
            "--cells: for streaming, one of lstm, gru-torch",
        ),
        (["layers", "--threads", "0"], "--threads: is a whole number from 1 to"),
        (["layers", "--threads", "100000"], "--threads: is a whole number from 1 to"),
        (["layers", "--rounds", "-1"], "--rounds: is a whole number of at least 0"),
        (["layers", "-o", "none/page.md"], "--output: must be a file in a folder that exists"),
        (["layers", "--json", "none/raw.json"], "--json: must be a file in a folder that exists"),
    ],
)
def test_wrong_choices_are_named(command: Command, arguments: list[str], words: str) -> None:
    ended = command("bench", *arguments)
    assert ended.code == 2
    assert ended.err.startswith(f"bptt: {words}")


# ---- processes


def request(*cases: Case) -> Request:
    return Request(1, False, cases, Budget(1, 0.0), others=True, slow=False)


def test_a_request_goes_through_json() -> None:
    asked = request(Case("layers", "lstm", SHAPE, True))
    assert Request.from_json(asked.to_json()) == asked


def test_memory_is_tuned_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_MMAP_THRESHOLD_", "1")
    plain, tuned = (run._environment(replace(request(), tuned=tuned)) for tuned in (False, True))
    assert not any(name.startswith("MALLOC") for name in plain)
    assert set(tuned) - set(plain) == {"MALLOC_MMAP_MAX_", "MALLOC_TRIM_THRESHOLD_"}
    assert plain["OMP_NUM_THREADS"] == plain["NPROC"] == "1"


def test_a_process_that_fails_is_told_with_its_last_words() -> None:
    with pytest.raises(InternalError, match="expected a name of the catalogue, got 'lstn'"):
        carry_out([request(Case("layers", "lstn", SHAPE, True))], "bptt bench", lambda *_: None)


def test_peers_that_are_not_installed_are_named_and_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise AssertionError

    monkeypatch.setattr(worker.layer_contenders, "PEERS", (Peer("abacus", fail, installed=False),))
    asked = request(Case("layers", "lstm", SHAPE, False))
    assert worker.environment(asked).missing == ["abacus"]
    (found,) = worker.outcomes(asked)
    assert set(found.seconds) == {"bptt"} and not found.notes


def test_the_command(command: Command, tmp_path: Path) -> None:
    page, raw = tmp_path / "page.md", tmp_path / "raw.json"
    options = ["--cells", "elman-tanh", "--shapes", "3,2,4,5", "--threads", "1", "--rounds", "1"]
    machine = "2000-01-01\nAbacus, 1 cores, none; Linux"
    page.write_text(f"<!-- bptt bench layers -->\n{machine}\n<!-- end of bptt bench layers -->\n")
    ended = command("bench", "layers", *options, "-o", page, "--json", raw)
    assert ended.code == 0, ended.err
    assert (
        ended.err.count(f"bptt: warning: {page}: layers measured on Abacus, 1 cores, none; this machine") == 1
    )
    for title in ("Layers, forward and backward, 1 thread", "Lengths from 1 to T"):
        assert title in ended.out and f"### {title}" in page.read_text(encoding="utf-8")
    assert "torch / bptt" in ended.out and "tuned" in ended.out and "bptt bench layers --cells" in ended.out
    plain, tuned = json.loads(raw.read_text(encoding="utf-8"))["runs"]
    assert (plain["tuned"], tuned["tuned"]) == (False, True)
    for found in (*plain["outcomes"], *tuned["outcomes"]):
        assert {"bptt", "torch.nn"} <= set(found["seconds"])
        assert all(seconds > 0 for times in found["seconds"].values() for seconds in times)
