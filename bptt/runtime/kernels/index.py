"""The index of kernels: what deriving a cell has found once, so that a process that calls them need not.

An entry is a file of the cache. It is found by the definition of the cell, the dtype, and the content of all
code that makes kernels, so that another version of that code, or of a header, finds none.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptt.cells.cell import Cell
from bptt.cells.expression import Call, walk
from bptt.cells.functions import FUNCTIONS
from bptt.deferred import deferred
from bptt.errors import InternalError, MachineError
from bptt.files import cache_folder
from bptt.runtime.cache import read_whole, write_whole
from bptt.runtime.compiler import file_stem
from bptt.runtime.fingerprint import content, fingerprint

if TYPE_CHECKING:
    from bptt.codegen.kernel_source import KernelSource

_make: Callable[[Cell, str], tuple[KernelSource, CallLayout]] = deferred(
    "bptt.runtime.kernels.making", "make_kernel"
)

_PACKAGE = Path(__file__).parents[2]
# The folders of all code that the text of a kernel and its layout follow from.
_CODE = ("cells", "codegen", "codegen/cpp", "derive", "runtime/kernels")
# Code that is changed, or was loaded, before this point may not be the code that this process runs.
_IMPORTED, _LOADED_BEFORE = time.time(), "bptt.codegen" in sys.modules


# Of a sum that no result depends on, whose gradient is zero.
NO_COLUMN = -1


@dataclass(frozen=True)
class CallLayout:
    """The facts about a cell's kernels that a call of them needs.

    `letters` are the sizes in the order of the kernel, that of a single number first; `widths` gives each
    named value its letter. `outputs` is the output if it is no state. There are `deltas` columns of norms
    before those of the states, of which `sum_columns` are those of `sums`, where the input takes part.
    `unread` marks the families with a member that no equation's result depends on.
    """

    letters: tuple[str, ...]
    widths: tuple[tuple[str, str], ...]
    outputs: tuple[str, ...]
    deltas: int
    sums: tuple[str, ...]
    sum_columns: tuple[int, ...]
    unread: tuple[bool, ...]


@dataclass(frozen=True)
class KnownKernel:
    """The text of a kernel, known by its key `content`; it is made again where it has to be compiled."""

    cell: Cell
    kind: str
    name: str
    remark: str
    doors: tuple[str, ...]
    content: str

    @property
    def text(self) -> str:
        """The text. Raises InternalError if it is another than the index says."""
        made = self._made()
        if content(made) != self.content:
            raise InternalError(f"kernel {self.name}", "the index must belong to this version", self.content)
        return made.text

    @property
    def shared(self) -> KernelSource | None:
        """The file that it has in common with other kernels."""
        return self._made().shared

    def _made(self) -> KernelSource:
        return _make(self.cell, self.kind)[0]


def recall(cell: Cell, kind: str) -> tuple[KnownKernel, CallLayout] | None:
    """Return the kernels of a cell from the index; None if they are not there, or not as they were put."""
    path = _path(cell, kind)
    if path is None:
        return None
    try:
        found = json.loads(read_whole(path))
        layout: dict[str, Any] = {name: _frozen(value) for name, value in found["layout"].items()}
        known = KnownKernel(
            cell, kind, found["name"], found["remark"], tuple(found["doors"]), found["content"]
        )
        return known, CallLayout(**layout)
    except (OSError, MachineError, ValueError, LookupError, TypeError, AttributeError):
        return None


def remember(cell: Cell, kind: str, source: KernelSource, layout: CallLayout) -> None:
    """Put kernels into the index, if there is a cache, and the code is still that of this process."""
    path = _path(cell, kind)
    if path is None or _code.__wrapped__() != _code():
        return
    entry = {
        "name": source.name,
        "remark": source.remark,
        "doors": source.doors,
        "content": content(source),
        "layout": asdict(layout),
    }
    # A process that cannot write here derives the cell again.
    with suppress(OSError, MachineError):
        write_whole(path, json.dumps(entry).encode())


def _path(cell: Cell, kind: str) -> Path | None:
    """Return where the entry of a cell is; None if what its text follows from is not all known."""
    calls = (node for each in cell.equations for node in walk(each.expression) if isinstance(node, Call))
    # A function of an installed package is code that no key covers.
    if not _code() or any(call.function not in FUNCTIONS for call in calls):
        return None
    return (
        cache_folder() / f"{file_stem(f'{cell.name}-{kind}')}-{fingerprint(repr(cell), kind, _code())}.json"
    )


@cache
def _code() -> str:
    """Return the key of the code that makes kernels; "" if it may not be the code of this process."""
    paths = [p for part in _CODE for p in (_PACKAGE / part).iterdir() if p.suffix in (".py", ".pyc", ".h")]
    if _LOADED_BEFORE or not any(path.suffix == ".py" for path in paths):
        return ""
    key = sha256(sys.version.encode())
    for path in sorted(paths):
        if path.stat().st_mtime > _IMPORTED:
            return ""
        data = path.read_bytes()
        key.update(f"{path.name}\0{len(data)}\0".encode() + data)
    return key.hexdigest()


def _frozen(value: object) -> object:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
