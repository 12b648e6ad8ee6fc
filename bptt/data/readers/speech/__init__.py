"""Sounds and their texts, in the layouts of corpora."""
