"""The option of unrolled derivations."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.errors import InputError
from bptt.options.field import check_fields, option

# With T steps there are T (T + 1) / 2 chains of up to T factors for each parameter: 36 chains for 8 steps.
MOST_STEPS = 8


@dataclass(frozen=True)
class UnrollOptions:
    """The number of time steps to write out. Raises InputError for none, or for more than a page can show."""

    unroll: int | None = option(
        None, f"Write out N time steps, up to {MOST_STEPS}: states, chains, summands, matrices.", least=1
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.unroll is not None and self.unroll > MOST_STEPS:
            rule = f"is at most {MOST_STEPS}: N steps have N (N + 1) / 2 chains for each parameter"
            raise InputError("unroll", rule, self.unroll)
