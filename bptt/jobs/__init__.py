"""The jobs: each brings its data, model, loss and metric together, and uses what was trained."""
