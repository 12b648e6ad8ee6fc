"""Large files of examples whose targets are numbers: these, and those of a table, are in memory as arrays."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.data.examples import Array, Example
from bptt.data.stored_columns import ArrayRows, Coded
from bptt.data.stored_rows import RowFacts, StoredRows, key_number

Numbers = npt.NDArray[np.float64]


def with_numbers(
    rows: StoredRows[Example[Any, str]], read: Callable[[Example[Any, str]], Numbers]
) -> StoredRows[Example[Any, Numbers]]:
    """Read each row once, and return them with the numbers (M,) that `read` makes of their targets, which are
    in memory.
    """
    targets = array("d")
    for row in rows:
        targets.frombytes(read(row).tobytes())
    return rows.with_targets(ArrayRows(np.frombuffer(targets, np.float64).reshape(len(rows), -1)))


def in_arrays(rows: StoredRows[Example[Array, Numbers]]) -> StoredRows[Example[Array, Numbers]]:
    """Read each row of a table once, and return them with inputs (N, D) float32 and targets (N, M) float64 in
    memory, without their names.
    """
    inputs, targets, keys = array("f"), array("d"), array("q")
    for row in rows:
        assert row.target is not None
        data = row.input.tobytes()
        inputs.frombytes(data)
        targets.frombytes(row.target.tobytes())
        keys.append(key_number(data))
    count = len(rows)
    numbers = ArrayRows(np.frombuffer(inputs, np.float32).reshape(count, -1))
    wanted = ArrayRows(np.frombuffer(targets, np.float64).reshape(count, -1))
    none = Coded(("",), np.zeros(count, np.uint8))
    survey = RowFacts(np.frombuffer(keys, np.int64), {"group": none, "part": none, "target": wanted})

    def example(each: tuple[Any, ...], place: str) -> Example[Array, Numbers]:
        return Example(each[0], each[1], place)

    return StoredRows((numbers, wanted), rows.places, example, survey)
