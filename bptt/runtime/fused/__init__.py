"""Plain cells by torch's own operators: layers and directions in one call, cuDNN's or MIOpen's on a GPU."""
