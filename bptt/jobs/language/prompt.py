"""The text that a sample continues, as a model reads it."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from bptt.data.vocabulary import TextStream
from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError
from bptt.jobs.language.model import Trained
from bptt.jobs.language.text_read import TextRead, before_text, continued


@dataclass(frozen=True)
class Prompt:
    """The text that a sample continues, as the model reads it; its tokens (T,); the number of `<unk>`.

    It goes on `behind` a text that has been read, or begins one.
    """

    text: str
    tokens: Tensor
    unknown: int
    behind: TextRead

    @property
    def at_start(self) -> bool:
        """Whether the token behind it begins a line."""
        return int(self.tokens[-1]) == END if len(self.tokens) else self.behind.at_start


def read_prompt(trained: Trained, text: str, behind: TextRead | None = None) -> Prompt:
    """Encode a prompt as the training text was encoded.

    Tokens of words and BPE include the space before them, so a space at the end of the prompt is left to the
    next token. Raises InputError if the prompt is no valid Unicode, or has a newline and the model reads
    sentences.
    """
    before = behind or before_text()
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InputError("prompt", "must be UTF-8", ascii(text)) from error
    if "\n" in text and trained.config.data.mode == "sentences":
        cure = "Leave the newline out: this model knows one sentence at a time"
        raise InputError("prompt", "must be the start of a sentence", repr(text), cure)
    if trained.vocabulary.options.level not in ("character", "jieba"):
        text = text.removesuffix(" ")
    tokens = trained.vocabulary.encode(continued(trained.vocabulary, text, before))
    stream = TextStream(trained.vocabulary, before.at_start)
    read = "".join(map(stream.push, tokens.tolist())) + stream.close()
    return Prompt(read, tokens, int((tokens == UNKNOWN).sum()), before)
