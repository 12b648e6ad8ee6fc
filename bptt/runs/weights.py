"""The weights of a run: safetensors, checked when they are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.runs.run_folder import CONFIG, write_bytes

_kind_of = deferred("bptt.files", "kind_of")

_DAMAGED = "The file is damaged: restore it, or train again"

# Names of tensors in files of version 0.1.0 -> their names now.
_RENAMED = {"output_weight": "output.weight", "output_bias": "output.bias"}


def write_weights(model: nn.Module, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Write the parameters and buffers as safetensors, with `metadata` in the header.

    Raises MachineError; then the file is as it was.
    """
    tensors = {name: tensor.contiguous() for name, tensor in model.state_dict().items()}
    write_bytes(path, save(tensors, dict(metadata or {})))


def read_weights(model: nn.Module, path: Path) -> dict[str, str]:
    """Put what `write_weights` wrote in the place of the tensors of `model`; returns the metadata.

    `model` may be on the device "meta" before, so that a wrong size takes no memory; it is on the CPU
    then. Raises InputError if the file is missing, damaged, or belongs to a model of another form.
    """
    tensors, metadata = _read_tensors(path)
    tensors = with_present_names(tensors)
    check_form(path, model.state_dict(), tensors)
    for name, tensor in tensors.items():
        if not tensor.isfinite().all():
            raise InputError(str(path), f"{name} must hold numbers", "NaN or infinity", _DAMAGED)
    # A copy, since results may depend on how memory is aligned: a new tensor is aligned.
    model.load_state_dict({name: tensor.clone() for name, tensor in tensors.items()}, assign=True)
    return metadata


def with_present_names(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a file under the names that they have now."""
    return {_RENAMED.get(name, name): tensor for name, tensor in tensors.items()}


def read_metadata(path: Path) -> dict[str, str]:
    """Return the metadata of a file of weights. Raises as `read_weights` does."""
    return _read_tensors(path)[1]


def count_weights(path: Path) -> int:
    """Return the number of tensors in a file of weights. Raises as `read_weights` does."""
    return len(_read_tensors(path)[0])


def _read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.is_file():
        cure = "Train until the first evaluation, or name another run"
        raise InputError(str(path), "must be a file", _kind_of(path) or "nothing", cure)
    try:
        with in_utf8(path) as name, safe_open(name, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, file.metadata() or {}
    except SafetensorError as error:
        raise InputError(str(path), "must be a safetensors file", error, _DAMAGED) from error


@contextmanager
def in_utf8(path: Path) -> Iterator[Path]:
    """Return the name of a file for safetensors, which takes names in UTF-8 only."""
    try:
        str(path).encode("utf-8")
    except UnicodeEncodeError:
        with TemporaryDirectory() as folder:
            link = Path(folder, "file")
            link.symlink_to(path.absolute())
            yield link
    else:
        yield path


def check_form(path: Path, wanted: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> None:
    """Raise InputError unless both have the same names, shapes and kinds of numbers."""
    for name in sorted(wanted.keys() | found.keys()):
        here, there = (_form(tensors.get(name)) for tensors in (wanted, found))
        if here != there:
            cure = f"These are the weights of another model than {CONFIG} describes"
            raise InputError(str(path), f"{name} must be {here}", there, cure)


def _form(tensor: Tensor | None) -> str:
    return "absent" if tensor is None else f"{tuple(tensor.shape)} {tensor.dtype}"
