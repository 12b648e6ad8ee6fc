"""The input part of words that are read by their characters, too."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bptt.data.vocabulary_options import NOTHING
from bptt.models.inputs import InputPart, TokenInput
from bptt.models.options import SpellingOptions, TokenOptions
from bptt.nn.modules import LSTM


class SpelledWordInput(InputPart):
    """Words by a `TokenInput`, and beside it the final states of a bidirectional LSTM that has read their
    characters, so that words never seen in training are not all alike (Lample et al. 2016, section 4.1).
    """

    def __init__(self, words: TokenInput, num_characters: int, options: SpellingOptions) -> None:
        super().__init__()
        self.words = words
        self.characters = TokenInput(num_characters, TokenOptions(options.character_size))
        self.speller = LSTM(options.character_size, options.character_hidden_size, bidirectional=True)
        self.output_size = words.output_size + 2 * options.character_hidden_size

    def forward(self, words: Tensor, characters: Tensor) -> Tensor:
        """Return vectors (T, B, I) for `words` (T, B) int64 of `characters` (T, B, W) int64, both padded with
        NOTHING.
        """
        return torch.cat([self.words(words), self._spell(characters)], 2)

    def _spell(self, characters: Tensor) -> Tensor:
        """Return the final states (T, B, 2 H) of both directions; zero for a word without characters."""
        # Each spelling is read once, however often the word occurs.
        spelled = characters.flatten(0, 1)  # (T·B, W)
        spellings, places = torch.unique(spelled, dim=0, return_inverse=True)  # (N, W), (T·B,)
        lengths = (spellings != NOTHING).sum(1)
        _, (final, _) = self.speller(self.characters(spellings.t()), lengths=lengths)  # (2, N, H)
        read = final.transpose(0, 1).flatten(1)  # (N, 2 H)
        return functional.embedding(places.view(characters.shape[:2]), read)
