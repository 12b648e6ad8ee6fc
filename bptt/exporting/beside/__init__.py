"""The program that is written beside an exported model; it needs numpy and onnxruntime, not this package."""
