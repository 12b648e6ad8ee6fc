"""How the inputs of examples become tensors: one codec for each kind of input."""
