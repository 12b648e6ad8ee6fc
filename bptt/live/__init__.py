"""Trained models as pages in which they run: cells in JavaScript, weights in float16, one file of HTML."""
