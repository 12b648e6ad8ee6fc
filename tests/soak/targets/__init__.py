"""A module for each part of the package; its tuple `TARGETS` is found by `soak.target.all_targets`."""
