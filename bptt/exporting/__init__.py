"""Trained models, and recurrent modules, in the formats of other programs: a file of `targets` for each."""
