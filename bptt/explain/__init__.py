"""The derivation of a cell on paper: one document, rendered as plain text, LaTeX or a page with MathML.

`derivation` takes a cell and returns the document, which `text`, `latex` and `page` render.
"""

from bptt.explain.derivation import derivation as derivation
from bptt.explain.latex import latex as latex
from bptt.explain.page import page as page
from bptt.explain.text import text as text
