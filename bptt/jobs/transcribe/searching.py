"""The search for what was said, in the probabilities of symbols that a transcriber gives."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import exp, log1p

from torch import Tensor

from bptt.data.nbest import NBest, ScoredHypothesis, Utterance
from bptt.data.vocabulary import Vocabulary
from bptt.jobs.language.model import Trained, load_language_model
from bptt.jobs.rescore.rescoring import Weights
from bptt.jobs.transcribe.language_reader import LanguageReader
from bptt.jobs.transcribe.search_options import SpeechSearchOptions
from bptt.jobs.transcribe.text_scorer import TextScorer
from bptt.nn.prefix_beam import BestPath, CTCHypothesis, HeardSymbol, PrefixBeam


class SpeechSearch:
    """Searches for texts of the symbols of `vocabulary`, of which `blank` is no text.

    `language_model` is loaded from `options.lm` unless it is given. `weights` are those of the options until
    they are set. `notes` describe how the language model reads texts. Raises InputError if the language model
    cannot be loaded or has another level than character, word or whitespace.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        blank: int,
        options: SpeechSearchOptions,
        language_model: Trained | None = None,
    ) -> None:
        self._vocabulary, self._blank, self._options = vocabulary, blank, options
        self.weights = Weights(options.weight, options.word_bonus, options.per_character)
        self._reader: LanguageReader | None = None
        if language_model is None and options.lm is not None:
            language_model = load_language_model(options.lm)
        if language_model is not None:
            symbols = (vocabulary.show(n) for n in range(2, vocabulary.size))
            case = None if options.lm_case == "auto" else options.lm_case
            self._reader = LanguageReader(language_model, symbols, case)
        self.notes = () if self._reader is None else self._reader.notes

    @property
    def has_beam(self) -> bool:
        """Whether several texts are kept, among which a language model can choose."""
        return self._options.beam_width > 1

    def begin(self) -> PrefixBeam | BestPath:
        """Return a search that reads one utterance, in parts of any size."""
        size = self._vocabulary.size
        if not self.has_beam:
            return BestPath(size, self._blank)
        scorer = None
        if self._reader is not None or self.weights.per_word or self.weights.per_character:
            scorer = TextScorer(self._vocabulary, self._blank, self.weights, self._reader)
        return PrefixBeam(size, self._options.beam_width, self._blank, scorer, self.weights.language)

    def find(self, log_probabilities: Tensor, n: int = 1) -> list[CTCHypothesis]:
        """Return the `n` best texts of an utterance, ln P (T, V), best first, as `results` does."""
        search = self.begin()
        search.push(log_probabilities)
        return self.results(search, n)

    def results(
        self, search: PrefixBeam | BestPath, n: int = 1, committed: tuple[HeardSymbol, ...] = ()
    ) -> list[CTCHypothesis]:
        """Return the `n` best texts of a search at its end, best first; no two are spelled alike.

        Of symbols that spell the same text, as with another space at an end, the best are returned, with the
        probability of all. They begin with the symbols that the search has `committed`.
        """
        found: dict[str, CTCHypothesis] = {}
        for ended in search.final(self._options.beam_width):
            one = replace(ended, heard=(*committed, *ended.heard))
            text = self.text(one)
            found[text] = _merged(found[text], one) if text in found else one
        return list(found.values())[:n]

    def text(self, hypothesis: CTCHypothesis) -> str:
        """Return the text of a hypothesis, its words separated by single spaces."""
        return " ".join(self._vocabulary.decode(hypothesis.symbols).split())

    def nbest(
        self,
        names: Iterable[str],
        lists: Iterable[Sequence[CTCHypothesis]],
        references: Iterable[str | None],
        where: str = "beam",
    ) -> NBest:
        """Return lists of hypotheses as `bptt rescore` reads them; a score is ln P given the sound."""
        utterances = (
            Utterance(
                name, tuple(ScoredHypothesis(self.text(one), one.acoustic) for one in hypotheses), reference
            )
            for name, hypotheses, reference in zip(names, lists, references, strict=True)
        )
        return NBest(where, tuple(utterances))


def nbest_json(lists: NBest) -> str:
    """Write n-best lists as JSON in the form of HyPoradise, an entry a line."""
    entries = [
        {
            "id": each.name,
            "input": [one.text for one in each.hypotheses],
            "am_score": [one.score for one in each.hypotheses],
            **({} if each.reference is None else {"output": each.reference}),
        }
        for each in lists.utterances
    ]
    return "[\n" + ",\n".join(json.dumps(entry, ensure_ascii=False) for entry in entries) + "\n]\n"


def _merged(best: CTCHypothesis, other: CTCHypothesis) -> CTCHypothesis:
    more, less = sorted((best.acoustic, other.acoustic), reverse=True)
    acoustic = more + log1p(exp(less - more))
    score = best.score + acoustic - best.acoustic
    return CTCHypothesis(best.heard, acoustic, best.language, best.bonus, score)
