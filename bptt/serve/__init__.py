"""Trained models answered over HTTP: `bptt serve`."""
