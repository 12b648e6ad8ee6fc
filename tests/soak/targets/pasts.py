"""Series to be forecast: tables with times and without, several series in one, files of series."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bptt.data.past.pasts import PastColumns, read_pasts
from soak.damage import damaged
from soak.target import Target
from soak.targets.readers import write

VALID = (
    "date,a,b\n2026-01-30,1,2\n2026-01-31,1.5,\n2026-02-01,2,4\n2026-02-03,3,5\n",
    "月,人\n2025-11,1\n2025-12,2\n2026-01,4\n",
    "id;time;x\nu;10:00;1\nu;10:30;2\nu;11:00;2\nv;10:00;3\nv;10:30;1\n",
    "ds\ty\n20260105\t1\n20260106\t2\n20260109\t3\n20260112\t4\n",
    "t,x\n0,1\n2,3\n4,1\n8,2\n",
    "time,x\n2026-01-01T23:00:00Z,1\n2026-01-02 00:00:00+01:00,2\n2026-01-02T01:00:00.5Z,2\n",
    "1\n2\n3.5\n4\n",
    "@univariate true\n@classLabel false\n@data\n1,2,3\n4,5,?\n",
)


def meet(data: bytes, folder: Path) -> None:
    """Read the series; every step has a label of its time."""
    found = read_pasts(write(data, folder), PastColumns())
    assert found.series
    for past in found.series:
        assert past.values.ndim == 2 and past.values.shape[1] == len(found.columns) and past.values.size
        assert past.values.dtype == np.float64 and not np.isinf(past.values).any()
        for step in (0, len(past.values) - 1, len(past.values) + 7):
            past.axis.label(step).encode()
    for note in (*found.notes, *found.columns):
        note.encode()


TARGETS = (Target("pasts", damaged([text.encode() for text in VALID]), meet),)
