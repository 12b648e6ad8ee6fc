"""The options of jobs on examples, and examples from what the user gives."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from bptt.cli.training import MOST_LAYERS, FirstArguments, of_data, of_model
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.readers.detect import Detected
    from bptt.data.readers.grid import Columns
    from bptt.data.vocabulary_options import VocabularyOptions
    from bptt.jobs.options import ExampleOptions
    from bptt.models.options import EncoderOptions

Level = Literal["character", "word", "bpe", "whitespace"]
LEVEL = (
    "Unit of the text. whitespace: the words of a text that is tokenised already, such as the Penn Treebank."
)
WHITE_SPACE = "Keep white space as part of the text. Default: only of characters and byte pairs."


@dataclass(frozen=True)
class DataArguments:
    """Which examples are held out, and how they are read."""

    dev: Annotated[
        Path | None,
        of_data(help="Labelled examples to evaluate on while training. Default: a share of DATA."),
    ] = None
    held_out: Annotated[float, of_data(help="Share of DATA that is held out for evaluation (0: none).")] = 0.1
    batch_size: Annotated[int, of_data(help="Examples in a mini-batch.")] = 32
    max_length: Annotated[
        int,
        of_data(help="Longest input in steps (0: no limit): cuts longer ones, leaves out longer pairs."),
    ] = 0

    def options(self, seed: int) -> ExampleOptions:
        """The same as checked values."""
        from bptt.jobs.options import ExampleOptions

        return ExampleOptions(self.batch_size, self.held_out, self.max_length, seed)


@dataclass(frozen=True)
class EncoderArguments:
    """What reads the input."""

    cell: Annotated[str, of_model(help="Cell: a name listed by `bptt cells`, or mycell.py:MyCell.")] = "lstm"
    layers: Annotated[int, of_model(max=MOST_LAYERS, help="Number of recurrent layers.")] = 1
    hidden: Annotated[int, of_model(help="Hidden units of a layer, for each direction.")] = 128
    projection: Annotated[
        int, of_model(help="Size of the projected output, for cells with a projection.")
    ] = 0
    bidirectional: Annotated[bool, of_model(help="Read the input in both directions.")] = True
    feed_forward: Annotated[
        list[int] | None,
        of_model(
            help="Width of a feed-forward layer above the recurrent ones; repeat for more, lowest first."
        ),
    ] = None
    activation: Annotated[
        Literal["relu", "tanh", "sigmoid"], of_model(help="Activation of the feed-forward layers.")
    ] = "relu"
    dropout: Annotated[
        float | None,
        of_model(help="Dropout between and after layers. Default: 0.5 for labels of texts and DNA, else 0."),
    ] = None
    input_dropout: Annotated[
        float | None,
        of_model(
            help="Dropout of the first layer's input. Default: 0.3 for labels of texts and DNA, else 0."
        ),
    ] = None
    initial: Annotated[Literal["zero", "learned"], of_model(help="Initial states.")] = "zero"

    def options(self, first: FirstArguments, usual: tuple[float, float] = (0.0, 0.0)) -> EncoderOptions:
        """Return the same as checked values; `usual` are the dropout and the input dropout by default."""
        from bptt.models.options import EncoderOptions

        return EncoderOptions(
            hidden_size=self.hidden,
            num_layers=self.layers,
            dropout=usual[0] if self.dropout is None else self.dropout,
            proj_size=self.projection,
            initial=self.initial,
            bidirectional=self.bidirectional,
            feed_forward=tuple(self.feed_forward or ()),
            activation=self.activation,
            input_dropout=usual[1] if self.input_dropout is None else self.input_dropout,
            recurrent_init=first.recurrent_init,
            recurrent_scale=first.recurrent_scale,
            forget_bias=first.forget_bias,
        )


@dataclass(frozen=True)
class VectorArguments:
    """Vectors of words that were trained elsewhere."""

    vectors: Annotated[
        Path | None,
        of_model(help="Initial word embedding: text file of word2vec or GloVe vectors."),
    ] = None
    vector_words: Annotated[
        int,
        of_model(min=0, help="Words of --vectors to know beside those of DATA, from the first on."),
    ] = 100_000
    freeze: Annotated[bool, of_model("--freeze", help="Keep the embedding as it begins.")] = False

    @property
    def kept(self) -> int:
        """The number of words beside those of the data."""
        return self.vector_words if self.vectors else 0


@dataclass(frozen=True)
class TokenArguments:
    """What a token of a text is."""

    level: Annotated[Level, of_data(help=LEVEL)] = "word"
    min_count: Annotated[
        int | None,
        of_data(help="Least number of occurrences; rarer tokens become <unk>. Default: 2 for words, else 1."),
    ] = None
    vocab_size: Annotated[
        int | None, of_data(help="Largest size of the vocabulary. Default: 2000 for bpe, else unlimited.")
    ] = None
    lower: Annotated[bool, of_data("--lower", help="Lower-case the text.")] = False
    digits: Annotated[bool, of_data(help="Keep digits.")] = True
    punctuation: Annotated[bool, of_data(help="Keep punctuation and symbols.")] = True
    white_space: Annotated[bool | None, of_data(help=WHITE_SPACE)] = None

    def options(self) -> VocabularyOptions:
        """The same as checked values."""
        return vocabulary_options(
            self.level,
            self.min_count,
            self.vocab_size,
            self.lower,
            self.digits,
            self.punctuation,
            self.white_space,
        )


def vocabulary_options(
    level: Level,
    min_count: int | None,
    vocab_size: int | None,
    lower: bool,
    digits: bool,
    punctuation: bool,
    white_space: bool | None,
) -> VocabularyOptions:
    """The choices for a vocabulary. Raises InputError if white space is to be kept between whole words."""
    from bptt.data.vocabulary_options import VocabularyOptions, usual_white_space

    if white_space and level == "whitespace":
        cure = "Take --level word"
        raise InputError("white_space", "is what separates the tokens of --level whitespace", cure=cure)
    kept = usual_white_space(level) if white_space is None else white_space
    return VocabularyOptions(level, min_count, vocab_size, lower, digits, punctuation, kept)


HeaderOption = Annotated[
    bool | None,
    of_data("--header/--no-header", help="Whether the first row is a header. Default: detected."),
]


def said_form(data: Path, detect: Callable[[Path, Columns], Detected], columns: Columns) -> str:
    """The form that `detect` finds in a file, said aloud."""
    found = detect(data, columns)
    print(f"{data}: read as {found.form}, for {found.reason} (--input says otherwise)", file=sys.stderr)
    return found.form
