"""The preparation that was asked for: its files, and the vocabulary that is learned or taken."""

from __future__ import annotations

import glob
import json
from collections.abc import Iterator
from dataclasses import fields, replace
from pathlib import Path

from bptt.data.levels import saved_tokenizer
from bptt.data.prepared.preparation import Preparation
from bptt.data.prepared.token_files import find_token_files, unknown_form
from bptt.data.prepared.token_manifest import TOKENIZER, is_prepared, read_manifest
from bptt.data.reading import encoding_of, in_encoding, read_bytes
from bptt.data.vocabulary_options import END, SPECIAL, UNKNOWN, VocabularyOptions
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
    tokens = find_token_files(files.files)
    found = Preparation(
        () if tokens else tuple(each for path in files.files for each in _files_of(path)),
        files.output,
        vocabulary_options(choices),
        chosen.held_out,
        chosen.column,
        workers=chosen.workers or workers,
        tokens=tokens,
    )
    if not found.files and not tokens:
        raise InputError("files", "must be named", "none")
    if unknown := [path for path in found.files if path.suffix == ".bin" and path.exists()]:
        raise unknown_form(unknown[0])
    if tokens:
        _check_tokens(found, chosen, choices)
    return found if chosen.vocabulary is None else _with_vocabulary(found, chosen.vocabulary, choices)


def _check_tokens(found: Preparation, chosen: PrepareOptions, choices: Choices) -> None:
    """Raise InputError unless the options are those of files of tokens."""
    if chosen.vocabulary is None:
        cure = "Name a run, a folder of tokens or a tokenizer.json; meta.pkl is not read, as it can run code"
        rule = f"must be named, since {found.tokens[0].path.name} holds numbers alone"
        raise InputError("vocabulary", rule, cure=cure)
    if chosen.column is not None:
        raise InputError("column", "is of texts, not of files of tokens", cure="Leave it out")
    if choices.has("held_out") and (held := [each.path for each in found.tokens if each.held_out]):
        raise InputError("held_out", f"is decided by {held[0]}", cure="Leave it out")


def _with_vocabulary(found: Preparation, folder: Path, choices: Choices) -> Preparation:
    if folder.is_file():
        data = read_bytes(folder)
        _check_tokenizer(folder, data, found.options)
        return replace(found, tokenizer=data)
    given = [each.name for each in fields(VocabularyOptions) if choices.has(each.name)]
    if given:
        raise InputError(given[0], f"is that of the vocabulary in {folder}", cure="Leave it out")
    options = read_manifest(folder).vocabulary if is_prepared(folder) else _read_config(folder)[0].vocabulary
    return replace(found, options=options, tokenizer=read_bytes(folder / TOKENIZER))


def _check_tokenizer(path: Path, data: bytes, options: VocabularyOptions) -> None:
    """Raise InputError unless a tokenizer.json has the special tokens, and cuts a text as the options say."""
    cure = "Name one that bptt wrote, or prepare the texts themselves"
    try:
        known = saved_tokenizer(data.decode("utf-8"), options)
        content, own = json.loads(data), json.loads(known.to_str())
        kind = content["model"].get("type", own["model"]["type"])
    except Exception as error:  # tokenizers raises nothing more precise
        raise InputError(str(path), "must be a tokenizer", error, cure) from error
    numbers, first = known.get_vocab(), (known.id_to_token(UNKNOWN), known.id_to_token(END))
    if first != SPECIAL or len(set(numbers.values())) < len(numbers):
        special = f"{SPECIAL[UNKNOWN]} {UNKNOWN} and {SPECIAL[END]}, the end of a line, {END}"
        rule = f"must number {special}, and no two tokens alike"
        raise InputError(str(path), rule, " and ".join(map(str, first)), cure)
    differing = [key for key in ("normalizer", "pre_tokenizer", "decoder") if content.get(key) != own[key]]
    if differing or kind != own["model"]["type"]:
        rule = f"must cut a text as the options of the vocabulary say (`level` {options.level})"
        cure = "Name the options that it was learned with, or the run that it is of"
        raise InputError(str(path), rule, f"another {(*differing, 'model')[0]}", cure)


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
