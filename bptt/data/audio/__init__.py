"""Sound: decoded, resampled, turned into features, and augmented."""
