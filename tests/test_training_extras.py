"""Training of every job needs no package of an extra."""

from __future__ import annotations

import subprocess
import sys

# An entry of None makes an import fail as if the package were not installed.
WITHOUT = """
import sys

for extra in ("tensorboard", "sklearn", "pyarrow", "sacrebleu", "seqeval"):
    sys.modules[extra] = None
import bptt
from bptt.jobs.registry import find_job, job_names

for name in job_names():
    find_job(name)
bptt.train
print("imported")
"""


def test_every_job_and_the_loop_are_imported_without_extras() -> None:
    ended = subprocess.run([sys.executable, "-c", WITHOUT], capture_output=True, text=True, check=False)
    assert ended.stdout == "imported\n", ended.stderr
