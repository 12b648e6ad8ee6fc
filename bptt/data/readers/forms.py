"""All forms that labelled examples come in, by name: ours, and those of installed packages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain

from bptt.data.forms.form import Classified as Classified
from bptt.data.forms.form import ExampleForm, InputForms, Sign
from bptt.data.readers.document import Document
from bptt.data.readers.grid import NOTHING_NAMED, Columns
from bptt.data.readers.sources import Source as Source
from bptt.data.readers.sources import document_of as document_of
from bptt.data.readers.sources import is_typed as is_typed
from bptt.data.readers.sources import read_grid as read_grid
from bptt.data.readers.sources import read_rows as read_rows
from bptt.deferred import deferred, imported
from bptt.errors import InputError
from bptt.plugins import INPUTS, find_all

# Most examples have no groups and no parts.
_apply_naming = deferred("bptt.data.naming", "apply_naming")

# The name of a kind of input.
Kind = str

# The module of each of our kinds, imported when a name asks for it.
_OURS = {
    "text": "bptt.data.forms.text",
    "dna": "bptt.data.forms.dna",
    "series": "bptt.data.forms.series",
    "table": "bptt.data.forms.table",
    "sound": "bptt.data.forms.sound",
    "clips": "bptt.data.forms.clips",
    "skeleton": "bptt.data.forms.skeleton",
}


@dataclass(frozen=True)
class Detected:
    """The name of a form in `FORMS`, and what in a file says so."""

    form: str
    reason: str

    @property
    def kind(self) -> Kind:
        """The kind of the inputs."""
        return FORMS[self.form].kind


class _Forms(Mapping[str, ExampleForm]):
    """Forms by name. Installed packages are asked only when a name is none of ours, or for all names."""

    def __getitem__(self, name: str) -> ExampleForm:
        for each in chain(_ours(), _added()):
            if name in _by_name(each):
                return _by_name(each)[name]
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (name for each in chain(_ours(), _added()) for name in _by_name(each))

    def __len__(self) -> int:
        return sum(1 for _ in self)


FORMS: Mapping[str, ExampleForm] = _Forms()


def forms_of(kind: Kind) -> InputForms:
    """Return the forms of a kind of input. Raises InputError if there is no such kind."""
    if kind in _OURS:
        return _of(kind)
    for each in _added():
        if each.name == kind:
            return each
    names = ", ".join((*_OURS, *(each.name for each in _added())))
    raise InputError("input", f"the kind of the inputs is one of {names}", repr(kind))


def signs() -> list[tuple[ExampleForm, Sign]]:
    """Return the signs of all forms in the order in which they are asked."""
    found = [(form, sign) for each in chain(_ours(), _added()) for form in each.forms for sign in form.signs]
    return sorted(found, key=lambda pair: pair[1].turn)


def read_examples(source: Source, form: str, columns: Columns) -> Classified:
    """Read the examples of a source in the form of this name in `FORMS`.

    Raises InputError naming the fault.
    """
    check_form("input", form)
    found = FORMS[form].read(source, columns)
    if columns.naming != NOTHING_NAMED:
        where = source.name if isinstance(source, Document) else str(source)
        found = _apply_naming(columns.naming, found, where, columns.labelled)
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
def _by_name(kind: InputForms) -> Mapping[str, ExampleForm]:
    return {form.name: form for form in kind.forms}


def _ours() -> Iterator[InputForms]:
    """Yield our kinds in order, each imported when it is its turn."""
    return map(_of, _OURS)


def _of(kind: Kind) -> InputForms:
    found: InputForms = imported(_OURS[kind], "FORMS")
    return found


def _added() -> Iterator[InputForms]:
    """Yield the kinds that installed packages add; one that is broken is left out."""
    yield from _installed()[0].values()


@cache
def _installed() -> tuple[Mapping[str, InputForms], tuple[InputError, ...]]:
    # Kinds of input are records of a room above, which extends `InputForms`.
    return find_all(INPUTS, InputForms, list(_OURS))
