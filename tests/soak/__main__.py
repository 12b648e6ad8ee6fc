"""`python -m soak`: many damaged inputs for every target, or for some; a table of what came of them."""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from pathlib import Path

from soak.runner import Tally, soak
from soak.target import all_targets

# No input is larger than 2 MB; libraries alone map 3 to 4 GB of addresses, torch among them.
MEMORY = 8 * 2**30
ROW = "{:<24} {:>9} {:>9} {:>9} {:>7} {:>8} {:>16}"


def main() -> int:
    """Soak, print, and return 1 if anything failed."""
    targets = all_targets()
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[[], *targets], help="default: all")
    parser.add_argument("--inputs", type=int, default=20_000, help="inputs of a target of cost 1")
    parser.add_argument("--first", type=int, default=0, help="number of the first input")
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    print(ROW.format("target", "inputs", "accepted", "refused", "failed", "seconds", "slowest, ms (N)"))
    tallies = []
    for name in chosen.targets or targets:
        count = -(-chosen.inputs // targets[name].cost)
        with tempfile.TemporaryDirectory(prefix="bptt-soak-") as folder:
            tally = soak(targets[name], range(chosen.first, chosen.first + count), Path(folder))
        tallies.append(tally)
        _print(tally)
        if "stopped" in tally.failures:
            break
    _print(_sum(tallies))
    return int(any(tally.failures for tally in tallies))


def _print(tally: Tally) -> None:
    numbers = (tally.inputs, tally.accepted, tally.refused, tally.failed)
    cells = [f"{number:,}" for number in numbers]
    slowest = f"{1000 * tally.slowest[0]:,.0f} ({tally.slowest[1]})"
    print(ROW.format(tally.target, *cells, f"{tally.seconds:.1f}", slowest), flush=True)
    for text in tally.failures.values():
        print(f"  {text}", flush=True)


def _sum(tallies: list[Tally]) -> Tally:
    counts = [(each.accepted, each.refused, each.seconds, each.failed) for each in tallies]
    slowest = max(each.slowest for each in tallies)
    return Tally("all", *map(sum, zip(*counts, strict=True)), slowest=slowest)


if __name__ == "__main__":
    sys.exit(main())
