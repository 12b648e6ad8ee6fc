"""Past values of series: read, cut into windows, continued without learning."""
