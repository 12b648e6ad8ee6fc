"""Choosing between the hypotheses of a recogniser."""
