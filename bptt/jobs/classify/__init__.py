"""One answer for a sequence: a class, several, or a number."""
