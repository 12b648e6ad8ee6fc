"""The kinds of input by name: ours, each imported when it is asked for, and those of installed packages."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from bptt.data.readers.forms import forms_of
from bptt.deferred import deferred, imported
from bptt.errors import InputError
from bptt.models.kinds.kind import CodecOptions, InputKind

if TYPE_CHECKING:
    from bptt.models.codecs.codec import Codec
    from bptt.runs.origin import Origin

_origin = deferred("bptt.runs.origin", "Origin")

_OURS: Mapping[str, str] = {
    "text": "bptt.models.kinds.text",
    "dna": "bptt.models.kinds.dna",
    "series": "bptt.models.kinds.series",
    "table": "bptt.models.kinds.table",
    "sound": "bptt.models.kinds.sound",
    "clips": "bptt.models.kinds.clips",
    "skeleton": "bptt.models.kinds.skeleton",
}


def find_kind(name: str) -> InputKind:
    """Return the kind of input of this name. Raises InputError if there is none."""
    found = imported(_OURS[name], "KIND") if name in _OURS else forms_of(name)
    if not isinstance(found, InputKind):
        raise InputError(f"bptt.inputs: {name}", "must be an InputKind", type(found).__name__)
    return found


def new_codec(
    kind: str, inputs: Sequence[Any], options: CodecOptions, vectors: Path | None = None
) -> Codec[Any]:
    """Return a codec learned from `inputs`; `vectors` is a file of word vectors for the words of texts.

    Raises InputError for vectors of another kind of inputs.
    """
    found = find_kind(kind)
    if vectors is None:
        return found.new(inputs, options)
    if found.vectors is None:
        raise InputError("vectors", "are of the words of texts", kind, "Leave out `vectors`")
    return found.vectors(inputs, options, vectors)


def continued_codec(
    origin: Origin[Codec[Any]], kind: str, inputs: Sequence[Any], options: CodecOptions
) -> Codec[Any]:
    """Return the codec of a run that begins from another: its vocabulary, mean and deviation are those there.

    Raises InputError if that run reads no texts while these are some.
    """
    found = find_kind(kind)
    return (
        found.saved(Path(), options) if found.continued is None else found.continued(origin, inputs, options)
    )


def saved_codec(run: Path, kind: str, options: CodecOptions) -> Codec[Any]:
    """Return the codec of a run folder. Raises InputError if a file of it is missing or damaged."""
    return find_kind(kind).saved(run, options)


def codec_of(origin: Origin[Any]) -> Origin[Codec[Any]]:
    """Return the codec of the model that a run begins from."""
    codec: Origin[Codec[Any]] = _origin(origin.name, origin.trained.codec, origin.grow)
    return codec


def part_rows(model: nn.Module, codec: Codec[Any]) -> dict[str, tuple[Sequence[Hashable], ...]]:
    """Return what the rows of the tensors of a network stand for that belong to its input part."""
    found = {f".part.{name}": rows for name, rows in codec.rows().items()}
    names = [name for name, _ in model.named_parameters()]
    return {name: (rows,) for end, rows in found.items() for name in names if name.endswith(end)}
