"""The public names of the package: listed once, typed by a stub, loaded when first used."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest
from stub import PACKAGES, path_of, stub
from test_rooms import ROOMS

import bptt

NAMES = [(module, name) for module, names in bptt.PUBLIC.items() for name in names.split()]
WITHIN = [
    (package, module, name)
    for package in PACKAGES[1:]
    for module, names in import_module(package).PUBLIC.items()
    for name in names.split()
]


@pytest.mark.parametrize("package", PACKAGES)
def test_the_stub_is_that_of_the_list(package: str) -> None:
    assert path_of(package).read_text("utf-8") == stub(package), "run `python tests/stub.py`"


@pytest.mark.parametrize(("package", "module", "name"), WITHIN)
def test_a_name_of_a_package_is_what_its_module_holds(package: str, module: str, name: str) -> None:
    found = getattr(import_module(package), name)
    assert found is getattr(import_module(module), name)
    assert module.split(".")[1] in ROOMS[package.split(".")[1]].rooms | {package.split(".")[1]}
    # Not hidden by a module of its name.
    assert not isinstance(found, ModuleType)


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_a_name_is_what_its_module_holds(module: str, name: str) -> None:
    found = getattr(bptt, name)
    if module == "bptt":
        assert isinstance(found, ModuleType) and found is import_module(f"bptt.{name}")
    else:
        assert found is getattr(import_module(module), name)
        assert pickle.loads(pickle.dumps(found)) is found


@pytest.mark.parametrize(("module", "name"), NAMES)
def test_names_come_from_rooms_that_the_plan_allows(module: str, name: str) -> None:
    """The list is text, which the test of the rooms does not read."""
    room = name if module == "bptt" else module.split(".")[1]
    assert room in ROOMS["__init__"].rooms


def test_the_list_holds_each_name_once() -> None:
    names = [name for _, name in NAMES]
    assert len(names) == len({*names})
    assert {*names, "__version__"} <= {*dir(bptt)} and dir(bptt) == sorted(dir(bptt))


@pytest.mark.parametrize("package", PACKAGES)
def test_an_unknown_name_of_a_package_is_an_attribute_error(package: str) -> None:
    with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Lstm'"):
        _ = import_module(package).Lstm
    names = {name for names in import_module(package).PUBLIC.values() for name in names.split()}
    assert names <= {*dir(import_module(package))}


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="module 'bptt' has no attribute 'Lstm'"):
        _ = bptt.Lstm  # type: ignore[attr-defined]
    with pytest.raises(ImportError, match="cannot import name 'Lstm'"):
        exec("from bptt import Lstm")


@pytest.mark.parametrize("name", ["Cell", "inspect", "nn"])
def test_a_name_is_imported_into_an_empty_process(name: str) -> None:
    """No name depends on what was imported before it."""
    code = f"from bptt import {name}; import bptt; assert bptt.{name} is {name}"
    subprocess.run([sys.executable, "-c", code], check=True)
