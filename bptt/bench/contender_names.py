"""The names of the contenders in tables."""

OURS = "bptt"
# Our plain LSTM of the same sizes, beside the cells that torch.nn does not have.
PLAIN_LSTM = "bptt lstm"
# Our LSTM with narrow weights, and torch's under autocast.
BF16, INT8, AUTOCAST = "bptt bf16", "bptt int8", "torch bf16"
NARROW = (BF16, INT8, AUTOCAST)
# Output layers for large vocabularies, beside the full softmax.
ADAPTIVE, SAMPLED, TORCH_ADAPTIVE = "bptt adaptive", "bptt sampled", "torch adaptive"
LAYER = "torch.nn"
EAGER, SCRIPT, COMPILED = "torch loop", "torch script", "torch.compile"
# The ways to run a layer in torch; the fastest of them is the one to beat.
TORCH = (LAYER, EAGER, SCRIPT, COMPILED)
TORCHRECURRENT, JAX, ONNXRUNTIME = "torchrecurrent", "jax", "onnxruntime"
OTHERS = (TORCHRECURRENT, JAX, ONNXRUNTIME)
# A model, and an output layer, as a user of torch writes them; torch's own loss in pieces of the batch.
PLAIN, CHUNKED = "plain torch", "torch, in chunks"
