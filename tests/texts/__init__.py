"""The rows of docs/texts.md: how they are read and run, and what an independent source says of each."""
