"""From sequences to sequences: encoder, decoder, and the search for the best one."""
