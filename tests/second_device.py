"""A second device for machines that have none: tensors there are computed by the CPU, and kept apart.

The device is called "meta", a name that every build of torch knows. As with a real one, an operation of
tensors on both devices is an error, but for numbers without dimensions, indices, and copies. As Metal's, it
has no float64.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor
from torch.optim import optimizer
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from bptt.runs import placement
from bptt.runtime import doubles

SECOND, CPU = torch.device("meta"), torch.device("cpu")
_ATEN = torch.ops.aten
_COPIES = {_ATEN._to_copy.default, _ATEN.copy_.default}
_INDEXED = {_ATEN.index.Tensor, _ATEN.index_put.default, _ATEN.index_put_.default}


class SecondDevice:
    """The memory that is on the second device."""

    def __init__(self) -> None:
        # Held, so that no other memory gets the identity of one.
        self._storages: dict[int, torch.UntypedStorage] = {}
        self.operations = 0

    def has(self, value: object) -> bool:
        """Whether a value is a tensor on the second device."""
        with torch._C.DisableTorchFunction():
            return isinstance(value, Tensor) and value.untyped_storage()._cdata in self._storages

    def take(self, value: object) -> None:
        """Put a tensor on the second device."""
        if isinstance(value, Tensor):
            assert value.dtype != torch.float64, "the second device has no float64"
            with torch._C.DisableTorchFunction():
                storage = value.untyped_storage()
                self._storages[storage._cdata] = storage


class _Functions(TorchFunctionMode):
    """What Python asks: a tensor for its device, or to be moved."""

    def __init__(self, second: SecondDevice) -> None:
        super().__init__()
        self.second, self.inside = second, [False]

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        there = any(map(self.second.has, tree_leaves((args, kwargs))))
        if func == Tensor.device.__get__:  # type: ignore[attr-defined]
            return SECOND if there else CPU
        if func is Tensor.cpu or (func is Tensor.to and there):
            return self._moved(func, args, kwargs)
        if func is torch.tensor and kwargs.get("device") == SECOND:
            # Made by torch out of sight of the operations.
            found = func(*args, **{**kwargs, "device": CPU})
            self.second.take(found)
            return found
        self.inside.append(there)
        try:
            return func(*args, **kwargs)
        finally:
            self.inside.pop()

    def _moved(self, func: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
        tensor, *rest = args
        devices = [d for d in (*rest, kwargs.get("device")) if isinstance(d, torch.device | str)]
        devices += [SECOND if self.second.has(t) else CPU for t in rest if isinstance(t, Tensor)]
        target = CPU if func is Tensor.cpu else torch.device(devices[0]) if devices else None
        dtypes = [t.dtype if isinstance(t, Tensor) else t for t in (*rest, kwargs.get("dtype"))]
        dtype = next((d for d in dtypes if isinstance(d, torch.dtype)), tensor.dtype)
        target = target or (SECOND if self.second.has(tensor) else CPU)
        stays = (target.type == SECOND.type) == self.second.has(tensor) and dtype == tensor.dtype
        if stays and not kwargs.get("copy"):
            return tensor
        moved: Tensor = _ATEN._to_copy.default(tensor, device=target, dtype=dtype)
        return moved


class _Operations(TorchDispatchMode):
    """The operations: their arguments are on one device, and their results there too."""

    def __init__(self, second: SecondDevice, functions: _Functions) -> None:
        super().__init__()
        self.second, self.functions = second, functions

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        asked = kwargs.get("device")
        if asked is not None:
            kwargs["device"] = CPU
        tensors = [t for t in tree_leaves((args, kwargs)) if isinstance(t, Tensor)]
        there = [self.second.has(t) for t in tensors]
        if func in _INDEXED:
            there = there[:1]
        elif func not in _COPIES:
            apart = [t.shape for t, far in zip(tensors, there, strict=True) if not far and t.dim()]
            assert not (any(there) and apart), f"{func}: {apart} on the CPU, others on the second device"
        with torch._C.DisableTorchFunction():
            found = func(*args, **kwargs)
        if asked is not None and func in _COPIES:
            goes = torch.device(asked).type == SECOND.type
        elif tensors:
            goes = any(there)
        else:
            goes = self.functions.inside[-1] or (asked is not None and torch.device(asked) == SECOND)
        if goes:
            self.second.operations += 1
            for each in tree_leaves(found):
                self.second.take(each)
        return found


@contextmanager
def second_device() -> Iterator[SecondDevice]:
    """A second device, `SECOND`, for what is done inside."""
    second = SecondDevice()
    functions = _Functions(second)
    fused = patch.object(optimizer, "_get_fused_kernels_supported_devices", lambda: ["cpu", SECOND.type])
    without = frozenset({SECOND.type})
    narrow = patch.object(doubles, "WITHOUT", without), patch.object(placement, "WITHOUT_FLOAT64", without)
    with fused, narrow[0], narrow[1], _Operations(second, functions), functions:
        yield second
