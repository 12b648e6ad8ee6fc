"""Chinese, in simplified characters: English templates and their translations, by what is written."""

from __future__ import annotations

from collections.abc import Mapping

from bptt.languages.zh.cells import CELLS
from bptt.languages.zh.criteria import CRITERIA
from bptt.languages.zh.derivations import DERIVATIONS
from bptt.languages.zh.diagrams import DIAGRAMS
from bptt.languages.zh.live_words import LIVE
from bptt.languages.zh.looks import LOOKS
from bptt.languages.zh.model_facts import MODEL_FACTS
from bptt.languages.zh.models import MODELS
from bptt.languages.zh.networks import NETWORKS
from bptt.languages.zh.numbers import NUMBERS
from bptt.languages.zh.page_words import PAGES
from bptt.languages.zh.unrolled_steps import UNROLLED_STEPS
from bptt.languages.zh.verdicts import VERDICTS

CHINESE: Mapping[str, str] = {
    **CELLS,
    **CRITERIA,
    **DERIVATIONS,
    **DIAGRAMS,
    **LIVE,
    **LOOKS,
    **MODEL_FACTS,
    **MODELS,
    **NETWORKS,
    **NUMBERS,
    **PAGES,
    **UNROLLED_STEPS,
    **VERDICTS,
}
