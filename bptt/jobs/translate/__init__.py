"""Translation, from sequences to sequences: encoder, decoder, and search."""
