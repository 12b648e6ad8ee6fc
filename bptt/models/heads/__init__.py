"""Output layers: from the outputs of a network to probabilities or numbers, their loss and their answers."""
