"""Binary files: `.npz` archives, damaged outside and, with right checksums, inside; Parquet."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from random import Random

import numpy as np
import pyarrow
import pyarrow.parquet

from soak.damage import damage, damaged
from soak.target import Target
from soak.targets.readers import meets

SERIES = np.arange(24, dtype=np.float64).reshape(3, 4, 2)


def saved(value: object) -> bytes:
    """A file `.npy` as numpy writes it."""
    with io.BytesIO() as file:
        np.save(file, np.asarray(value))
        return file.getvalue()


MEMBERS = {"X": saved(SERIES), "y": saved(["a", "b", "a"]), "lengths": saved([4, 2, 1])}
HEADERS = (
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000, 1000), }",
    b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1, 4, 2), }",
    b"{'descr': '|O', 'fortran_order': False, 'shape': (3, 4, 2), }",
    b"{'descr': '<c16', 'fortran_order': True, 'shape': (3, 4, 1), }",
    b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3, 4, 2), }",
    b"{'descr': '<U1000000000', 'fortran_order': False, 'shape': (3,), }",
    b"{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (3,), }",
    b"{'shape': (3,)}",
    b"(" * 300,
)


def zipped(members: Mapping[str, bytes], packed: bool) -> bytes:
    """An archive of files `.npy`."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            for name, data in members.items():
                kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
                archive.writestr(zipfile.ZipInfo(f"{name}.npy"), data, kind)
        return file.getvalue()


def reheaded(data: bytes, random: Random) -> bytes:
    """The numbers below another header of the right length."""
    header = random.choice(HEADERS)
    return data[:8] + len(header).to_bytes(2, "little") + header + data[128:]


def archive(random: Random) -> bytes:
    """An archive damaged as a whole, or one of right checksums whose members are damaged or missing."""
    if random.random() < 0.4:
        return damage(zipped(MEMBERS, random.random() < 0.5), random)
    members = dict(MEMBERS)
    name = random.choice(list(members))
    chance = random.random()
    if chance < 0.1:
        del members[name]
    elif chance < 0.2:
        members[name] = members[random.choice(list(members))]
    elif chance < 0.4:
        members[name] = reheaded(members[name], random)
    else:
        members[name] = damage(members[name], random)
    return zipped(members, random.random() < 0.5)


def parquets() -> list[bytes]:
    """Texts with labels and numbers with labels, plain and compressed."""
    tables = (
        pyarrow.table({"text": ["很好", "dull", None], "label": ["pos", "neg", "pos"]}),
        pyarrow.table({"a": [1.5, 2, 3], "b": [1, 2, None], "label": ["x", "y", "x"]}),
    )
    files = []
    for table in tables:
        for compression in ("none", "snappy", "gzip"):
            file = io.BytesIO()
            pyarrow.parquet.write_table(table, file, compression=compression)
            files.append(file.getvalue())
    return files


TARGETS = (
    Target("npz", archive, meets("npz")),
    Target("parquet", damaged(parquets()), meets("columns"), cost=4),
)
