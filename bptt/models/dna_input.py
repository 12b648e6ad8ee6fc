"""The input part of sequences of DNA."""

from __future__ import annotations

import torch
from torch import Tensor

from bptt.data.nucleotides import LETTERS, bases
from bptt.models.inputs import InputPart, look_up


class DnaInput(InputPart):
    """Letters of DNA as the probabilities of A, C, G and T, even among the bases that a letter may mean."""

    probabilities: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.output_size = 4
        rows = [[(base in bases(letter)) / len(bases(letter)) for base in "ACGT"] for letter in LETTERS]
        self.register_buffer("probabilities", torch.tensor(rows))

    def forward(self, letters: Tensor) -> Tensor:
        """Return probabilities (T, B, 4) for `letters` (T, B), places in nucleotides.LETTERS, padded with
        NOTHING.
        """
        return look_up(letters, self.probabilities)
