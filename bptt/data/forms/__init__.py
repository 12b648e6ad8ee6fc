"""The forms of examples: one file for each kind of input, with what shows a form and its reader."""
