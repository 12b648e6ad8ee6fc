"""The formats that a model can be exported to, a module for each."""
