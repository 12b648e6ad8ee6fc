"""A controlled comparison: the same data in the same order, and networks that differ in one thing."""
