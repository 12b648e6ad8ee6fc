"""The kinds of input: one file each, which joins its forms, its codec and what jobs ask of it."""
