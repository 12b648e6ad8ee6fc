"""The plan of a cell run by kernels of Triton, on a GPU."""
