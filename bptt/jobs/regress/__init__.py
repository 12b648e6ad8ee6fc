"""Regression: numbers for a sequence, a text or a row of a table, at the end or at every step."""
