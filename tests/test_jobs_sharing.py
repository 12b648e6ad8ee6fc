"""An evaluation that several processes share comes to the numbers of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from job_files import data_of
from test_training_processes import on_threads

from bptt.errors import BpttError, MachineError
from bptt.jobs.registry import find_job
from bptt.jobs.sharing import WorkSharing
from bptt.jobs.task import Task
from bptt.models.codecs.codec import Padded
from bptt.options.choices import Choices
from bptt.runs.processes import Processes
from bptt.training.grouped import sharing_of
from bptt.training.options import TrainingOptions
from bptt.training.run_options import options_of

JOBS = ("lm", "classify", "tag", "mark", "translate", "regress", "forecast", "music", "transcribe")


def begin(job: str, data: Path, more: dict[str, Any]) -> Task:
    record = find_job(job)
    known = options_of(record.options)
    files = next(each.name for each in known.of("") if each.about.argument)
    small = {"hidden_size": 6, "num_layers": 1, "batch_size": 2, "held_out": 0.4, "threads": 1}
    given = {**small, **more, files: data, "output": data.parent / "run"}
    torch.manual_seed(0)
    return record.begin(Choices.read(known, given), None)


def evaluate(task: Task, processes: Processes) -> tuple[dict[str, float], int, dict[str, torch.Tensor]]:
    """The metrics, the calls of modules in this process, and the buffers afterwards."""
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    hooks = [each.register_forward_hook(count) for each in task.model.modules()]
    task.sharing = sharing_of(processes, TrainingOptions(groups=4))
    found = processes.agreed(task.evaluate)
    for hook in hooks:
        hook.remove()
    return found, calls, dict(task.model.named_buffers())


@pytest.mark.parametrize("job", JOBS)
def test_metrics_are_the_same_on_any_number_of_processes(job: str, tmp_path: Path) -> None:
    data = data_of(job, tmp_path)
    more = {}
    if job == "lm":
        # Streams for three of four groups, and more steps than processes take before they meet.
        data.write_text(data.read_text("utf-8") * 20, "utf-8")
        more = {"batch_size": 4, "sequence_length": 10}

    def on(size: int) -> list[Any]:
        tasks = [begin(job, data, more) for _ in range(size)]
        return on_threads(size, lambda processes: evaluate(tasks[processes.rank], processes))

    alone = begin(job, data, more).evaluate()
    (whole,) = on(1)
    # The mean of a group is a float32, as that of a batch is.
    assert whole[0] == pytest.approx(alone, rel=1e-6 if job == "lm" else 0, abs=0)
    for metrics, calls, buffers in on(2):
        assert metrics == whole[0]
        assert 0 < calls < whole[1]
        assert buffers.keys() == whole[2].keys()
        assert all(torch.equal(each, whole[2][name]) for name, each in buffers.items())


@pytest.mark.parametrize("size", [1, 2, 3])
def test_processes_meet_after_each_batch(size: int) -> None:
    inputs = [(torch.full((2, 1), float(number)),) for number in range(7)]

    def work(processes: Processes) -> tuple[Any, Any, str]:
        plain, done = sharing_of(processes, TrainingOptions()), ""

        def gather(task: Any) -> Any:
            nonlocal done
            found = plain.gather(task)
            done += "|"
            return found

        def answer(rows: list[int], batch: Padded) -> list[float]:
            nonlocal done
            done += "b"
            return [float(each) for each in batch.tensors[0][0, :, 0]]

        sharing = WorkSharing(plain.rank, plain.size, 1, gather)
        return list(sharing.answered(inputs, 2, answer)), sharing.divided(5, lambda n: n * n), done

    for answered, divided, done in on_threads(size, work):
        assert answered == [([0, 1], [0, 1]), ([2, 3], [2, 3]), ([4, 5], [4, 5]), ([6], [6])]
        assert divided == [0, 1, 4, 9, 16]
        assert "bb" not in done and done.count("|") == -(-4 // size) + -(-5 // size)


def test_an_error_in_one_batch_is_raised_there_and_ends_the_others() -> None:
    inputs = [(torch.zeros(1, 1),) for _ in range(6)]

    def work(processes: Processes) -> str:
        def answer(rows: list[int], batch: Padded) -> None:
            if rows == [3]:
                raise MemoryError

        sharing = sharing_of(processes, TrainingOptions())
        try:
            processes.agreed(lambda: list(sharing.answered(inputs, 1, answer)))
        except BpttError as error:
            return f"{type(error).__name__}: {error}"
        return ""

    first, second = on_threads(2, work)
    assert first.startswith("ElsewhereError: process 1 of 2") and "a batch" in first
    assert second.startswith(f"{MachineError.__name__}: a batch")
