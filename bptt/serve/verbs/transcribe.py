"""`POST /v1/transcribe`: speech written down, as a whole recording or while it arrives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bptt.data.audio.pcm_wav import wav_of_bytes
from bptt.jobs.answers import Asking
from bptt.options.choices import Choices
from bptt.options.json_schema import JsonSchema
from bptt.serve.http_problem import HttpProblem
from bptt.serve.live_sound import HearingVerb, LiveSound
from bptt.serve.sound_limits import check_form
from bptt.serve.uploads import BARE_TYPES, FILE, SOUND_TYPES, BodyType, FileBody
from bptt.serve.verb import FLAG, Loaded, Verb
from bptt.serve.verbs.upload import SOUND, Upload


def make(loaded: Loaded) -> Verb | None:
    """Return the verb for a model that hears sound."""
    ask = loaded.job.ask
    source = getattr(loaded.trained.config, "source", None)
    if ask is None or source is None or source.kind != SOUND:
        return None
    found = Transcribe(loaded)
    return None if found.asking({}).raw_format() is None else found


class Transcribe(Upload, HearingVerb):
    """The answers of `bptt predict` to the recording in the body, or while it arrives with `stream`."""

    types = (*SOUND_TYPES, *BARE_TYPES)
    # A decoder reads these from their first bytes on.
    streamed_types = ("audio/wav", "audio/x-wav", *BARE_TYPES)

    @property
    def fields(self) -> Mapping[str, JsonSchema]:
        """The options of `bptt predict` for the job, and `stream`."""
        return {**super().fields, "stream": FLAG}

    def asking(self, options: Mapping[str, Any]) -> Asking:
        """Return the model as it answers with these options."""
        assert self._job.ask is not None
        return self._job.ask(self._trained, Choices(self._all, options))

    def read(self, given: Mapping[str, Any]) -> tuple[Any, Any]:
        """Return the chosen options and the recording."""
        return super().read({name: value for name, value in given.items() if name != "stream"})

    def live(self, given: Mapping[str, Any], kind: BodyType) -> LiveSound:
        """Return the sound of a request that is streamed. Raises InputError as `read` does."""
        asked, _ = self.read({**given, FILE: None})
        options = dict(asked)
        return LiveSound(lambda: self.asking(options), kind, self._limits.max_seconds)

    def _of_file(self, options: Mapping[str, Any], body: FileBody) -> Any:
        if body.coding is not None:
            raw = self.asking(options).raw_format()
            assert raw is not None
            try:
                # A WAV file has no room for larger numbers.
                check_form(raw.rate, raw.channels)
            except HttpProblem as problem:
                return problem
            body = replace(body, data=wav_of_bytes(body.data, replace(raw, coding=body.coding)))
        return super()._of_file(options, body)
