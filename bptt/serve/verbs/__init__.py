"""The verbs: the file NAME.py answers `POST /v1/NAME`, and its `make` returns the verb of a model."""
