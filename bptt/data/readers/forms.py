"""All forms that labelled examples come in, by name: ours, and those of installed packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from bptt.data.forms import dna, series, table, text
from bptt.data.forms.form import Classified as Classified
from bptt.data.forms.form import ExampleForm, InputForms, Sign
from bptt.data.readers.grid import Columns
from bptt.data.readers.sources import Source as Source
from bptt.data.readers.sources import document_of as document_of
from bptt.data.readers.sources import is_typed as is_typed
from bptt.data.readers.sources import read_grid as read_grid
from bptt.errors import InputError
from bptt.plugins import INPUTS, find_all

# The name of a kind of input.
Kind = str

_OURS = (text.FORMS, dna.FORMS, series.FORMS, table.FORMS)


class _Forms(Mapping[str, ExampleForm]):
    """Forms by name. Installed packages are asked only when a name is none of ours, or for all names."""

    def __getitem__(self, name: str) -> ExampleForm:
        found = _by_name(_OURS).get(name) or _by_name(_added()).get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter((*_by_name(_OURS), *_by_name(_added())))

    def __len__(self) -> int:
        return len(_by_name(_OURS)) + len(_by_name(_added()))


FORMS: Mapping[str, ExampleForm] = _Forms()


def forms_of(kind: Kind) -> InputForms:
    """Return the forms of a kind of input. Raises InputError if there is no such kind."""
    for each in _OURS:
        if each.name == kind:
            return each
    for each in _added():
        if each.name == kind:
            return each
    names = ", ".join(each.name for each in (*_OURS, *_added()))
    raise InputError("input", f"the kind of the inputs is one of {names}", repr(kind))


def signs() -> list[tuple[ExampleForm, Sign]]:
    """Return the signs of all forms in the order in which they are asked."""
    found = [(form, sign) for each in (*_OURS, *_added()) for form in each.forms for sign in form.signs]
    return sorted(found, key=lambda pair: pair[1].turn)


def read_examples(source: Source, form: str, columns: Columns) -> Classified:
    """Read the examples of a source in the form of this name in `FORMS`.

    Raises InputError naming the fault.
    """
    check_form("input", form)
    found = FORMS[form].read(source, columns)
    if found.has_targets or found.unlabelled:
        return found
    return replace(found, unlabelled=FORMS[form].unlabelled)


def check_form(option: str, form: str) -> None:
    """Raise InputError, naming the option, unless there is a form of this name."""
    if form in FORMS:
        return
    for broken in _installed()[1]:
        # Its package may be the one that has this form.
        raise broken
    raise InputError(option, f"is one of {', '.join(FORMS)}", repr(form))


@cache
def _by_name(kinds: tuple[InputForms, ...]) -> Mapping[str, ExampleForm]:
    return {form.name: form for each in kinds for form in each.forms}


def _added() -> tuple[InputForms, ...]:
    """Return the kinds that installed packages add; one that is broken is left out."""
    return tuple(_installed()[0].values())


@cache
def _installed() -> tuple[Mapping[str, InputForms], tuple[InputError, ...]]:
    # Kinds of input are records of a room above, which extends `InputForms`.
    return find_all(INPUTS, InputForms, [each.name for each in _OURS])
