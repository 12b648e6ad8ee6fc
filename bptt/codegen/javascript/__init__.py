"""Cells in JavaScript: forward and backward over a sequence, on typed arrays, without any library."""
