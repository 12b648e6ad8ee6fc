"""Execution of plans on tensors by a backend; modules enter through `bptt.runtime.operators`."""
