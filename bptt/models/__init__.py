"""The components of models: input parts, codecs, encoder."""
