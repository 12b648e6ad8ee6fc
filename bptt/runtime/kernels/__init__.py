"""The kernels of a cell: launched, differentiable, with memory and packed weights kept between calls."""
