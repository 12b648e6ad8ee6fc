"""Recurrent layers side by side with peers: `bptt bench layers`, with its options, from a checkout."""

import sys

from bptt.cli.main import main

sys.argv[1:1] = ["bench", "layers"]
main()
