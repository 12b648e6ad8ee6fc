"""Marking: stretches of a DNA sequence, such as promoters or exons, found by a tagger of its bases."""
