"""Texts prepared once as files of tokens: in pieces, by several processes, with hashes."""
