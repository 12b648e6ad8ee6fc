"""The reference backend: a plan executed in torch operations, on any device and dtype."""
