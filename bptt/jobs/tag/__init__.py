"""One answer for each word."""
