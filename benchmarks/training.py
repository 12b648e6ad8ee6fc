"""Whole training steps side by side with PyTorch: `bptt bench training`, with its options."""

import sys

from bptt.cli.main import main

sys.argv[1:1] = ["bench", "training"]
main()
