"""A wheel carries the kernels of the catalogue, of the losses and of the beam search, compiled.

Without a compiler it is one for every platform. An editable installation compiles nothing: its kernels
are compiled when first used.
"""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# The package is not installed yet where its wheel is built.
sys.path.insert(0, str(ROOT))

from bptt.cells.catalogue import CATALOGUE  # noqa: E402
from bptt.codegen.cpp import ctc_loss, linear_loss, prefix_beam  # noqa: E402
from bptt.codegen.cpp.emit import REALS, source  # noqa: E402
from bptt.codegen.plan import plan  # noqa: E402
from bptt.errors import MachineError  # noqa: E402
from bptt.runtime import compiler, prebuilt  # noqa: E402
from bptt.runtime.notice import say  # noqa: E402


@cache
def working_compiler() -> compiler.Compiler | MachineError:
    """The compiler of this machine, or why there is none."""
    try:
        found = compiler.find()
        found.accepted()
    except MachineError as error:
        return error
    return found


class BuildPy(build_py):
    """The package as files, and its kernels."""

    def run(self) -> None:
        """Copy the package; compile, unless it is to be used where it lies."""
        super().run()
        if self.editable_mode:
            return
        found = working_compiler()
        if isinstance(found, MachineError):
            say(f"bptt: a wheel without kernels, which are then compiled when first used. {found}")
            return
        sources = [source(plan(cell), dtype) for cell in CATALOGUE.values() for dtype in REALS]
        sources += [loss.source(dtype) for loss in (linear_loss, ctc_loss) for dtype in REALS]
        sources.append(prefix_beam.SOURCE)
        prebuilt.build(sources, found, Path(self.build_lib) / prebuilt.FOLDER.relative_to(ROOT))


class Wheel(bdist_wheel):
    """A wheel for any Python 3: kernels are called through ctypes."""

    def get_tag(self) -> tuple[str, str, str]:
        """Python, ABI, platform."""
        return ("py3", "none", super().get_tag()[2])


class Package(Distribution):
    """A package of one platform where it has kernels."""

    def has_ext_modules(self) -> bool:
        """Decides the folder and the platform of the wheel."""
        return not isinstance(working_compiler(), MachineError)


setup(distclass=Package, cmdclass={"build_py": BuildPy, "bdist_wheel": Wheel})
