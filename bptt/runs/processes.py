"""Processes that train one model together, as `torchrun` starts them: what they say to each other."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed

from bptt.errors import BpttError, InputError, MachineError
from bptt.runs.placement import Placement

# Variables of torch's method env://, set by torchrun and other launchers.
_NAMES = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")

_CPU = torch.device("cpu")

Result = TypeVar("Result")


class ElsewhereError(MachineError):
    """Another process failed, and says why."""


@dataclass(frozen=True)
class Processes:
    """Process `rank` of `size`, whose tensors are on `device`.

    Every method but `exchange` is called by all processes at the same point, and returns without a word where
    there is one only. Raises MachineError if a process cannot be reached within the time that was given to
    `joined`.
    """

    rank: int = 0
    size: int = 1
    device: torch.device = _CPU

    @classmethod
    def of(cls, placement: Placement) -> Processes:
        """Return the processes that share the work of a placement."""
        return cls(placement.rank, placement.world_size, placement.device)

    @property
    def is_first(self) -> bool:
        """Whether this is the process that prints, writes and decides."""
        return self.rank == 0

    @property
    def is_power_of_two(self) -> bool:
        """Whether there are 1, 2, 4, 8 ... processes."""
        return self.size & (self.size - 1) == 0

    def together(self, work: Callable[[], Result]) -> Result:
        """Do `work` in every process and return what it returns in this one.

        If it raises a BpttError anywhere, the first process in which it does raises it, the others
        ElsewhereError. `work` may call this again.
        """
        if self.size == 1:
            return work()
        fault: BpttError | None = None
        inner: ElsewhereError | None = None
        try:
            result = work()
        except ElsewhereError as error:
            inner = error
        except BpttError as error:
            fault = error
        faults = [json.loads(each) for each in self.gather(json.dumps(fault and str(fault)).encode())]
        failed = next((rank for rank, each in enumerate(faults) if each is not None), None)
        if inner is not None:
            raise inner
        if failed is None:
            return result
        if fault is not None and failed == self.rank:
            raise fault
        raise ElsewhereError(f"process {failed} of {self.size}", "must not fail", faults[failed])

    def of_first(self, work: Callable[[], Any]) -> Any:
        """Do `work` in the first process alone; return what JSON keeps of its result in every process.

        Raises as `together` does.
        """
        return self.agreed(work if self.is_first else lambda: None)

    def agreed(self, work: Callable[[], Any]) -> Any:
        """Do `work` in every process, and return what JSON keeps of the result of the first one.

        So processes decide alike, should their machines differ in a last digit. Raises as `together` does.
        """
        found = self.together(work)
        return found if self.size == 1 else json.loads(self.broadcast(json.dumps(found).encode()))

    def broadcast(self, data: bytes) -> bytes:
        """Return the `data` of the first process."""
        if self.size == 1:
            return data
        with self._reached():
            size = torch.tensor([len(data)])
            distributed.broadcast(size, 0)
            whole = _as_tensor(data) if self.is_first else torch.empty(int(size), dtype=torch.uint8)
            distributed.broadcast(whole, 0)
        return whole.numpy().tobytes()

    def gather(self, data: bytes) -> list[bytes]:
        """Return the `data` of every process, in their order."""
        if self.size == 1:
            return [data]
        with self._reached():
            sizes = [torch.empty(1, dtype=torch.int64) for _ in range(self.size)]
            distributed.all_gather(sizes, torch.tensor([len(data)]))
            longest = int(max(sizes))
            padded = _as_tensor(data + bytes(longest - len(data)))
            parts = [torch.empty_like(padded) for _ in range(self.size)]
            distributed.all_gather(parts, padded)
        return [part.numpy().tobytes()[: int(size)] for part, size in zip(parts, sizes, strict=True)]

    def exchange(self, partner: int, sent: Tensor, received: Tensor) -> Tensor:
        """Send a tensor to a partner, which sends one at the same time; return `received`, filled with it."""
        with self._reached():
            pair = [
                distributed.P2POp(distributed.isend, sent, partner),
                distributed.P2POp(distributed.irecv, received, partner),
            ]
            for each in distributed.batch_isend_irecv(pair):
                each.wait()
        return received

    def gather_tensors(self, tensor: Tensor) -> Tensor:
        """Return the tensors of all processes, of one shape, behind each other in the first dimension."""
        parts = [torch.empty_like(tensor) for _ in range(self.size)]
        with self._reached():
            distributed.all_gather(parts, tensor)
        return torch.cat(parts)

    def sum_any_order(self, tensor: Tensor) -> Tensor:
        """Add up the tensors of all processes in place, in the order that the library takes."""
        if self.size > 1:
            with self._reached():
                distributed.all_reduce(tensor)
        return tensor

    def largest(self, tensor: Tensor) -> Tensor:
        """Replace each number by the largest of all processes."""
        if self.size > 1:
            with self._reached():
                distributed.all_reduce(tensor, distributed.ReduceOp.MAX)
        return tensor

    @contextmanager
    def _reached(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            where, rule = f"process {self.rank} of {self.size}", "must reach the other processes"
            said = str(error).splitlines()[0] if str(error) else type(error).__name__
            cure = "If one of them says why it ended, begin there; then repeat the command with `resume`"
            raise MachineError(where, rule, said, cure) from error


def is_first() -> bool:
    """Return whether this process was started alone, or is the first of several."""
    return os.environ.get("RANK", "0") == "0" or not _is_by_torchrun()


def check_alone(command: str) -> None:
    """Raise InputError if `torchrun` has started several processes for a command that one process does."""
    size = _started()
    if size > 1:
        cure = "Start it without `torchrun`, which is for `bptt train`"
        raise InputError(command, "is done by one process", f"{size} processes", cure)


@contextmanager
def joined(device: str, timeout: float) -> Iterator[Placement]:
    """Join the processes that `torchrun` has started, if it has; yield the place of this one.

    They talk by gloo, on cuda by nccl; there each has the device of its number on its machine. A process that
    waits `timeout` seconds for another gives up. Processes that the caller has joined already are used, and
    kept. Raises InputError for a device that several processes cannot use or that this machine lacks,
    MachineError if the others cannot be reached.
    """
    if distributed.is_available() and distributed.is_initialized():
        rank, size = distributed.get_rank(), distributed.get_world_size()
        yield _placed(Placement.parse(device), rank, size)
        return
    size = _started()
    if size == 1:
        yield Placement.parse(device)
        return
    rank = _number("RANK")
    placement = _placed(Placement.parse(device), rank, size)
    with Processes.of(placement)._reached():
        distributed.init_process_group(
            "cpu:gloo,cuda:nccl" if placement.device.type == "cuda" else "gloo",
            timeout=timedelta(seconds=timeout),
        )
    try:
        yield placement
    finally:
        distributed.destroy_process_group()


def _placed(placement: Placement, rank: int, size: int) -> Placement:
    device = placement.device
    if size > 1 and (device.type not in ("cpu", "cuda") or device.index is not None):
        rule = "several processes compute on cpu, or each on the cuda device of its own number"
        raise InputError("device", rule, str(device), "Give cpu or cuda")
    if size > 1 and device.type == "cuda":
        device = torch.device("cuda", _number("LOCAL_RANK") if "LOCAL_RANK" in os.environ else rank)
        torch.cuda.set_device(Placement(device).device)
    return Placement(device, rank, size)


def _is_by_torchrun() -> bool:
    return all(name in os.environ for name in _NAMES)


def _started() -> int:
    """Return how many processes `torchrun` has started, 1 if it has not."""
    return _number("WORLD_SIZE") if _is_by_torchrun() else 1


def _number(name: str) -> int:
    value = os.environ[name]
    if not (value.isascii() and value.isdigit() and len(value) < 7):
        raise InputError(name, "is a whole number, as torchrun sets it", repr(value))
    return int(value)


def _as_tensor(data: bytes) -> Tensor:
    return torch.frombuffer(bytearray(data or b"\0"), dtype=torch.uint8)[: len(data)]
