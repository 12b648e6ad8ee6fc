"""Kernels in C++: the dialect, and the headers with the loops that all cells share."""
