"""The derivations of losses over whole sequences, which are no cells."""
