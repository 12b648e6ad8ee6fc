"""The parts of a run folder: configuration, labels, weights, and the run that it began from."""
