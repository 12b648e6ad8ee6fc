"""From files to batches: text, vocabularies, and the order in which a training run reads them."""
