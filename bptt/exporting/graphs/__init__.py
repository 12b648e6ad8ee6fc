"""ONNX: a graph made node by node, standard operators where a cell's equations are theirs, Scan elsewhere."""
