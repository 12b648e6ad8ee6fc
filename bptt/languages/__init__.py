"""Texts in other languages: English templates, and tables from them to their translations."""
