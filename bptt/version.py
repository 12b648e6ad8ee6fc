"""The version of the package, which run folders and pages name."""

__version__ = "0.1.0"
