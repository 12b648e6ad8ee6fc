"""Detection of the tagging scheme, and of whether words are single characters."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from bptt.data.cutting import learn_cutting
from bptt.data.schemes import detect_scheme, stray_tags
from bptt.errors import InputError
from bptt.jobs.tag.options import NO_SCHEME, SchemeName, TagOptions, Unit
from bptt.jobs.tag.tag_set import Tagged


def as_found(examples: Tagged, options: TagOptions) -> tuple[TagOptions, tuple[str, ...]]:
    """Return the options with detected scheme, unit and cutting, and the reasons for scheme and cutting.

    Raises InputError at the first tag outside of the scheme if only a few are.
    """
    single = all(len(word) == 1 for words in examples.inputs for word in words)
    unit: Unit = "character" if single else "word"
    cutting = learn_cutting(examples.inputs, options.level)
    # The usual rule of a unit is not written, as in older runs.
    usual = replace(options, unit=unit, level=None, kept=())
    is_usual = usual.cutting.level == cutting.level
    options = usual if is_usual else replace(usual, level=cutting.level, kept=cutting.kept)
    if options.scheme == NO_SCHEME:
        return replace(options, scheme=None), ("no scheme: as asked for", cutting.reason)
    if options.scheme is not None:
        return options, (f"{options.scheme}: as asked for", cutting.reason)
    _check_strays(examples)
    found = detect_scheme(examples.targets)
    name = cast("SchemeName | None", found.scheme and found.scheme.name)
    return replace(options, scheme=name), (found.reason, cutting.reason)


def _check_strays(examples: Tagged) -> None:
    """Raise InputError at the first tag that fits no scheme, if only a few do not and all others do."""
    strays = stray_tags(examples.targets)
    for row in examples.rows if strays else ():
        for word, tag in zip(row.input, row.target or (), strict=False):
            if tag in strays:
                rule = "must have tags of one scheme, as all but a few of the file have"
                came = f"{tag!r} at {word!r}, {sum(strays.values()):,} such tags in all"
                cure = "Correct it; if the tags spell no entities, give `scheme` none"
                raise InputError(row.place, rule, came, cure)
