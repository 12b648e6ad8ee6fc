"""A cell with its time steps written out: states, chains, summands, error terms, matrices entry by entry."""
