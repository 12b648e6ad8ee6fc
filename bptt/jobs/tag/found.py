"""Detection of the tagging scheme, and of whether words are single characters."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from bptt.data.schemes import detect_scheme, stray_tags
from bptt.errors import InputError
from bptt.jobs.tag.options import NO_SCHEME, SchemeName, TagOptions, Unit
from bptt.jobs.tag.tag_set import Tagged


def as_found(examples: Tagged, options: TagOptions) -> tuple[TagOptions, str]:
    """Return the options with detected scheme and unit, and the reason for the scheme.

    Raises InputError at the first tag outside of the scheme if only a few are.
    """
    single = all(len(word) == 1 for words in examples.inputs for word in words)
    unit: Unit = "character" if single else "word"
    if options.scheme == NO_SCHEME:
        return replace(options, scheme=None, unit=unit), "no scheme: as asked for"
    if options.scheme is not None:
        return replace(options, unit=unit), f"{options.scheme}: as asked for"
    _check_strays(examples)
    found = detect_scheme(examples.targets)
    name = cast("SchemeName | None", found.scheme and found.scheme.name)
    return replace(options, scheme=name, unit=unit), found.reason


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
