"""What a run keeps: its folder, configuration, options, labels, and where it began."""
