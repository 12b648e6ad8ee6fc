"""Classification: one of several labels for each input."""
