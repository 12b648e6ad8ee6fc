"""What models are made of: input parts, codecs, encoder."""
