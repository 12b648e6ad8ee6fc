"""The text of a cell's kernels as a module of Python, which Triton compiles when a kernel is first called."""

from __future__ import annotations

import sys
from functools import lru_cache
from hashlib import sha256
from importlib.abc import InspectLoader
from importlib.machinery import ModuleSpec
from importlib.util import module_from_spec
from types import CodeType, ModuleType

from bptt.cells.caching import KEPT
from bptt.cells.cell import Cell
from bptt.codegen.plan import plan
from bptt.codegen.triton.kernel_text import TritonText, triton_text


class _Text(InspectLoader):
    """Loads a text. Triton asks for the source of a function, which `inspect` gets from the loader."""

    def __init__(self, text: str) -> None:
        self._text = text

    def get_source(self, fullname: str) -> str:
        return self._text

    def get_code(self, fullname: str) -> CodeType:
        # A name in angle brackets would have no source.
        return self.source_to_code(self._text, f"{fullname}.py")


@lru_cache(maxsize=2 * KEPT)
def kernels_of(cell: Cell, resident: bool) -> tuple[ModuleType, TritonText]:
    """Return the module of a cell's kernels, and what it was made from.

    Raises InputError if the cell calls a function of a package that Triton has no text of; ImportError if
    Triton is not installed.
    """
    written = triton_text(plan(cell), resident)
    name = f"bptt_triton_{sha256(written.text.encode()).hexdigest()[:16]}"
    spec = ModuleSpec(name, _Text(written.text))
    module = module_from_spec(spec)
    sys.modules[name] = module
    assert spec.loader is not None
    spec.loader.exec_module(module)
    return module, written
