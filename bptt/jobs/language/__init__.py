"""A language model: trained, sampled, scored, compared."""
