"""A search for better options of a training: random candidates, successive halving, and a comparison."""
