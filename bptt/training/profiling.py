"""A training measured part by part: the time of layers, input, optimiser and files, and the memory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from bptt.files import MARK, to_json, write_output
from bptt.jobs.group import WHOLE, Group
from bptt.jobs.task import Step, Task
from bptt.runs.placement import Placement
from bptt.runs.spans import SpanRecorder, recording
from bptt.training.options import TrainingOptions
from bptt.training.profile_record import TrainingProfile, UpdateMemory
from bptt.training.profile_table import profile_table

RECORD = "profile.json"
UPDATE, BACKWARD, EVALUATION = "update", "backward", "evaluation"
# The first updates compile kernels and take memory from the system.
_WARM_UP = 3
# The numbers that an optimiser keeps of each weight.
_KEPT = {"adam": 2, "adamw": 2, "adagrad": 1}


class Profiling:
    """Measures the training of a task while it is entered.

    The first three updates are left out. Weights, gradients and random states are what they are without it.
    The time of hooks and of the clock, some microseconds for each part, counts for the parts.
    """

    def __init__(self, task: Task, options: TrainingOptions, placement: Placement) -> None:
        self._task, self._options = task, options
        on_gpu = placement.device.type == "cuda"
        self._recorder = SpanRecorder(torch.cuda.synchronize if on_gpu else lambda: None)
        self._handles: list[RemovableHandle] = []
        self._updates, self._saved, self._units = 0, 0, 0
        self._step, self._evaluate = task.step, task.evaluate

    def __enter__(self) -> None:
        for name, part in _parts(self._task.model):
            self._handles.append(part.register_forward_pre_hook(self._begin(name)))
            self._handles.append(part.register_forward_hook(self._end(name)))
        self._task.step = self._counted  # type: ignore[method-assign]
        self._task.evaluate = self._evaluated  # type: ignore[method-assign]
        self._recording = recording(self._recorder)
        self._recording.__enter__()
        self._recorder.begin("training")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.end(0)
        self._recording.__exit__(kind, error, trace)
        for handle in self._handles:
            handle.remove()
        del self._task.step, self._task.evaluate

    def conclude(self, run: Path) -> list[str]:
        """Write profile.json into the run folder, and return the table as lines."""
        if self._updates <= _WARM_UP:
            return [f"profile: nothing is measured before update {_WARM_UP + 1}"]
        count = sum(p.numel() for p in self._task.model.parameters() if p.requires_grad)
        memory = UpdateMemory(count, _KEPT.get(self._options.optimiser, 0), self._saved, self._units)
        spans = {"/".join(path): seconds for path, seconds in self._recorder.seconds.items()}
        profile = TrainingProfile(self._task.title, self._updates - _WARM_UP, spans, memory)
        found = {"by": MARK, **profile.to_dict()}
        write_output(run / RECORD, (to_json(found, indent=1) + "\n").encode("utf-8", "backslashreplace"))
        return ["\t".join(row) for row in profile_table(profile)]

    def _counted(self, epoch: int, index: int, carry: tuple[Tensor, ...], group: Group = WHOLE) -> Step:
        """Compute a step; the last one that is left out shows what is saved for the backward pass."""
        self._updates += 1
        if self._updates == _WARM_UP + 1:
            self._recorder.restart()
        if self._updates != _WARM_UP:
            return self._step(epoch, index, carry, group)
        seen: dict[int, int] = {}
        weights = {p.untyped_storage().data_ptr() for p in self._task.model.parameters()}

        def pack(tensor: Tensor) -> Tensor:
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in weights:
                seen[storage.data_ptr()] = storage.nbytes()
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            step = self._step(epoch, index, carry, group)
        self._saved, self._units = sum(seen.values()), step.units
        return step

    def _evaluated(self) -> dict[str, float]:
        depth = len(self._recorder.path)
        self._recorder.begin(EVALUATION)
        try:
            return self._evaluate()
        finally:
            self._recorder.end(depth)

    def _begin(self, name: str) -> Callable[..., None]:
        def hook(part: nn.Module, given: Any) -> None:
            if UPDATE in self._recorder.path:
                self._recorder.begin(name)

        return hook

    def _end(self, name: str) -> Callable[..., None]:
        def hook(part: nn.Module, given: Any, result: Any) -> None:
            path = self._recorder.path
            if path and path[-1] == name:
                self._recorder.end(len(path) - 1)
                # Tensors that are handed on unchanged, as by dropout of nothing, belong to the part before.
                before = _tensors(given)
                own = [each for each in _tensors(result) if not any(each is one for one in before)]
                for tensor in filter(_has_gradient, own):
                    tensor.register_hook(self._backward_begins(name))  # type: ignore[no-untyped-call]

        return hook

    def _backward_begins(self, name: str) -> Callable[[Tensor], None]:
        """Return a hook: once the gradient of an output of a part is there, the time belongs to the part."""

        def hook(gradient: Tensor) -> None:
            path = self._recorder.path
            if BACKWARD in path:
                self._recorder.switch(name, path.index(BACKWARD) + 1)

        return hook


def _parts(model: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the layers: modules without others inside, by their names."""
    return [(name, module) for name, module in model.named_modules() if name and not [*module.children()]]


def _tensors(result: Any) -> list[Tensor]:
    if isinstance(result, Tensor):
        return [result]
    return [each for item in result for each in _tensors(item)] if isinstance(result, tuple | list) else []


def _has_gradient(tensor: Tensor) -> bool:
    return tensor.requires_grad
