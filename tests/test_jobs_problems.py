"""The adding problem as a job: its loss by hand, and what it can learn."""

from __future__ import annotations

import torch

from bptt.cells import get
from bptt.data.problems import adding
from bptt.jobs.classify.network import SequenceReader
from bptt.jobs.options import ExampleOptions
from bptt.jobs.problems.adding import AddingConfig, AddingTask
from bptt.models.codecs.codec import pad
from bptt.models.options import EncoderOptions


def make() -> AddingTask:
    torch.manual_seed(0)
    config = AddingConfig(get("gru"), EncoderOptions(8, bidirectional=False), ExampleOptions(batch_size=4))
    return AddingTask(adding(6, 20, 0), adding(6, 10, 1), config)


def test_the_loss_is_the_mean_squared_error_of_the_last_step() -> None:
    task, examples = make(), adding(6, 10, 1)
    found, body = [], task.model.body
    assert isinstance(body, SequenceReader)
    for series in examples.inputs:
        output, _ = body.encoder.recurrent(torch.from_numpy(series)[:, None])
        found.append(task.model.output(output[-1, 0]).item())
    errors = [(a - b) ** 2 for a, b in zip(found, examples.targets, strict=True)]
    close = torch.finfo(torch.float32).eps * 1000
    assert abs(task.evaluate()["loss"] - sum(errors) / 10) < close


def test_the_loss_of_a_batch_is_that_of_its_examples() -> None:
    task, examples = make(), adding(6, 20, 0)
    loss, count = task.loss([3, 0, 7])
    batch = pad([(torch.from_numpy(examples.inputs[row]),) for row in (3, 0, 7)])
    wanted = torch.tensor([examples.targets[row] for row in (3, 0, 7)])
    assert count == 3
    torch.testing.assert_close(loss, (task.answers(batch) - wanted).square().mean())


def test_two_numbers_in_two_steps_are_added_soon() -> None:
    torch.manual_seed(0)
    data = ExampleOptions(batch_size=50)
    task = AddingTask(
        adding(2, 500, 0),
        adding(2, 50, 1),
        AddingConfig(get("gru"), EncoderOptions(8, bidirectional=False), data),
    )
    optimiser = torch.optim.Adam(task.model.parameters(), 0.01)
    for epoch in range(15):
        for index in range(task.steps(epoch)):
            optimiser.zero_grad()
            task.step(epoch, index, ()).loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    assert task.evaluate()["loss"] < 0.1 / 6
