"""The options of a translator."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from bptt.data.readers.grid import Columns
from bptt.data.readers.translations import SourceKind, check_translated, kind_of
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.jobs.options import ExampleFiles, ExampleOptions, JobOptions, VectorFiles
from bptt.models.options import EncoderOptions, StackOptions, TokenOptions
from bptt.options.checks import check_least
from bptt.options.field import ADDED, argument, check_fields, option, redefined
from bptt.options.option_set import OptionSet

# Deferred: the record of a kind of input imports its codec, and with it torch, but the help must not.
_find_kind = deferred("bptt.models.kinds.registry", "find_kind")

AttentionName = Literal["additive", "dot", "general", "none"]
Penalty = Literal["gnmt", "power"]

_WIDEST = 10_000  # a wider beam can only be a mistake
# With a larger alpha, lp of a long sequence would overflow.
_LARGEST_ALPHA = 10


@dataclass(frozen=True, kw_only=True)
class PairFiles(VectorFiles, ExampleFiles):
    """The files of a translator."""

    data: Path = argument(
        "Pairs as TSV, CSV, JSON lines or Parquet; or, with `target`, lines; or what is no text: FASTA, "
        "FASTQ, UCI sequences, .ts, UCR, a long CSV, .npz, a table of numbers."
    )
    parallel: Path | None = argument("Target file, line by line, as with `target`.", default=None)
    target: Path | None = option(None, "Target file: its line n is the target of example n.", group="Data")
    dev_target: Path | None = option(None, "Target file of `dev`.", group="Data")


@dataclass(frozen=True)
class PairOptions:
    """How pairs are read, in the format `form` of `data.readers.translations`.

    The columns are those that the user or the training data named; `learned` those from which pairs were
    read; `header`: the first row has names (None: detected). Raises InputError with an invalid option.
    """

    form: str = option(
        "text",
        "Input format: text, class, or a format of numbers.",
        usual="detected from the file",
        group="Data",
        flags="input form",
    )
    source_column: str | None = option(
        None,
        "Column of the source, by name, or by number without a header.",
        group="Data",
        flags="source-column text-column input-column",
    )
    target_column: str | None = option(
        None, "Column of the target.", group="Data", flags="target-column label-column"
    )
    features: tuple[str, ...] = ()
    header: bool | None = option(
        None, "Whether the first row is a header.", usual="detected", group="Data", added=True
    )
    learned: tuple[str, ...] = field(default=(), metadata=ADDED)

    def __post_init__(self) -> None:
        check_fields(self)
        check_translated("form", self.form)

    @property
    def kind(self) -> SourceKind:
        """The kind of the inputs."""
        return kind_of(self.form)

    @property
    def is_vector(self) -> bool:
        """Whether an input is one vector, not a sequence: there is no encoder and no attention."""
        return self.kind == "class" or bool(_find_kind(self.kind).is_row)

    @property
    def columns(self) -> Columns:
        """The columns to expect in another file."""
        given = (self.source_column or "", self.target_column or "")
        return Columns(features=self.features, header=self.header, learned=self.learned or given)


@dataclass(frozen=True)
class DecoderOptions(StackOptions):
    """The options of a decoder of tokens.

    `attention` is a score of `bptt.nn.Attention`, or "none"; `attention_size` the width of the additive score
    (None: that of the decoder). `input_feeding`: see `bptt.nn.Decoder`. With `shared`, source and target have
    one vocabulary and one embedding; with `tied`, the embedding is the output matrix too (Press and Wolf
    2017). `dropout` applies to the embedding, between the layers and before the output. `smoothing` is the
    share of a target's probability that training spreads over all tokens (Szegedy et al. 2016).
    `output_layer` is a name in `bptt.models.heads.registry`. Raises InputError with an invalid option.
    """

    hidden_size: int = redefined(
        StackOptions,
        "hidden_size",
        256,
        help="Hidden units of the decoder.",
        usual="`hidden_size`",
        common=False,
    )
    num_layers: int = redefined(
        StackOptions, "num_layers", 1, help="Layers of the decoder.", usual="`num_layers`", common=False
    )
    embedding_size: int = 64
    attention: AttentionName = option(
        "additive",
        "Attention score.",
        usual="additive; none for a class or a row of numbers",
        group="Model",
    )
    attention_size: int | None = option(
        None,
        "Width of additive attention.",
        usual="that of the decoder",
        group="Model",
        least=1,
    )
    input_feeding: bool = option(
        False, "Feed the attentional output back as input of the next step (slower).", group="Model"
    )
    shared: bool = option(
        False, "Share one vocabulary and one embedding between source and target.", group="Model"
    )
    tied: bool = option(False, "Use the embedding as the output matrix, too.", group="Model")
    smoothing: float = option(
        0.0,
        "Label smoothing: share of the probability spread over all tokens.",
        group="Model",
        share=True,
    )
    output_layer: str = option(
        "full",
        "Output layer: full, the softmax of a logit for each token; adaptive, a softmax for frequent tokens "
        "and one for each cluster of rarer ones; sampled, full but learned with some tokens; or one that a "
        "package adds.",
        group="Model",
        added=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_least("embedding_size", self.embedding_size, 1)
        if self.attention_size is not None and self.attention != "additive":
            cure = "Leave it out"
            raise InputError("attention_size", "is for additive attention", self.attention, cure)
        if self.input_feeding and self.attention == "none":
            raise InputError("input_feeding", "needs attention", self.attention, "Leave it out")
        if self.tied and self.embedding_size != self.output_size:
            rule = f"tied weights need an embedding as wide as the output, {self.output_size}"
            raise InputError("embedding_size", rule, self.embedding_size)


@dataclass(frozen=True)
class BeamOptions:
    """The options of beam search: `width` hypotheses are kept open, and the `n_best` are returned.

    An ended hypothesis has the score ln P / lp + cp. With |y| tokens, `<eos>` included, lp is ((5 + |y|) /
    6)^alpha if `penalty` is "gnmt", |y|^alpha if "power"; 1 if `alpha` is 0. cp is beta Σ_s ln min(Σ_t a_ts,
    1), where a_ts is the attention of token t to place s of the source (Wu et al. 2016, eq. 14).
    `refuse_unknown` excludes `<unk>`. Raises InputError with the option if a value is out of bounds.
    """

    width: int = option(
        5,
        "Hypotheses kept open while searching (1: greedy).",
        usual="5",
        group="Translation",
        flags="beam width",
        least=1,
        most=_WIDEST,
        common=True,
    )
    n_best: int = 1
    penalty: Penalty = option("gnmt", "Formula of the length penalty.", group="Translation")
    alpha: float = option(
        1.0,
        "Strength of the length penalty (0: none, which favours short texts).",
        group="Translation",
    )
    beta: float = option(0.0, "Strength of the coverage penalty.", group="Translation", least=0)
    refuse_unknown: bool = option(False, "Never write <unk>.", group="Translation")

    def __post_init__(self) -> None:
        check_fields(self)
        check_least("n_best", self.n_best, 1)
        if self.n_best > self.width:
            raise InputError("n_best", f"is at most the width of the beam, {self.width}", self.n_best)
        if not 0 <= self.alpha <= _LARGEST_ALPHA:
            raise InputError("alpha", f"is from 0 to {_LARGEST_ALPHA}", self.alpha)

    def lp(self, tokens: int) -> float:
        """Return the length penalty of a number of tokens: at least 1, and growing with it."""
        return float(((5 + tokens) / 6 if self.penalty == "gnmt" else tokens) ** self.alpha)


@dataclass(frozen=True)
class SearchOptions:
    """The options of beam search on the command line; see BeamOptions."""

    width: int | None = redefined(BeamOptions, "width", None)
    penalty: Penalty = redefined(BeamOptions, "penalty", "gnmt")
    alpha: float = redefined(BeamOptions, "alpha", 1.0)
    beta: float = redefined(BeamOptions, "beta", 0.0)
    refuse_unknown: bool = redefined(BeamOptions, "refuse_unknown", False)

    def beam(self, n_best: int | None = None) -> BeamOptions:
        """Return the options of a beam search for `n_best` texts. Raises InputError as BeamOptions does."""
        wanted = 1 if n_best is None else n_best
        width = max(BeamOptions.width, wanted) if self.width is None else self.width
        return BeamOptions(width, wanted, self.penalty, self.alpha, self.beta, self.refuse_unknown)


@dataclass(frozen=True)
class TranslateAnswerOptions(SearchOptions):
    """The options of `bptt predict` for translators."""

    n_best: int | None = option(
        None,
        "Number of answers to each input, with their scores (translate, transcribe, tag with a CRF).",
        least=1,
        common=True,
    )
    temperature: float | None = option(
        None, "Draw each token at this temperature instead of searching.", group="Translation"
    )
    seed: int = option(0, "Seed; the same seed draws the same texts.", group="Translation")
    attention: Path | None = option(
        None, "PNG file for the attention of the first text.", group="Translation"
    )


@dataclass(frozen=True)
class TranslateEvaluationOptions(SearchOptions):
    """The options of `bptt evaluate` for translators."""

    target: Path | None = option(
        None, "Target file: its line n is the target of example n (translate).", common=True
    )


def one_target(parallel: Path | None, target: Path | None) -> Path | None:
    """Return the file of targets: the second of two files, or `target`. Raises InputError for both."""
    if parallel is not None and target is not None:
        cure = "Leave one of them out"
        raise InputError("target", "must name the only file of targets", f"another one, {parallel}", cure)
    return target if parallel is None else parallel


OPTIONS = JobOptions(
    name="translate",
    task="translate",
    called="translator",
    title="Train a translator from texts, classes or numbers to texts.",
    about="From a sentence, many to many; from a class or numbers, one to many.",
    stays="pairs in TSV, CSV, JSON lines or two files of lines, not compressed, stay in their file",
    predict=TranslateAnswerOptions,
    evaluate=TranslateEvaluationOptions,
    train=OptionSet(
        {
            "": PairFiles,
            "data": ExampleOptions,
            "vocabulary": VocabularyOptions,
            "pairs": PairOptions,
            "encoder": EncoderOptions,
            "tokens": TokenOptions,
            "target": VocabularyOptions,
            "decoder": DecoderOptions,
        },
        usual={"level": "word"},
        words={
            "target_level": "`level`",
            "target_min_count": "`min_count`",
            "target_max_size": "`max_size`",
        },
        fixed=frozenset(f"target.{name}" for name in ("digits", "punctuation", "white_space", "normalise"))
        | frozenset(
            f"decoder.{name}"
            for name in ("dropout", "proj_size", "recurrent_init", "recurrent_scale", "forget_bias")
        ),
    ),
)
