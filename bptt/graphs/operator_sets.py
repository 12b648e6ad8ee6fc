"""The operator sets of ONNX that graphs are written for."""

# LSTM, GRU and RNN have kept their form since this operator set; browsers and phones know this one.
OLDEST_OPSET, DEFAULT_OPSET = 14, 17
