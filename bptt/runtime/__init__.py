"""Machines: plans executed on tensors, behind one door, `bptt.runtime.operators`."""
