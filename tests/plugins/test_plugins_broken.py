"""Packages that add something broken: an error that names the package, and all else goes on."""

from __future__ import annotations

import pytest
from distributions import Installed, refused, succeeded

GOOD = "from bptt.cells import Cell\nGOOD = Cell.define('good', 'h = tanh(W_h @ x + h_prev)', states='h')\n"
BROKEN = {
    "does not import": ("import nothing_of_that_name", "ModuleNotFoundError: No module named"),
    "raises": ("raise ValueError('of its own')", "got ValueError: of its own"),
    "leaves": ("import sys; sys.exit(3)", "got SystemExit: 3"),
    "lacks the name": ("", "AttributeError"),
    "is of another type": ("BAD = 3", "must be a Cell, got int"),
    "breaks a rule": (
        "from bptt.cells import Cell\nBAD = Cell.define('bad', 'h = W_h @ y')",
        "got cell 'bad', equation 1: unknown name",
    ),
    "has another name": (
        "from bptt.cells import Cell\nBAD = Cell.define('other', 'h = W_h @ x')",
        "must have the name of its entry point, got 'other'",
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_cell_is_named_with_its_package(installed: Installed, how: str) -> None:
    module, got = BROKEN[how]
    installed.add("broken-cells", module, {"bptt.cells": "bad = broken_cells:BAD"})
    installed.add("good-cells", GOOD, {"bptt.cells": "good = good_cells:GOOD"})
    message = refused(installed.bptt("cells", "bad"))
    assert "bptt.cells: bad of broken-cells 1.0" in message and got in message
    listed = installed.bptt("cells")
    assert (
        "good: good" in succeeded(listed)
        and "bptt: left out: bptt.cells: bad of broken-cells 1.0" in listed.stderr
    )
    assert "states   h" in succeeded(installed.bptt("cells", "good"))
    succeeded(installed.bptt("derive", "lstm"))


def test_a_broken_function_is_named_with_its_package(installed: Installed) -> None:
    installed.add("broken-function", "BAD = 3", {"bptt.functions": "bad = broken_function:BAD"})
    cell = "from bptt.cells import Cell; Cell.define('own', 'h = bad(W_h @ x)')"
    code = f"import bptt\ntry:\n    {cell}\nexcept bptt.InputError as error:\n    print(error)"
    assert "bptt.functions: bad of broken-function 1.0" in succeeded(installed.python(code))


def test_a_damaged_list_of_entry_points_is_an_error_of_its_own(installed: Installed) -> None:
    installed.add("damaged", "", {"bptt.cells": "good = damaged:GOOD"})
    (listed,) = installed.place.glob("*/entry_points.txt")
    listed.write_bytes(b"[bptt.cells]\n\xff = damaged:GOOD\n")
    assert "must be readable" in refused(installed.bptt("cells", "good"))
    assert "i = sigmoid(" in succeeded(installed.bptt("cells", "lstm"))


def test_a_package_without_metadata_is_named_as_unknown(installed: Installed) -> None:
    installed.add("nameless", "BAD = 3", {"bptt.cells": "bad = nameless:BAD"})
    (metadata,) = installed.place.glob("*/METADATA")
    metadata.unlink()
    assert "bptt.cells: bad of an unknown package: " in refused(installed.bptt("cells", "bad"))


def test_what_bptt_has_cannot_be_replaced(installed: Installed) -> None:
    module = "from bptt.cells import Cell, define_function\nLSTM = Cell.define('lstm', 'h = W_h @ x')\n"
    module += "TANH = define_function('tanh', 'x', '1 + 0 * x')\n"
    groups = {"bptt.cells": "lstm = thief:LSTM", "bptt.functions": "tanh = thief:TANH"}
    installed.add("thief", module, groups)
    assert "i = sigmoid(" in succeeded(installed.bptt("cells", "lstm"))
    listed = installed.bptt("cells")
    assert "a package cannot replace what bptt has, got lstm" in listed.stderr
    assert succeeded(listed).count("lstm: ") == 1
    assert "gradients of elman-tanh agree" in succeeded(installed.bptt("check", "elman-tanh"))


def test_a_name_of_two_packages_is_refused(installed: Installed) -> None:
    for name in ("first", "second"):
        installed.add(name, GOOD, {"bptt.cells": f"good = {name}:GOOD"})
    message = refused(installed.bptt("cells", "good"))
    assert "a name comes from one package, got first 1.0 and second 1.0" in message


def test_nothing_is_read_before_a_name_asks_for_it(installed: Installed) -> None:
    """The start of the command line does without, and so does all that this package has itself."""
    installed.add(
        "loud", "print('loaded')", {"bptt.cells": "loud = loud:X", "bptt.functions": "noisy = loud:X"}
    )
    code = """
import sys
import bptt.cli.main
from bptt.derive import adjoint
adjoint(bptt.cells.load("lstm-layernorm"))
print("importlib.metadata" in sys.modules, "loud" in sys.modules)
"""
    assert succeeded(installed.python(code)) == "False False\n"
