"""Several processes: the same bits for any number of them, whatever kills or stops them on the way."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
import torch
from job_files import write_file
from ranks import SIGKILL, SIGTERM, run_ranks
from tiny_task import everything, same
from torch import Tensor

import bptt
from bptt.errors import BpttError, InputError
from bptt.jobs.group import WHOLE, groups_of
from bptt.runs.processes import Processes
from bptt.training.gradient_sum import GroupSums, News, Sums, sum_processes

SMALL = "--hidden 4 --epochs 2 --batch-size 8 --embedding 3 --length 10 --dropout 0.3 --groups 4".split()


class Threads(Processes):
    """Processes that are threads."""

    def __init__(self, rank: int, size: int, boxes: dict[tuple[int, int], Queue[Tensor]]) -> None:
        super().__init__(rank, size)
        object.__setattr__(self, "boxes", boxes)

    def exchange(self, partner: int, sent: Tensor, received: Tensor) -> Tensor:
        boxes: dict[tuple[int, int], Queue[Tensor]] = self.boxes  # type: ignore[attr-defined]
        boxes[self.rank, partner].put(sent.clone())
        return received.copy_(boxes[partner, self.rank].get(timeout=10))

    def gather(self, data: bytes) -> list[bytes]:
        boxes: dict[tuple[int, int], Queue[Any]] = self.boxes  # type: ignore[attr-defined]
        for other in range(self.size):
            boxes[self.rank, other].put(data)
        return [boxes[other, self.rank].get(timeout=10) for other in range(self.size)]

    def broadcast(self, data: bytes) -> bytes:
        return self.gather(data)[0]


def on_threads(size: int, work: Callable[[Processes], Any]) -> list[Any]:
    boxes = {(one, other): Queue[Tensor]() for one in range(size) for other in range(size)}
    results: list[Any] = [None] * size

    def run(rank: int) -> None:
        results[rank] = work(Threads(rank, size, boxes))

    threads = [threading.Thread(target=run, args=(rank,)) for rank in range(size)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def tree(values: Sequence[Tensor]) -> Tensor:
    """The sum of a power of two of tensors, halves first."""
    middle = len(values) // 2
    return values[0] if middle == 0 else tree(values[:middle]) + tree(values[middle:])


def rows_of(dense: Tensor, index: Sequence[int]) -> Tensor:
    places = torch.tensor([list(index)])
    return torch.sparse_coo_tensor(places, dense[list(index)], dense.shape, check_invariants=True).coalesce()


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_gradients_are_added_in_the_order_of_one_tree(size: int) -> None:
    groups = 8
    draw = torch.Generator().manual_seed(0)
    # Of magnitudes so different that another order gives other bits; 13 numbers, which no size divides.
    gradients = torch.randn(groups, 13, generator=draw) * torch.logspace(-4, 4, groups)[:, None]
    tables = torch.randn(groups, 6, 2, generator=draw) * torch.logspace(4, -4, groups)[:, None, None]
    touched = [[number % 3, 3 + number % 3] for number in range(groups)]
    likes = [torch.empty(13), torch.empty(6, 2), torch.empty(3), torch.empty(2)]
    losses = [0.1 * 3.0**number for number in range(groups)]

    def work(processes: Processes) -> tuple[Sums, News]:
        sums = GroupSums()
        for group in groups_of(groups, processes.rank, processes.size):
            number = group.number
            # The third parameter has a gradient in one group alone, the fourth in none.
            third = torch.full((3,), -0.0) if number == 5 else None
            rows = rows_of(tables[number], touched[number])
            sums.add(Sums(losses[number], number, [gradients[number].clone(), rows, third, None]))
        news = News(15 if processes.rank == size - 1 else 0, processes.rank == 0)
        return sum_processes(sums.total(), likes, news, processes, fast=False)

    whole = tree(list(gradients))
    assert not torch.equal(whole, gradients.sum(0))  # the order matters here
    masked = [torch.zeros(6, 2).index_copy_(0, torch.tensor(t), tables[n][t]) for n, t in enumerate(touched)]
    for sums, news in on_threads(size, work):
        first, rows, third, fourth = sums.gradients
        assert torch.equal(first, whole)
        assert rows is not None and torch.equal(rows.to_dense(), tree(masked))
        assert third is not None and torch.equal(third.signbit(), torch.ones(3, dtype=torch.bool))
        assert fourth is None
        assert sums.loss == float(tree([torch.tensor(loss, dtype=torch.float64) for loss in losses]))
        assert sums.units == sum(range(groups))
        assert news == News(15, True)


@pytest.mark.parametrize("rows", [0, 1, 3, 8, 13])
def test_each_row_is_in_one_group_in_order(rows: int) -> None:
    for size in (1, 2, 4):
        groups = [group for rank in range(size) for group in groups_of(4, rank, size)]
        assert [row for group in groups for row in range(rows)[group.cut(rows)]] == list(range(rows))
        assert rows == 0 or groups[0].cut(rows) != slice(0, 0)
    assert WHOLE.cut(rows) == slice(0, rows)


def test_the_parts_that_are_read_ahead_are_those_that_come() -> None:
    batches = [(0, [1, 2, 3, 4]), (1, [5]), (1, [6, 7, 8])]
    third, fourth = groups_of(4, 1, 2)
    assert list(third.following(batches)) == [(0, [3]), (0, [4]), (1, [8])]
    assert list(fourth.following(batches)) == [(0, [4]), (1, [8])]


def test_weights_are_the_same_on_one_process_and_two_and_after_a_kill_and_a_signal(tmp_path: Path) -> None:
    text = write_file("lm", tmp_path)

    def run(size: int, name: str, *more: str, **fault: int) -> dict[str, Any]:
        arguments = ["train", "lm", str(text), "-o", str(tmp_path / name), *more]
        return {"size": size, "arguments": arguments, "output": str(tmp_path / f"{name}-"), **fault}

    statuses = run_ranks(
        [
            run(1, "one", *SMALL),
            run(2, "cut", *SMALL, "--checkpoint-every", "0", signal=SIGKILL, rank=1, step=4),
            run(1, "cut", "--resume", signal=SIGTERM, rank=0, step=7),
            run(2, "cut", "--resume"),
        ]
    )
    assert statuses == [[0], [2, -SIGKILL], [128 + SIGTERM], [0, 0]]
    one, cut = (everything(tmp_path / name) for name in ("one", "cut"))
    assert cut["best"] == one["best"]
    assert same(cut["checkpoint"]["weights"], one["checkpoint"]["weights"])
    assert same(cut["checkpoint"]["optimiser"], one["checkpoint"]["optimiser"])
    assert same(cut["checkpoint"]["random"], one["checkpoint"]["random"])
    assert cut["records"] == one["records"]
    printed = {path.name: path.read_text(encoding="utf-8") for path in tmp_path.glob("*-[01]")}
    assert printed["cut-1"] == "" and "best held-out loss" in printed["cut-0"]


def test_rows_that_stay_in_their_file_give_the_same_weights_on_two_processes(tmp_path: Path) -> None:
    jobs = {"classify": ["--no-ngrams"], "translate": [], "tag": []}
    sizes = {"memory": {"size": 1}, "stored": {"size": 2, "large": 0}}
    plan = [
        {
            **size,
            "arguments": [
                *("train", job, str(write_file(job, tmp_path)), "-o", str(tmp_path / f"{job}-{name}")),
                *"--hidden 4 --epochs 2 --batch-size 8 --embedding 3 --groups 4".split(),
                *more,
            ],
            "output": str(tmp_path / f"{job}-{name}-"),
        }
        for job, more in jobs.items()
        for name, size in sizes.items()
    ]
    assert run_ranks(plan) == [[0], [0, 0]] * len(jobs)
    for job in jobs:
        memory, stored = (everything(tmp_path / f"{job}-{name}") for name in sizes)
        assert same(stored["checkpoint"]["weights"], memory["checkpoint"]["weights"])
        assert stored["best"] == memory["best"]
        assert "rows stay in the file" in (tmp_path / f"{job}-stored-0").read_text("utf-8")


def test_what_fails_in_one_process_is_raised_there_and_ends_the_others() -> None:
    def work(processes: Processes) -> str:
        def fail_in_second() -> int:
            if processes.rank:
                raise InputError("file", "must be the same everywhere", "another")
            return 3

        assert processes.of_first(lambda: {"a": [1, 2.5, None]}) == {"a": [1, 2.5, None]}
        try:
            return f"{processes.together(fail_in_second)}"
        except BpttError as error:
            return f"{type(error).__name__}: {error}"

    first, second = on_threads(2, work)
    assert first.startswith("ElsewhereError: process 1 of 2") and "must be the same everywhere" in first
    assert second == "InputError: file: must be the same everywhere, got another"


def test_what_processes_cannot_do_together_is_said_once(tmp_path: Path) -> None:
    text = write_file("lm", tmp_path)
    for rank, content in enumerate(("the cat sat\n", "the cow sat\n")):
        (tmp_path / f"own{rank}.txt").write_text(content * 20, "utf-8")
    (tmp_path / "first0.txt").write_text("the cat sat\n" * 20, "utf-8")
    asked = {
        "trains what process 0 trains, got another held_out.txt; source.names: ": (
            "train lm",
            "own{rank}.txt",
            SMALL,
        ),
        "first1.txt": ("train lm", "first{rank}.txt", SMALL),
        "bptt: --profile: measures": ("train lm", text.name, [*SMALL, "--profile"]),
        "bptt: --optimiser: gauss-newton needs": (
            "train lm",
            text.name,
            [*SMALL, "--optimiser", "gauss-newton"],
        ),
    }
    plan = [
        {
            "size": 2,
            "arguments": [*command.split(), str(tmp_path / data), "-o", str(tmp_path / f"run{n}"), *more],
            "output": str(tmp_path / f"said{n}-"),
        }
        for n, (command, data, more) in enumerate(asked.values())
    ]
    assert run_ranks(plan) == [[2, 2]] * len(plan)
    for n, rule in enumerate(asked):
        said = "".join((tmp_path / f"said{n}-{rank}").read_text("utf-8") for rank in range(2))
        assert rule in said and said.count("bptt: ") == 1, said


def test_tune_and_compare_are_for_one_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("RANK", 0), ("WORLD_SIZE", 2), ("MASTER_ADDR", "127.0.0.1"), ("MASTER_PORT", 1)):
        monkeypatch.setenv(name, str(value))
    text = write_file("lm", tmp_path)
    with pytest.raises(InputError, match="bptt tune: is done by one process, got 2 processes"):
        bptt.tune("lm", text, tmp_path / "tuned", progress=False)
    with pytest.raises(InputError, match="bptt compare: is done by one process, got 2 processes"):
        bptt.compare("adding", tmp_path / "compared")
    assert sorted(tmp_path.iterdir()) == [text]
