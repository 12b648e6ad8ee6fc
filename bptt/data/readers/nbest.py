"""N-best lists of Kaldi, ESPnet, HyPoradise and RNNLM, and references."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

from bptt.data.json_text import parse_json
from bptt.data.nbest import NBest, ScoredHypothesis, Utterance
from bptt.data.readers.delimited import even_rows
from bptt.data.readers.document import Document, read_document
from bptt.data.readers.grid import Columns
from bptt.data.readers.headers import holds_names
from bptt.data.readers.numbers import is_number
from bptt.errors import InputError

# A hypothesis by utterance and rank.
Ranked = Mapping[tuple[str, int], ScoredHypothesis]

_ESPNET = re.compile(r"([0-9]{1,9})best_recog")
_KALDI = re.compile(r"(.+)-([0-9]{1,9})")
_TENSOR = re.compile(r"tensor\((.*?)(?:, [^)]*)?\)")
_FORMS = (
    "must be n-best lists of Kaldi (utt-1 WORDS), HyPoradise (JSON), RNNLM (utt WORDS) or a folder of ESPnet"
)
_CURE = "Scores come from `costs` (Kaldi), am_score (HyPoradise) or ESPnet"
# A number, perhaps printed as a tensor; the bound keeps the search for its end short.
_LONGEST_SCORE = 100
_IN_COLUMNS = "Write a line for each hypothesis: the utterance, a space, its words; and no header"
_TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz")
_NO_SCORES = "no scores: each hypothesis has the score 0"


def read_nbest(path: Path, costs: Sequence[Document] = ()) -> NBest:
    """Read the lists of a file or folder, in the form that `detect_nbest` finds; with `costs`, which belong
    to no other, in that of Kaldi.
    """
    form = "kaldi" if costs else detect_nbest(path)
    if form == "espnet":
        return read_espnet(path)
    document = read_document(path)
    if form == "hyporadise":
        return read_hyporadise(document)
    return read_rnnlm(document) if form == "rnnlm" else read_kaldi(document, costs)


def detect_nbest(path: Path) -> str:
    """Detect the form of n-best lists: "espnet" for a folder; "hyporadise" for a JSON list; else "kaldi" if
    each line begins with a key that occurs once and ends in a rank (utt-1); else "rnnlm", lines of an
    utterance and its words. Raises InputError, with the form that was found, for any other, such as a CSV.
    """
    if path.is_dir():
        return "espnet"
    document = read_document(path)
    if document.text.lstrip().startswith("["):
        return "hyporadise"
    if document.text.lstrip().startswith("{"):
        raise InputError(f"{path}:1", _FORMS, "JSON objects, which are no list", "Put [ ] around them")
    lines = [(place, line) for place, line in document.numbered() if line.strip()]
    keys = [line.split(maxsplit=1)[0] for _, line in lines]
    _check_is_no_table(document, keys[:1])
    if all(_KALDI.fullmatch(key) for key in keys) and len(set(keys)) == len(keys):
        return "kaldi"
    _check_rnnlm(lines, keys)
    return "rnnlm"


def _check_is_no_table(document: Document, first_key: Sequence[str]) -> None:
    """Raise InputError for columns: by the name of the file, a header, or a separator in the first key."""
    rows = even_rows(document)
    if not rows:
        return
    joined = any(mark in key for key in first_key for mark in ",;")
    if joined or document.name.lower().endswith(_TABLES) or holds_names(rows, Columns(), ()):
        came = f"{len(rows[0])} columns: {', '.join(rows[0])}"
        raise InputError(f"{document.name}:1", _FORMS, came[:80], _IN_COLUMNS)


def _check_rnnlm(lines: Sequence[tuple[str, str]], keys: Sequence[str]) -> None:
    """Raise InputError with the line that is not an utterance and words behind those of the same one."""
    seen: set[str] = set()
    for (place, line), key, before in zip(lines, keys, ["", *keys[:-1]], strict=True):
        if "|||" in line:
            raise InputError(place, _FORMS, "|||, as in the lists of Moses", _CURE)
        if line.strip().count("\t") > 1:
            raise InputError(place, _FORMS, f"{line.strip().count(chr(9)) + 1} columns between tabs", _CURE)
        if key != before and key in seen:
            raise InputError(place, "hypotheses of an utterance follow each other", f"{key} again", _CURE)
        seen.add(key)
    words = [line.split(maxsplit=2)[1:2] for _, line in lines]
    if all(word and is_number(word[0]) for word in words):
        raise InputError(lines[0][0], _FORMS, f"a number behind each key, such as {words[0][0]}", _CURE)


def read_archive(document: Document) -> dict[str, tuple[str, str]]:
    """Read a Kaldi text archive: lines of `key value`, as key to (value, place).

    References are such a file, with the words of utterances. Raises InputError for a key that
    occurs twice.
    """
    found: dict[str, tuple[str, str]] = {}
    for place, line in document.numbered():
        if not line.strip():
            continue
        key, *value = line.strip().split(maxsplit=1)
        if key in found:
            raise InputError(place, "each key occurs once", f"{key}, also at {found[key][1]}")
        found[key] = "".join(value), place
    return found


def read_references(document: Document) -> dict[str, str]:
    """Return the words of each utterance, from a Kaldi file `text`."""
    return {key: value for key, (value, _) in read_archive(document).items()}


def read_kaldi(words: Document, costs: Sequence[Document]) -> NBest:
    """Read archives of Kaldi: `utt-N` with the words of hypothesis N in one, its cost in each of `costs`.

    A cost is a negative natural logarithm; the score is minus the sum of them, 0 without any. Raises
    InputError naming the line for a key without a rank or without a cost.
    """
    tables = [read_archive(document) for document in costs]
    found = {}
    for key, (text, place) in read_archive(words).items():
        match = _KALDI.fullmatch(key)
        if match is None:
            raise InputError(place, "a key must end in the rank of its hypothesis, as in utt-1", key)
        score = 0.0
        for document, table in zip(costs, tables, strict=True):
            score -= _number(*_value(table, key, place, document.name))
        if (match[1], int(match[2])) in found:
            raise InputError(
                place, f"{match[1]} has one hypothesis of rank {int(match[2])}", f"a second, {key}"
            )
        found[match[1], int(match[2])] = ScoredHypothesis(text, score)
    return _ranked(words.name, found, () if costs else (_NO_SCORES,))


def read_espnet(folder: Path) -> NBest:
    """Read the folders `Nbest_recog` anywhere in `folder`, which may be split over `logdir/output.*`.

    In each, `text` and `score` have a line a key, the utterance; a score is the sum of natural
    logarithms and may be printed as tensor(-7.1). Raises InputError naming the line of a text without a
    score, and of an utterance that occurs twice at one rank.
    """
    found: dict[tuple[str, int], ScoredHypothesis] = {}
    for part in sorted(path for path in folder.rglob("*best_recog") if _ESPNET.fullmatch(path.name)):
        rank = int(part.name.removesuffix("best_recog"))
        scores = read_archive(read_document(part / "score"))
        for key, (text, place) in read_archive(read_document(part / "text")).items():
            if (key, rank) in found:
                raise InputError(place, f"{key} must occur once among the {part.name}", "a second time")
            value = _value(scores, key, place, str(part / "score"))
            found[key, rank] = ScoredHypothesis(text, _number(*value))
    if not found:
        raise InputError(str(folder), "must hold folders Nbest_recog, as ESPnet writes them", "none")
    return _ranked(str(folder), found, ())


def read_hyporadise(document: Document) -> NBest:
    """Read a JSON list of {"input": [texts], "output": reference, "am_score": [scores], "id": name}.

    Without "am_score" the scores are 0; without "id" the name is the number in the list, from 0. A file may
    hold scores per token, which weigh differently from sums: it does not say so. Raises InputError
    naming the entry.
    """
    entries = parse_json(document.text, document.name, "must be a JSON list")
    if not isinstance(entries, list):
        raise InputError(document.name, "must be a JSON list", type(entries).__name__)
    found = tuple(_entry(entry, i, document.name) for i, entry in enumerate(entries, 1))
    scored = any(each.score for utterance in found for each in utterance.hypotheses)
    return NBest(document.name, found, () if scored else (_NO_SCORES,))


def read_rnnlm(document: Document) -> NBest:
    """Read lines of `utterance words`, the hypotheses of an utterance one after the other, without scores."""
    texts: defaultdict[str, list[str]] = defaultdict(list)
    for line in document.lines:
        if line.strip():
            key, *text = line.strip().split(maxsplit=1)
            texts[key].append("".join(text))
    found = tuple(
        Utterance(key, tuple(ScoredHypothesis(text, 0.0) for text in each)) for key, each in texts.items()
    )
    return NBest(document.name, found, (_NO_SCORES,))


def _entry(entry: Any, index: int, name: str) -> Utterance:
    """Return the utterance of an entry, `index` counting from 1."""
    where = f"{name}: entry {index}"
    if not isinstance(entry, dict):
        raise InputError(where, "must be an object", type(entry).__name__)
    texts, reference = entry.get("input"), entry.get("output")
    if not isinstance(texts, list) or not texts or not all(isinstance(text, str) for text in texts):
        raise InputError(where, '"input" must be a list of texts', repr(texts)[:60])
    if not isinstance(reference, str | None):
        raise InputError(where, '"output" must be a text', repr(reference)[:60])
    scores = entry.get("am_score", [0.0] * len(texts))
    if not isinstance(scores, list) or len(scores) != len(texts):
        raise InputError(where, f'"am_score" must be a list of {len(texts)} numbers', repr(scores)[:60])
    pairs = zip(texts, scores, strict=True)
    hypotheses = tuple(ScoredHypothesis(text.strip(), _number(str(score), where)) for text, score in pairs)
    return Utterance(str(entry.get("id", index - 1)), hypotheses, reference)


def _value(table: Mapping[str, tuple[str, str]], key: str, place: str, name: str) -> tuple[str, str]:
    if key not in table:
        raise InputError(place, f"must have a score in {name}", f"none for {key}")
    return table[key]


def _number(text: str, place: str) -> float:
    match = _TENSOR.fullmatch(text) if len(text) <= _LONGEST_SCORE else None
    try:
        value = float(match[1] if match else text)
    except ValueError:
        value = float("nan")
    if not isfinite(value):
        raise InputError(place, "a score is a finite number", repr(text[:40]))
    return value


def _ranked(where: str, found: Ranked, notes: Iterable[str]) -> NBest:
    """Return the hypotheses of each utterance by rank; the utterances in sorted order."""
    lists: defaultdict[str, list[ScoredHypothesis]] = defaultdict(list)
    for (name, _), hypothesis in sorted(found.items(), key=lambda item: item[0]):
        lists[name].append(hypothesis)
    utterances = tuple(Utterance(name, tuple(each)) for name, each in lists.items())
    return NBest(where, utterances, tuple(notes))
