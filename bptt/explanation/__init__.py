"""The derivation of a trained model: where a run, what a probe measures of it, and explain meet."""

from bptt.explanation.layer_of_run import explain_run as explain_run
from bptt.explanation.layer_of_run import has_text_of_its_own as has_text_of_its_own
