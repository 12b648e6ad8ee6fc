"""Rows of a table: numbers without time."""

from __future__ import annotations

from bptt.data.forms.table import FORMS
from bptt.models.codecs.numbers import NumberCodec
from bptt.models.kinds.kind import InputKind

KIND = InputKind(
    FORMS.name,
    FORMS.forms,
    new=lambda inputs, options: NumberCodec(options.columns, inputs),
    saved=lambda run, options: NumberCodec(options.columns),
    is_row=True,
)
