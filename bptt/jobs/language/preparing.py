"""The preparation that was asked for: its files, and the vocabulary that is learned or taken."""

from __future__ import annotations

import glob
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

from bptt.data.prepared.preparation import Preparation
from bptt.data.prepared.token_manifest import TOKENIZER, is_prepared, read_manifest
from bptt.data.reading import encoding_of, in_encoding, read_bytes
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.jobs.language.prepare_options import PrepareFiles, PrepareOptions
from bptt.models.tokens import vocabulary_options
from bptt.options.choices import Choices

# Without a run, nothing here needs torch, whose import takes more memory than the pieces.
_read_config = deferred("bptt.jobs.language.config", "read_language_config")


def preparation_of(choices: Choices, workers: int) -> Preparation:
    """Return the preparation for the chosen options. Raises InputError for files that do not exist, or
    options of a vocabulary beside one that is taken.
    """
    files, chosen = choices.make(PrepareFiles), choices.make(PrepareOptions)
    found = Preparation(
        tuple(each for path in files.files for each in _files_of(path)),
        files.output,
        vocabulary_options(choices),
        chosen.held_out,
        chosen.column,
        workers=chosen.workers or workers,
    )
    if not found.files:
        raise InputError("files", "must be named", "none")
    return found if chosen.vocabulary is None else _with_vocabulary(found, chosen.vocabulary, choices)


def _with_vocabulary(found: Preparation, folder: Path, choices: Choices) -> Preparation:
    given = [each.name for each in fields(VocabularyOptions) if choices.has(each.name)]
    if given:
        raise InputError(given[0], f"is that of the vocabulary in {folder}", cure="Leave it out")
    options = read_manifest(folder).vocabulary if is_prepared(folder) else _read_config(folder)[0].vocabulary
    return replace(found, options=options, tokenizer=read_bytes(folder / TOKENIZER))


def _files_of(path: Path) -> Iterator[Path]:
    """Yield a file; the files in a folder, or those of a pattern, in the order of their names."""
    if path.is_dir():
        inside = sorted(each for each in path.rglob("*") if each.is_file())
        found = [each for each in inside if not _is_hidden(each, path)]
        if not found:
            raise InputError(str(path), "must hold files of text", "none")
        yield from found
    elif not path.exists() and glob.has_magic(str(path)):
        names = sorted(glob.glob(str(path), recursive=True))
        if not names:
            raise InputError(str(path), "must be the pattern of files that exist", "none")
        yield from (each for name in names for each in _files_of(in_encoding(Path(name), encoding_of(path))))
    else:
        yield path


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)
