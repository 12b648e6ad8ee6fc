"""A package that adds a backend: torch operations, and at the end a line with the number of runs."""

import atexit
import sys
from collections import Counter

from bptt.runtime.reference.reference_backend import Reference


class Counting(Reference):
    name = "counting"

    def __init__(self):
        self.calls = Counter()
        atexit.register(self.report)

    def supports(self, cell, device, dtype):
        return device.type == "cpu"

    def run(self, recurrence, tensors):
        self.calls["run"] += 1
        if recurrence.observer is not None:
            self.calls["observed"] += 1
        return super().run(recurrence, tensors)

    def linear_cross_entropy(self, *arguments):
        self.calls["loss"] += 1
        return super().linear_cross_entropy(*arguments)

    def empty_cache(self):
        self.calls["emptied"] += 1

    def report(self):
        sys.stderr.write(f"counting: {dict(self.calls)}\n")


COUNTING = Counting()
