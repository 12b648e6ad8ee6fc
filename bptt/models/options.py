"""The sizes of recurrent stacks, encoders and input parts, as options."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, field
from typing import Literal

from bptt.data.vocabulary_options import Normalisation, VocabularyOptions, folded
from bptt.errors import InputError
from bptt.options.field import ADDED, between, check_fields, one_of, option, redefined, times

Start = Literal["zero", "learned", "random"]
RecurrentInitName = Literal["default", "orthogonal", "identity"]
Activation = Literal["relu", "tanh", "sigmoid"]

# Beyond any network that was trained; without a bound a mistyped number is made layer by layer.
MOST_LAYERS = 1000


@dataclass(frozen=True)
class StackOptions:
    """The sizes of a recurrent stack. `proj_size` is for cells with a projection.

    `recurrent_init`, `recurrent_scale` and `forget_bias` say with which values it begins: see
    `bptt.nn.init_recurrent` and `bptt.nn.init_forget_bias`; None leaves that bias as it was drawn. Raises
    InputError naming the option.
    """

    hidden_size: int = option(
        256,
        "Hidden units of a layer.",
        group="Model",
        flags="hidden hidden-size",
        least=1,
        common=True,
        tried=times(0.3, 2),
    )
    num_layers: int = option(
        2,
        "Number of recurrent layers.",
        group="Model",
        flags="layers num-layers",
        least=1,
        most=MOST_LAYERS,
        common=True,
        tried=one_of(1, 2, 3),
    )
    dropout: float = option(0.0, "Dropout between layers.", group="Model", share=True, tried=between(0, 0.6))
    proj_size: int = option(
        0,
        "Size of the projected output, for cells with a projection.",
        group="Model",
        flags="projection proj-size",
        least=0,
    )
    _: KW_ONLY
    recurrent_init: RecurrentInitName = option(
        "default",
        "Initial recurrent matrices; default draws uniformly from ±1/√H.",
        group="Model",
        added=True,
    )
    recurrent_scale: float = option(
        1.0, "Factor of orthogonal and identity matrices.", group="Model", least=0, added=True
    )
    forget_bias: float | None = option(
        None,
        "Initial bias of forget gates.",
        usual="drawn like any other bias",
        group="Model",
        added=True,
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.recurrent_init == "default" and self.recurrent_scale != 1:
            cure = "Choose orthogonal or identity"
            raise InputError("recurrent_scale", "is of a recurrent_init", self.recurrent_init, cure)

    @property
    def output_size(self) -> int:
        """The width of what one direction of the last layer hands on."""
        return self.proj_size or self.hidden_size

    @property
    def dropout_between(self) -> float:
        """The dropout between layers, if there are several."""
        return self.dropout if self.num_layers > 1 else 0.0


@dataclass(frozen=True)
class RecurrentOptions(StackOptions):
    """The sizes of a recurrent stack of its own. `initial` says where the states of a sequence start.

    With "random" each sequence of a training starts at states drawn from N(0, 1); evaluation and answers
    start at zero, their mean, so that they are the same at every call. Raises InputError naming the option.
    """

    initial: Start = option(
        "zero", "Initial states; random draws them in training, evaluation starts at zero.", group="Model"
    )


@dataclass(frozen=True)
class EncoderOptions(RecurrentOptions):
    """The sizes of an encoder, beside those of its stack.

    `feed_forward` holds the widths of the layers on top, from below, each with the `activation`.
    `input_dropout` acts on the input of the stack, `dropout` between its layers, on its output, and after
    each layer on top. Raises InputError naming the option.
    """

    hidden_size: int = redefined(
        StackOptions, "hidden_size", 128, help="Hidden units of a layer, for each direction."
    )
    num_layers: int = redefined(StackOptions, "num_layers", 1)
    dropout: float = redefined(StackOptions, "dropout", 0.0, help="Dropout between and after layers.")
    bidirectional: bool = option(True, "Read the input in both directions.", group="Model")
    feed_forward: tuple[int, ...] = option(
        (),
        "Width of a feed-forward layer above the recurrent ones; repeat for more, lowest first.",
        group="Model",
        least=1,
    )
    activation: Activation = option("relu", "Activation of the feed-forward layers.", group="Model")
    input_dropout: float = option(
        0.0, "Dropout of the first layer's input.", group="Model", share=True, tried=between(0, 0.5)
    )


@dataclass(frozen=True)
class TokenOptions:
    """How tokens become vectors of `embedding_size`, D; one-hot of width V if that is 0.

    `token_dropout` is the share of tokens that training takes for unknown, so that a model learns what to
    do without them. `frozen` keeps the embedding as it was filled. Of a file of vectors trained elsewhere
    `vector_words` that training did not hold are known too. Raises InputError naming the option.
    """

    embedding_size: int = option(
        64,
        "Size of the token embedding (0: one-hot).",
        group="Model",
        flags="embedding embedding-size",
        least=0,
        tried=times(0.5, 2),
    )
    token_dropout: float = option(
        0.0,
        "Share of tokens replaced by <unk> in training.",
        group="Model",
        share=True,
        tried=between(0, 0.4),
    )
    frozen: bool = option(False, "Keep the embedding as it begins.", group="Model", flags="freeze frozen")
    _: KW_ONLY
    vector_words: int = field(default=0, metadata=ADDED)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class SpellingOptions:
    """The sizes of what reads the characters of a word: of their embedding, and of each direction.

    Raises InputError naming the option.
    """

    character_size: int = option(25, "Size of the character embedding.", group="Model", least=1)
    character_hidden_size: int = option(
        25,
        "Hidden units that read characters, for each direction.",
        group="Model",
        flags="character-hidden character-hidden-size",
        least=1,
        tried=times(0.5, 3),
    )

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class WordOptions(TokenOptions, SpellingOptions):
    """How a word is represented: by its row of an embedding, in small letters if `lowercase`, if it occurs
    `min_count` times in training; and by its characters as they are, if `spelled`; after `normalise`, as
    in a vocabulary. Raises InputError naming the option.
    """

    embedding_size: int = redefined(
        TokenOptions, "embedding_size", 64, help="Size of the word embedding (0: one-hot)."
    )
    token_dropout: float = redefined(
        TokenOptions, "token_dropout", 0.0, help="Share of words replaced by <unk> in training."
    )
    min_count: int = option(
        1, "Least number of occurrences; rarer words become <unk>.", group="Data", least=1
    )
    lowercase: bool = option(True, "Look words up in lower case.", group="Data", flags="lower lowercase")
    spelled: bool = option(
        True, "Also read the characters of each word.", group="Model", flags="characters spelled"
    )

    normalise: Normalisation | None = redefined(VocabularyOptions, "normalise", None)

    def read(self, word: str) -> str:
        """Return a word as its characters are read."""
        return folded(word, self.normalise)

    def form(self, word: str) -> str:
        """Return a word as the embedding knows it."""
        read = self.read(word)
        return read.lower() if self.lowercase else read
