"""The loop: a task, options and a run folder become a trained model that can be resumed."""
