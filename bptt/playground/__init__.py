"""A page without a model: cells are chosen or written in it, derived as they are typed, and trained in it."""
