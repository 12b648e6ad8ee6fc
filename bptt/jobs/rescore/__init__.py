"""Rescoring: choosing between the hypotheses of a speech recogniser with a language model."""
