"""Output layers: what a vector becomes, its loss, and how it is read."""
