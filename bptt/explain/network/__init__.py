"""The derivation of a whole network on paper: layers, output layer, loss, and every gradient."""
