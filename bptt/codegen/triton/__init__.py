"""Cells as kernels of Triton, forward and backward over a whole sequence, on a GPU."""
