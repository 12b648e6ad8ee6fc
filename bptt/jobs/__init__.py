"""The jobs: each defines its data, model, loss and metrics, and how to use its trained models."""
