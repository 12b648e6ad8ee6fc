"""Networks as graphs of ONNX, made node by node: standard operators where the equations match, else Scan."""
