"""The folder of prepared tokens that is written for another program."""

from __future__ import annotations

from dataclasses import fields

from bptt.data.prepared.prepared_text import PreparedText, open_prepared
from bptt.data.prepared.token_manifest import is_prepared
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.prepare_options import PrepareFiles, PrepareOptions
from bptt.options.choices import Choices


def prepared_to_write(choices: Choices) -> PreparedText:
    """Open the folder of prepared tokens that is written for another program.

    Raises InputError if another one or a text is named too, or an option that only preparing has.
    """
    files = choices.make(PrepareFiles).files
    if len(files) != 1 or not is_prepared(files[0]):
        came = ", ".join(map(str, files)) or "nothing"
        raise InputError("to", "needs one folder of prepared tokens", came, "Prepare the texts first")
    names = [each.name for kind in (PrepareOptions, VocabularyOptions) for each in fields(kind)]
    for name in names:
        if name != "to" and choices.has(name):
            raise InputError(name, "does not apply to tokens that are written (`to`)", cure="Leave it out")
    return open_prepared(files[0])
