"""Problems that ask how far a network remembers, as jobs for the training loop."""
