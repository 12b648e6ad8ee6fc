"""`POST /v1/upload`: the answers of `bptt predict` to a file, such as a recording, that a request holds."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bptt.data.examples import Examples
from bptt.data.readers.asked import Said
from bptt.errors import InputError
from bptt.jobs.answers import record_of
from bptt.options.choices import Choices
from bptt.options.json_schema import JsonSchema
from bptt.serve.http_problem import HttpProblem
from bptt.serve.sound_limits import check_file
from bptt.serve.uploads import FILE, TYPES, FileBody
from bptt.serve.verb import Loaded, Verb
from bptt.serve.verbs.predict import Predict

# The kinds of input whose files hold one input each.
SOUND = "sound"
_MEDIA = (SOUND, "clips")
# The name of the file in answers and errors.
_NAME = "body"


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a job that answers sounds or clips."""
    source = getattr(loaded.trained.config, "source", None)
    is_media = source is not None and source.kind in _MEDIA
    return Upload(loaded) if loaded.job.ask is not None and is_media else None


class Upload(Predict):
    """The answers of `bptt predict` to the file in the body of a request."""

    records = "predict"
    types = tuple(TYPES)
    example = None

    def __init__(self, loaded: Loaded) -> None:
        super().__init__(loaded)
        self._limits = loaded.options

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The options of `bptt predict` for the job, which are given in the address."""
        return {name: schema for name, schema in super().fields.items() if name != "input"}

    def read(self, given: Mapping[str, Any]) -> tuple[Hashable, Any]:
        """Return the chosen options and the file."""
        options = {name: value for name, value in given.items() if name != FILE}
        asked, _ = super().read({**options, "input": ""})
        return asked, given[FILE]

    def answer(self, asked: tuple[tuple[str, Any], ...], items: Sequence[Any]) -> Sequence[Any]:
        """Return the records of each file."""
        return [self._of_file(dict(asked), each) for each in items]

    def _of_file(self, options: Mapping[str, Any], body: FileBody) -> Any:
        assert self._job.ask is not None
        # Readers open files by name. The folder is private, and no part of the name is from the request.
        with TemporaryDirectory(prefix="bptt-") as folder:
            path = Path(folder) / f"{_NAME}{body.suffix}"
            path.write_bytes(body.data)
            try:
                if self._trained.config.source.kind == SOUND:
                    check_file(path, self._limits.max_seconds)
                asking = self._job.ask(self._trained, Choices(self._all, options))
                rows = asking.read(path, Said()).rows
                found = [answer for row in rows for answer in asking.answer(Examples((row,)))]
            except HttpProblem as problem:
                return problem
            except InputError as error:
                return HttpProblem(422, str(error).replace(str(path), _NAME))
        records = zip(rows, found, strict=True)
        about = {"name": None, "place": _NAME, "input": None}
        return [{**record_of(n, row, answer), **about} for n, (row, answer) in enumerate(records, 1)]
