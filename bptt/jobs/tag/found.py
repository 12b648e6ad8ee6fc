"""What sentences show of how their tags are written: the scheme, and what a word is."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from bptt.data.schemes import detect_scheme, stray_tags
from bptt.errors import InputError
from bptt.jobs.tag.options import NO_SCHEME, SchemeName, TagOptions, Unit
from bptt.jobs.tag.tag_set import Tagged


def as_found(examples: Tagged, options: TagOptions) -> tuple[TagOptions, str]:
    """The options with what the sentences show, and why their scheme is that."""
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
    """Raise InputError at the first of few tags that are of no scheme, while all others spell entities."""
    strays = stray_tags(examples.targets)
    for row in examples.rows if strays else ():
        for word, tag in zip(row.input, row.target or (), strict=False):
            if tag in strays:
                rule = "must have tags of one scheme, as all but a few of the file have"
                came = f"{tag!r} at {word!r}, {sum(strays.values()):,} such tags in all"
                cure = "Correct it; if the tags spell no entities, give `scheme` none"
                raise InputError(row.place, rule, came, cure)
