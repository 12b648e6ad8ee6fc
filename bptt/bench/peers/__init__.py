"""The peers that we compare with, a file for each; one that is not installed says so by `INSTALLED`."""
