"""Loads an exported program in a process of its own, runs it, and saves what it returned."""

import sys

import torch

import bptt.nn  # noqa: F401 - it brings the operator

if __name__ == "__main__":
    program, inputs, outputs = sys.argv[1:]
    x, lengths = torch.load(inputs)
    torch.save(torch.export.load(program).module()(x, lengths=lengths), outputs)
