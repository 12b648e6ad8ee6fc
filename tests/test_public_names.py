"""The public names of the package: listed once, typed by a stub, loaded when first used."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib import import_module
from types import ModuleType

import pytest
from stub import PATH, stub
from test_rooms import ROOMS

import bptt

NAMES = [(module, name) for module, names in bptt.PUBLIC.items() for name in names.split()]


def test_the_stub_is_that_of_the_list() -> None:
    assert PATH.read_text("utf-8") == stub(), "run `python tests/stub.py`"


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
