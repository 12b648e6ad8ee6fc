"""The derivation on paper: one document, written as plain text, LaTeX or a page with MathML."""
