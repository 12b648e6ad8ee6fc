"""The kernels of a cell as differentiable functions; memory and packed weights are kept between calls."""
