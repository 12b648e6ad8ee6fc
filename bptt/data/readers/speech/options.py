"""How a source of speech is read: its layout, its columns, and texts and speakers in the names of files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from bptt.errors import InputError
from bptt.options.field import check_fields, option


@dataclass(frozen=True)
class SpeechOptions:
    """How sounds and their texts are found.

    `form` is a name in `SPEECH_FORMS`. A pattern is a regular expression that is searched in the name of a
    file without its ending: its group `text` or `speaker`, or its first group, or all that it matches, is
    what it finds. `text_words` spell parts of a name between underscores as words: 0=NO,1=YES.

    Raises InputError with the option if a value is invalid.
    """

    form: str = option(
        "manifest", "Input format.", usual="detected from the files", group="Data", flags="input form"
    )
    sound_column: str | None = option(None, "Column that holds the path of the sound.", group="Data")
    text_column: str | None = option(None, "Column that holds the text.", group="Data")
    speaker_column: str | None = option(None, "Column that names the speaker.", group="Data")
    text_pattern: str | None = option(
        None, "Regular expression that finds the text in the name of a file.", group="Data"
    )
    text_words: str = option(
        "", "Words that parts of a name stand for, such as 0=NO,1=YES (`text_pattern`).", group="Data"
    )
    speaker_pattern: str | None = option(
        None, "Regular expression that finds the speaker in the name of a file.", group="Data"
    )

    def __post_init__(self) -> None:
        check_fields(self)
        for name in ("text_pattern", "speaker_pattern"):
            pattern = getattr(self, name)
            try:
                re.compile(pattern or "")
            except re.error as error:
                raise InputError(name, "must be a regular expression", f"{pattern!r}: {error}") from error
        _ = self.words
        if self.text_words and self.text_pattern is None:
            raise InputError("text_words", "spells what `text_pattern` finds", "no pattern", "Give one")

    @property
    def words(self) -> Mapping[str, str]:
        """The words that parts of a name stand for."""
        pairs = [pair.split("=") for pair in self.text_words.split(",") if pair.strip()]
        if any(len(pair) != 2 for pair in pairs):
            raise InputError("text_words", "is PART=WORD, with commas between them", self.text_words)
        return {part.strip(): word.strip() for part, word in pairs}

    def text_of(self, name: str) -> str | None:
        """Return the text in the name of a file; None if the pattern does not match.

        Raises InputError for a part that is none of the `text_words`, if there are some.
        """
        found = _found(self.text_pattern, name, "text")
        if found is None:
            return None
        parts = [part for part in re.split(r"[_\s]+", found) if part]
        unknown = [part for part in parts if self.words and part not in self.words]
        if unknown:
            rule = f"must be of the parts {', '.join(self.words)} (`text_words`)"
            raise InputError(name, rule, ", ".join(unknown))
        return " ".join(self.words.get(part, part) for part in parts)

    def speaker_of(self, name: str) -> str:
        """Return the speaker in the name of a file, "" if the pattern does not match."""
        return _found(self.speaker_pattern, name, "speaker") or ""


def _found(pattern: str | None, name: str, what: str) -> str | None:
    match = None if pattern is None else re.search(pattern, name)
    if match is None:
        return None
    if what in match.groupdict():
        return match[what]
    return match[1] if match.re.groups else match[0]
