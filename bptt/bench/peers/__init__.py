"""Those whom we compare with. A file for each; one that is not installed says so by `INSTALLED`."""
