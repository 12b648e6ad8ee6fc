"""Readers: from a user's file to examples, each with its place, or an error that names it."""
