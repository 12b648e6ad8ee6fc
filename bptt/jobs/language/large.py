"""The output layer and the updates of a language model by the size of its vocabulary."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from bptt.jobs.language.options import ADAPTIVE, LARGE, ModelOptions
from bptt.models.heads.cutoffs import best_cutoffs

# Counts the tokens of the vocabulary when they are needed.
Counts = Callable[[], Sequence[int]]


def for_vocabulary(options: ModelOptions, counts: Counts, size: int) -> ModelOptions:
    """Return the options with a choice made for what was left open, by the `counts` of the `size` tokens in
    the training text.

    Above LARGE tokens, an output layer that is neither tied nor smoothed is the adaptive one, and an
    embedding that is not tied is updated by rows.
    """
    is_large = size > LARGE
    if options.output_layer is None and is_large and not (options.tied or options.smoothing):
        options = replace(options, output_layer=ADAPTIVE)
    if options.row_sparse is None and is_large and options.width and not (options.tied or options.frozen):
        options = replace(options, row_sparse=True)
    return with_cutoffs(options, counts)


def with_cutoffs(options: ModelOptions, counts: Counts) -> ModelOptions:
    """Return the options with cut-offs by the counts of tokens for an adaptive layer without any."""
    if options.output_layer != ADAPTIVE or options.cutoffs:
        return options
    return replace(options, cutoffs=best_cutoffs(counts(), options.output_size))
