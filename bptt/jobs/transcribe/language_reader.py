"""A language model that reads many beginnings of texts, in batches, each only once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from weakref import WeakValueDictionary

import torch
from torch import Tensor

from bptt.data.vocabulary_options import CUT_INTO_WORDS, END, UNKNOWN
from bptt.errors import InputError
from bptt.jobs.language.casing import CASES
from bptt.jobs.language.model import Trained
from bptt.runs.evaluating import evaluating

# Beginnings of words of which the tokens are kept: a bound on the memory of an endless search.
_KEPT = 100_000


class History:
    """Tokens that were read: the states after them, ln P of each next token (V,), and continuations.

    It does not keep its continuations, so that memory is freed once no search holds them.
    """

    __slots__ = ("__weakref__", "ln", "next", "states")

    def __init__(self, states: tuple[Tensor, ...], ln: Tensor) -> None:
        self.states, self.ln = states, ln
        self.next: WeakValueDictionary[int, History] = WeakValueDictionary()


class LanguageReader:
    """Reads texts by characters or by words, for a search that goes on with many texts at once.

    `case` is a name in `CASES`, to which texts are converted; without one, that which suits the letters of
    `alphabet` best. `notes` say how texts are read. Raises InputError for a model of other tokens.
    """

    def __init__(self, trained: Trained, alphabet: Iterable[str], case: str | None = None) -> None:
        self._model, self._vocabulary, config = trained
        level = self._vocabulary.options.level
        self.by_words = level in CUT_INTO_WORDS
        if level != "character" and not self.by_words:
            rule = "a model that a search asks must have the level character, word or whitespace"
            raise InputError(
                "language model", rule, level, "Train one, or rescore the n-best lists with this"
            )
        self._tokens = {self._vocabulary.show(token): token for token in range(self._vocabulary.size)}
        self._encoded: dict[str, tuple[int, ...]] = {}
        letters = sorted({letter for text in alphabet for letter in text if not letter.isspace()})
        self.case = case or self._suitable_case(letters)
        self.notes = tuple(self._describe(letters))
        with evaluating(self._model):
            first = torch.tensor([[config.data.before_line]], device=self._model.device)
            self.start = self._histories(*self._model.read(first))[0]

    def tokens(self, text: str) -> tuple[int, ...]:
        """Return the tokens of a word, or of characters; UNKNOWN for one that was not learned."""
        if text not in self._encoded:
            if len(self._encoded) >= _KEPT:
                self._encoded.clear()
            written = CASES[self.case](text)
            if self.by_words:
                found = tuple(self._vocabulary.encode(written).tolist())
            else:
                found = tuple(self._tokens.get(each, UNKNOWN) for each in self._left_in(written))
            self._encoded[text] = found
        return self._encoded[text]

    def advance(self, pairs: Sequence[tuple[History, int]]) -> list[History]:
        """Return each history with one more token; the model reads each pair only once."""
        known = {pair: pair[0].next.get(pair[1]) for pair in pairs}
        new = [pair for pair, after in known.items() if after is None]
        if new:
            before = zip(*(history.states for history, _ in new), strict=True)
            states = tuple(torch.stack(each, 1) for each in before)
            tokens = torch.tensor([[token for _, token in new]], device=self._model.device)
            with evaluating(self._model):
                found = self._histories(*self._model.read(tokens, states))
            for (history, token), made in zip(new, found, strict=True):
                known[history, token] = history.next[token] = made
        return [after for pair in pairs if (after := known[pair]) is not None]

    def end(self, history: History) -> float:
        """Return ln P that the text ends."""
        return float(history.ln[END])

    def _histories(self, output: Tensor, states: tuple[Tensor, ...]) -> list[History]:
        ln = self._model.log_probabilities(output[-1]).cpu().double()
        rows = zip(*(state.unbind(1) for state in states), strict=True)
        return [History(row, each) for row, each in zip(rows, ln, strict=True)]

    def _left_in(self, text: str) -> Iterable[str]:
        """Yield the characters that the options of the vocabulary leave in."""
        for character in text:
            # By itself a space would be left out at the ends of a line.
            yield from character if character.isspace() else next(self._vocabulary.left_in(character))

    def _suitable_case(self, letters: Sequence[str]) -> str:
        known = {letter for token in self._tokens for letter in token}
        names = [name for name in CASES if name != "capital"]
        return max(names, key=lambda name: sum(CASES[name](letter) in known for letter in letters))

    def _describe(self, letters: Sequence[str]) -> Iterable[str]:
        if self.case != "keep":
            yield f"case: the language model reads the texts in {self.case} case, which it knows best"
        if not self.by_words:
            unknown = [letter for letter in letters if UNKNOWN in self.tokens(letter)]
            if unknown:
                yield f"the language model does not know {' '.join(unknown)}, and reads <unk> there"
