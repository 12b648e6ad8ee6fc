"""Training of every job needs no package of an extra."""

from __future__ import annotations

import subprocess
import sys

# A finder that refuses the packages of the extras, as if they were not installed.
WITHOUT = """
import sys
EXTRAS = {"tensorboard", "sklearn", "pyarrow", "sacrebleu", "jiwer", "seqeval"}

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in EXTRAS:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Refusing())
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
