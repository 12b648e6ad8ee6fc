"""Small networks with all their numbers: read or drawn, evaluated, written as a document or a CSV table."""
