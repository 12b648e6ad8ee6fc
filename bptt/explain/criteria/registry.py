"""The derivations that `bptt derive` knows by a name of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bptt.explain.criteria.label_alignments import ctc_derivation
from bptt.explain.criteria.tag_sequences import crf_derivation
from bptt.explain.criteria.word_clusters import adaptive_derivation
from bptt.explain.document import Derivation

CRITERIA: Mapping[str, Callable[[], Derivation]] = {
    "crf": crf_derivation,
    "ctc": ctc_derivation,
    "adaptive": adaptive_derivation,
}
