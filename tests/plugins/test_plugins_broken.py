"""Packages that add something broken: an error that names the package, and all else goes on."""

from __future__ import annotations

from pathlib import Path

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


# By entry point group: the type that an object must have, and a command that asks for the name `bad`.
GROUPS = {
    "bptt.jobs": ("Job", ("train", "bad", "films.tsv", "-o", "run")),
    "bptt.heads": ("Head", ("train", "lm", "films.tsv", "-o", "run", "--output-layer", "bad")),
    "bptt.inputs": ("InputForms", ("train", "classify", "films.tsv", "-o", "run", "--input", "bad")),
    "bptt.backends": ("Backend", ("check", "lstm")),
}
# Objects that load, of the type that the group wants, under another name than that of the entry point.
OTHER_NAME = {
    "bptt.jobs": "from bptt.jobs.tag.job import JOB as BAD",
    "bptt.heads": "from bptt.models.heads.registry import Head\nBAD = Head('other', None)",
    "bptt.inputs": "from bptt.models.kinds.text import KIND as BAD",
    "bptt.backends": "from bptt.runtime.reference.reference_backend import REFERENCE as BAD",
}
FILMS = "text\tlabel\n" + "".join(f"fine film {n}\tgood\ndull film {n}\tbad\n" for n in range(20))


# By the way in which it is broken: the module of something of a group, and how it is answered.
WAYS = {
    "does not import": lambda group: BROKEN["does not import"],
    "is of another type": lambda group: ("BAD = 3", f"must be a {GROUPS[group][0]}, got int"),
    "has another name": lambda group: (OTHER_NAME[group], "must have the name of its entry point, got "),
}


@pytest.fixture(scope="module", params=WAYS)
def broken(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Installed]:
    """A way to be broken, and a place with a package for each group whose thing is."""
    installed = Installed(tmp_path_factory.mktemp("broken") / "site")
    for group in GROUPS:
        name = group.replace(".", "-")
        entry = {group: f"bad = {name.replace('-', '_')}:BAD"}
        installed.add(name, WAYS[request.param](group)[0], entry)
    return request.param, installed


def test_all_else_works_beside_what_is_broken(broken: tuple[str, Installed], tmp_path: Path) -> None:
    _, installed = broken
    (tmp_path / "films.tsv").write_text(FILMS, "utf-8")
    small = "--hidden 4 --layers 1 --epochs 1 --threads 1".split()
    train = "train", "classify", "films.tsv", "-o", "good", *small
    commands = ["train --help", "predict --help", "evaluate --help", "train tag --help", "cells lstm"]
    use = ["predict good film", "evaluate good films.tsv", "derive good"]
    installed.session([*map(str.split, commands), train, *map(str.split, use)], cwd=tmp_path)
    listed = installed.bptt("train", "--help")
    assert "classify" in succeeded(listed) and "bad" not in listed.stdout
    assert "bptt: left out: bptt.jobs: bad of bptt-jobs 1.0" in listed.stderr


@pytest.mark.parametrize("group", GROUPS)
def test_a_broken_thing_is_named_with_its_package(
    broken: tuple[str, Installed], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    how, installed = broken
    (tmp_path / "films.tsv").write_text(FILMS, "utf-8")
    if group == "bptt.backends":
        monkeypatch.setenv("BPTT_BACKEND", "bad")
    message = refused(installed.bptt(*GROUPS[group][1], cwd=tmp_path))
    got = WAYS[how](group)[1]
    assert f"{group}: bad of {group.replace('.', '-')} 1.0" in message and got in message


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
    good, lstm, _ = installed.session([("cells", "good"), ("derive", "lstm")], cwd=installed.place)
    assert "states   h" in good and "∇W_" in lstm


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
    assert sum(line.startswith("lstm: ") for line in succeeded(listed).splitlines()) == 1
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
# Torch, which a process has from its start here, reads metadata itself.
sys.modules.pop("importlib.metadata", None)
import bptt.cli.main
from bptt.derive import adjoint
adjoint(bptt.cells.load("lstm-layernorm"))
print("importlib.metadata" in sys.modules, "loud" in sys.modules)
"""
    assert succeeded(installed.python(code)) == "False False\n"
