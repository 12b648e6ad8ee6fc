"""The options of a language model."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from pathlib import Path
from typing import Literal

from bptt.data.vocabulary_options import END, NOTHING, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.sampling_options import LineOptions, PromptOptions, SamplingOptions
from bptt.jobs.language.scoring_options import LineScoreOptions
from bptt.jobs.options import CellChoice, JobOptions, TextFiles
from bptt.languages.phrase import phrase
from bptt.models.options import RecurrentOptions, Start
from bptt.options.checks import check_least
from bptt.options.field import argument, check_fields, option, redefined, times
from bptt.options.option_set import OptionSet

Mode = Literal["continuous", "sentences"]

FULL, ADAPTIVE, SAMPLED = "full", "adaptive", "sampled"
# The largest vocabulary whose default is the full softmax and a dense update of the embedding: there the full
# softmax of an update takes about as long as the rest of it, and dense Adam a tenth.
LARGE = 20_000

_EMBEDDING = 64  # the default size
_SAMPLES = 8192
# The embedding that is tied to the layer adaptive, in the words of errors.
_CLUSTERS = "the clusters of a tied output layer adaptive"


@dataclass(frozen=True, kw_only=True)
class LanguageFiles(CellChoice, TextFiles):
    """The texts of a language model."""

    files: tuple[Path, ...] = argument(
        "Text, plain or compressed by gzip or Zstandard, or a folder of `bptt prepare`. Without files: the "
        "language reference of Python.",
        default=(),
    )
    dev: Path | None = option(
        None,
        "Text to evaluate on during training.",
        usual="the end of the text",
        group="Data",
        common=True,
    )
    one_hot: bool = option(False, "Use one-hot input without an embedding.", group="Model")
    vectors: Path | None = option(
        None,
        "Initial embedding: text file of word2vec or GloVe vectors, for `level` word or whitespace. "
        "Words that the text lacks stay <unk>, as the model predicts its vocabulary alone.",
        group="Model",
    )


@dataclass(frozen=True)
class ModelOptions(RecurrentOptions):
    """The options of the network of a language model.

    `embedding_size` is D (0: one-hot input; None: 64, or the width of the output if `tied`). With `tied`, the
    embedding is the output matrix too (Press and Wolf 2017), or the clusters of the layer adaptive are the
    embedding (Baevski and Auli 2019). `dropout` applies to the embedding, between the
    layers and before the output (Zaremba et al. 2014). With `frozen`, the embedding is not trained.
    `output_layer` is a name in `bptt.models.heads.registry` (None: full), `cutoffs` the clusters of the layer
    adaptive. With `row_sparse`, the gradient of the embedding holds the rows that a batch has read, and an
    update touches no others. `smoothing` is the share of a target's probability that training spreads over
    all tokens (Szegedy et al. 2016).

    Raises InputError with the option if a value is invalid, or options contradict each other.
    """

    initial: Start = redefined(RecurrentOptions, "initial", "zero", help="Initial states of a text.")
    embedding_size: int | None = option(
        None,
        "Size of the embedding (0: one-hot).",
        usual="64, or what `tied` requires",
        group="Model",
        flags="embedding embedding-size",
        least=0,
    )
    tied: bool = option(
        False,
        "Use the embedding as the output matrix, too; with the output layer adaptive, its clusters embed.",
        group="Model",
    )
    _: KW_ONLY
    frozen: bool = option(
        False, "Do not train the embedding.", group="Model", flags="freeze frozen", added=True
    )
    output_layer: str | None = option(
        None,
        "Output layer: full, the softmax of a logit for each token; adaptive, a softmax for frequent tokens "
        "and one for each cluster of rarer ones; sampled, full but learned with some tokens; or one that a "
        "package adds.",
        usual=f"full; adaptive above {LARGE:,} tokens, unless `tied` or `smoothing` is given",
        group="Model",
        added=True,
    )
    cutoffs: tuple[int, ...] = option(
        (),
        "First token of a cluster of the output layer adaptive; repeat for more, in rising order.",
        usual="those of the least time, by the counts of the tokens",
        group="Model",
        flags="cutoff cutoffs",
        least=1,
        added=True,
    )
    samples: int = option(
        _SAMPLES,
        "Tokens drawn for an update with the output layer sampled.",
        group="Model",
        least=1,
        added=True,
    )
    row_sparse: bool | None = option(
        None,
        "Update only the rows of the embedding that a batch reads.",
        usual=f"yes above {LARGE:,} tokens, unless `tied` is given",
        group="Model",
        added=True,
    )
    smoothing: float = option(
        0.0,
        "Label smoothing: share of the probability spread over all tokens.",
        group="Model",
        share=True,
        added=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_least("embedding_size", self.width, 0)
        if self.frozen and not self.width:
            raise InputError("frozen", "is of an embedding", "one-hot input", "Leave it out")
        layer = self.output_layer or FULL
        if self.frozen and self.tied and layer == ADAPTIVE:
            raise InputError("frozen", "is of an embedding of its own", _CLUSTERS, "Leave it out")
        if self.cutoffs and layer in (FULL, SAMPLED):
            raise InputError("cutoffs", f"are of the output layer {ADAPTIVE}", layer, "Leave them out")
        if self.samples != _SAMPLES and layer in (FULL, ADAPTIVE):
            raise InputError("samples", f"are of the output layer {SAMPLED}", layer, "Leave them out")
        if self.row_sparse and (self.tied or not self.width):
            got = "a tied one, whose gradient has all rows" if self.tied else "one-hot input"
            raise InputError("row_sparse", "is of an embedding that is read alone", got, "Leave it out")
        self.check_tied(self.output_size)

    def check_tied(self, output_size: int) -> None:
        """Raise InputError if the weights are tied and output and embedding differ in width."""
        if self.tied and self.width != output_size:
            rule = f"tied weights need an embedding as wide as the output, {output_size}"
            raise InputError("embedding_size", rule, self.width, "Leave it out")

    def of_width(self, width: int) -> ModelOptions:
        """Return the options with an embedding as wide as pretrained vectors.

        Raises InputError if another width or one-hot input was chosen, or tied weights need another width.
        """
        if self.tied and self.output_layer == ADAPTIVE:
            raise InputError("vectors", "are of an embedding of its own", _CLUSTERS, "Leave out `tied`")
        if self.embedding_size == 0:
            cure = "Leave out `vectors` or `one_hot`"
            raise InputError("vectors", "are of an embedding", "one-hot input", cure)
        if self.embedding_size not in (None, width):
            rule = f"must be as wide as the embedding, {self.embedding_size}"
            raise InputError("vectors", rule, width, "Leave out `embedding_size`")
        if self.tied and width != self.output_size:
            rule = f"tied weights need vectors as wide as the output, {self.output_size}"
            raise InputError("vectors", rule, width, "Leave out `tied`, or change `hidden_size`")
        return replace(self, embedding_size=width)

    @property
    def width(self) -> int:
        """D, or 0 for one-hot input."""
        if self.embedding_size is not None:
            return self.embedding_size
        return self.output_size if self.tied else _EMBEDDING


@dataclass(frozen=True)
class DataOptions:
    """How a text is read.

    In the mode "continuous", it is divided into `batch_size` streams, and `sequence_length` tokens of each
    are read at a time, with the states carried over; in "sentences", each line is read by itself. `seed`
    determines the order of the sentences. The last fraction `held_out` of the text, possibly 0, is excluded
    from training, unless a held-out text is given separately. Raises InputError with the option if a value is
    invalid.
    """

    mode: Mode = option(
        "continuous",
        "Read the text as one stream, carrying the states over, or each line by itself.",
        group="Data",
        common=True,
    )
    batch_size: int = option(
        32,
        "Streams (continuous) or lines (sentences) in a mini-batch.",
        group="Training",
        least=1,
        tried=times(0.25, 2),
    )
    sequence_length: int = option(
        50,
        "Length of truncated back-propagation in tokens (continuous).",
        group="Training",
        flags="length sequence-length",
        least=1,
    )
    held_out: float = option(
        0.1,
        "Share of the text, at its end, that is held out for evaluation (0: none).",
        group="Data",
        share=True,
    )
    seed: int = 0

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def before_line(self) -> int:
        """The input before the first token of a line that is scored by itself.

        A model of sentences was trained with a zero input there (L2 in docs/equations.md). In a continuous
        text, the end of another line precedes a line; a zero input occurs only once in each stream.
        """
        return NOTHING if self.mode == "sentences" else END

    @property
    def line_context(self) -> str:
        """The meaning of `before_line` in words, for the user."""
        if self.mode == "sentences":
            return phrase("each line is read from a zero input, as the model learned sentences")
        return phrase(
            "each line is read after <eos>, the end of a line, as the model learned a continuous text"
        )


OPTIONS = JobOptions(
    name="lm",
    task="language-model",
    called="language model",
    title="Train a language model on a text.",
    about="The model gives the probability of each character or word, given those before it.",
    sample={"sampling": SamplingOptions, "prompt": PromptOptions, "lines": LineOptions},
    score={"line_scores": LineScoreOptions, "memory": MemoryOptions},
    evaluate=MemoryOptions,
    then=("bptt sample {run}", "bptt score {run} FILE", "bptt inspect {run}"),
    train=OptionSet(
        {
            "": LanguageFiles,
            "data": DataOptions,
            "vocabulary": VocabularyOptions,
            "model": ModelOptions,
        },
    ),
)
