"""`POST /v1/rescore`: the choice of `bptt rescore` among hypotheses, from lists in a request."""

from __future__ import annotations

import json
from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from bptt.data.nbest import NBest
from bptt.data.readers.document import Document
from bptt.data.readers.nbest import read_hyporadise
from bptt.errors import InputError
from bptt.jobs.language.model import Trained
from bptt.jobs.rescore.answering import rescore
from bptt.jobs.rescore.options import ListOptions, WeightOptions
from bptt.jobs.rescore.rescoring import split_lists
from bptt.options.field import alternatives
from bptt.options.json_schema import JsonSchema, option_schema
from bptt.options.option_set import OptionSet
from bptt.serve.json_body import json_kind
from bptt.serve.verb import Loaded, Verb, check_unicode

# The options of the command without the files, in whose place lists are sent.
_OPTIONS = OptionSet({"lists": ListOptions, "weights": WeightOptions})
_LISTS = ("input", "tune")
_Item = tuple[NBest, NBest | None, ListOptions, WeightOptions]


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a language model."""
    return Rescore(loaded) if loaded.job.reads_on else None


class Rescore(Verb):
    """The choice of `bptt rescore` among the hypotheses of n-best lists."""

    example: ClassVar[Mapping[str, Any]] = {"input": [{"input": ["", ""]}], "weight": 1}

    def __init__(self, loaded: Loaded) -> None:
        self._trained: Trained = loaded.trained
        self._most = loaded.options.max_inputs

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The lists to choose from and to tune on, and the options that are no files."""
        texts, scores = ({"type": "array", "items": {"type": kind}} for kind in ("string", "number"))
        entry = {
            "type": "object",
            "properties": {
                "id": {"type": ["string", "integer"]},
                "input": {**texts, "minItems": 1},
                "am_score": scores,
                "output": {"type": ["string", "null"]},
            },
            "required": ["input"],
        }
        lists = {"type": "array", "items": entry, "minItems": 1, "maxItems": self._most}
        options = {each.name: option_schema(each) for each in _OPTIONS if not _is_file(each.hint)}
        return {**options, "input": lists, "tune": {"anyOf": [lists, {"type": "null"}], "default": None}}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, _Item]:
        """Return the lists, those to tune on, and the options."""
        fields = {name: value for name, value in given.items() if name not in _LISTS}
        values = _OPTIONS.read(fields)
        for name in values:
            if _is_file(_OPTIONS.named(name).hint):
                raise InputError(name, "must be left out of a request: it names a file", cure="Leave it out")
        tuned_on = None if given.get("tune") is None else self._lists(given, "tune")
        # The check of the options counts the sources of the weights.
        if tuned_on is not None:
            values["tune"] = Path("tune")
        weights = _OPTIONS.make(WeightOptions, values)
        return (), (self._lists(given, "input"), tuned_on, _OPTIONS.make(ListOptions, values), weights)

    def _lists(self, given: Mapping[str, Any], name: str) -> NBest:
        """Return lists in the form of HyPoradise. Raises InputError naming the entry if one is malformed."""
        value = given.get(name)
        if not isinstance(value, list):
            raise InputError(name, "must be a list of n-best lists", json_kind(value))
        sizes = [len(each["input"]) for each in value if isinstance(each, dict) and _is_list(each, "input")]
        if sum(sizes) > self._most:
            raise InputError(name, f"must hold at most {self._most:,} texts", f"{sum(sizes):,}")
        written = json.dumps(value, ensure_ascii=False)
        check_unicode(name, written)
        return read_hyporadise(Document(name, written))

    def answer(self, asked: Any, items: Sequence[_Item]) -> Sequence[Any]:
        """Return the record of each item."""
        return [self._answer(*item) for item in items]

    def _answer(
        self, lists: NBest, tuned_on: NBest | None, reading: ListOptions, weights: WeightOptions
    ) -> Any:
        try:
            if weights.tune_share is not None:
                tuned_on, lists = split_lists(lists, weights.tune_share, weights.seed)
            return [rescore(self._trained, lists, reading, weights, tuned_on).to_dict()]
        except InputError as error:
            return error


def _is_file(hint: Any) -> bool:
    return Path in alternatives(hint) or "Path" in str(hint)


def _is_list(value: Mapping[str, Any], name: str) -> bool:
    return isinstance(value.get(name), list)
