"""The options of a transcriber."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from pathlib import Path
from typing import Literal

from bptt.data.audio.options import AugmentOptions, SoundOptions
from bptt.data.readers.forms import FORMS
from bptt.data.readers.grid import Columns
from bptt.data.readers.speech.layouts import SPEECH_FORMS
from bptt.data.readers.speech.options import SpeechOptions
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.options import ExampleFiles, ExampleOptions, JobOptions
from bptt.jobs.transcribe.search_options import USUAL_WIDTH, SpeechSearchOptions
from bptt.jobs.transcribe.stream_options import StreamOptions
from bptt.models.options import EncoderOptions
from bptt.options.field import argument, check_fields, option, redefined
from bptt.options.option_set import OptionSet

# The kind of the inputs that are features in files of numbers.
FEATURES = "series"

LetterCase = Literal["upper", "lower", "mixed"]
# The held-out metric that chooses the epoch: character or word error rate, or the loss.
SpeechMetric = Literal["cer", "wer", "loss"]


@dataclass(frozen=True, kw_only=True)
class TranscribeFiles(ExampleFiles):
    """The files of a transcriber."""

    data: Path = argument(
        "Recordings with what was said: a folder of sounds and texts, or a manifest (TSV, CSV, JSON lines, "
        "Kaldi, LibriSpeech, Common Voice, CMU Sphinx)."
    )


@dataclass(frozen=True)
class RecordingOptions(SpeechOptions):
    """How recordings are read: sounds, or features in a file of numbers.

    `form` is a layout of speech, or a form of series in `data.readers.forms.FORMS`; then `features` names the
    numbers of a frame, and `learned` the columns. Raises InputError with the option if a value is invalid.
    """

    header: bool | None = option(None, "Whether the first row is a header.", usual="detected", group="Data")
    features: tuple[str, ...] = ()
    learned: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.kind

    @property
    def kind(self) -> str:
        """The kind of the inputs: "sound" or "series"."""
        return kind_of(self.form)

    @property
    def columns(self) -> Columns:
        """The columns to expect in a file of features."""
        given = (self.sound_column or "", self.text_column or "")
        return Columns(features=self.features, header=self.header, learned=self.learned or given)


@dataclass(frozen=True)
class TranscriptOptions:
    """How transcripts are read. `case` is that of nearly all training transcripts, in which all others are
    learned and compared.
    """

    spaces: bool | None = option(
        None,
        "Learn the spaces between words.",
        usual="unless the language writes none, as Chinese",
        group="Data",
    )
    marks: bool = option(
        False, "Keep marks of what is no speech, such as [noise] and <unk>, as text.", group="Data"
    )
    case: LetterCase = "mixed"

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True)
class TranscriberOptions(EncoderOptions):
    """The network of a transcriber.

    `frames_per_step` frames of features are read as one step. A network of one direction sees `look_ahead`
    steps ahead, by a row convolution above its recurrent layers (Amodei et al. 2016, Deep Speech 2, section
    3.3). The bias of the blank begins at `blank_bias`, all others at 0: where the blank is likely from the
    start, the labels of short recordings do not collapse into the first frame. Raises InputError naming the
    option.
    """

    hidden_size: int = redefined(EncoderOptions, "hidden_size", 160)
    num_layers: int = redefined(EncoderOptions, "num_layers", 3)
    dropout: float = redefined(EncoderOptions, "dropout", 0.2)
    _: KW_ONLY
    frames_per_step: int = option(
        3, "Frames of features read as one step.", group="Model", flags="stack frames-per-step", least=1
    )
    look_ahead: int = option(
        0,
        "Steps that a network of one direction sees ahead.",
        group="Model",
        least=0,
    )
    blank_bias: float = option(3.0, "Initial bias of the blank.", group="Model")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.look_ahead and self.bidirectional:
            cure = "Choose `bidirectional` no, or leave `look_ahead` out"
            raise InputError("look_ahead", "is for a network of one direction", "both", cure)


@dataclass(frozen=True)
class TargetOptions:
    """The choice among the epochs: `select` is the held-out metric that decides."""

    select: SpeechMetric = option(
        "cer",
        "Held-out metric that chooses the epoch: character or word error rate, or the loss.",
        group="Training",
    )

    def __post_init__(self) -> None:
        check_fields(self)


def kind_of(form: str) -> str:
    """Return the kind of the inputs of a form. Raises InputError if there is no such form."""
    if form in SPEECH_FORMS:
        return "sound"
    if form in FORMS and FORMS[form].kind == FEATURES:
        return FEATURES
    features = [name for name, each in FORMS.items() if each.kind == FEATURES]
    raise InputError("form", f"is one of {', '.join((*SPEECH_FORMS, *features))}", repr(form))


@dataclass(frozen=True, kw_only=True)
class TranscribeAnswerOptions(SpeechSearchOptions, StreamOptions):
    """The options of `bptt predict` for transcribers."""

    n_best: int | None = option(
        None,
        "Number of answers to each input, with their scores (translate, transcribe, tag with a CRF).",
        least=1,
        common=True,
    )
    nbest: Path | None = option(
        None, "New file for n-best lists of all texts kept, which `bptt rescore` reads.", group="Search"
    )

    @property
    def count(self) -> int:
        """The number of texts to find for each recording."""
        return self.n_best or (self.beam_width if self.nbest is not None else 1)

    @property
    def beam_width(self) -> int:
        """The number of texts kept: enough for those that are asked for."""
        several = USUAL_WIDTH if self.nbest is not None else 1
        found = super().beam_width
        return max(found, several, self.n_best or 1) if self.width is None else found

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_best is not None and self.n_best > self.beam_width:
            raise InputError("n_best", f"is at most the width of the beam, {self.beam_width}", self.n_best)
        if self.nbest is not None and self.beam_width == 1:
            cure = "Leave `width` out, or name more"
            raise InputError("nbest", "needs a search that keeps several texts", "a width of 1", cure)


@dataclass(frozen=True)
class TranscribeEvaluationOptions(SpeechSearchOptions):
    """The options of `bptt evaluate` for transcribers."""

    tune: Path | None = option(
        None,
        "Recordings with texts on which the weights of the search are tuned first; of the training data only "
        "what it held out (transcribe).",
        group="Search",
    )
    error_unit: Literal["word", "character"] | None = option(
        None,
        "Unit of the error rate by speaker and of tuning.",
        usual="word; character where words have no spaces between them",
        group="Search",
    )


OPTIONS = JobOptions(
    name="transcribe",
    task="transcribe",
    called="transcriber",
    title="Train a transcriber: speech to text.",
    about="Learns from recordings and what was said in each, without an alignment (CTC).",
    predict=TranscribeAnswerOptions,
    evaluate=TranscribeEvaluationOptions,
    train=OptionSet(
        {
            "": TranscribeFiles,
            "data": ExampleOptions,
            "source": RecordingOptions,
            "text": TranscriptOptions,
            "vocabulary": VocabularyOptions,
            "sound": SoundOptions,
            "changes": AugmentOptions,
            "model": TranscriberOptions,
            "target": TargetOptions,
        },
        usual={"batch_size": 16, "epochs": 40},
        words={
            "epochs": "40, for few recordings as many as make 300 updates",
            "sound_normalise": "utterance; global for a network of one direction, which can stream",
        },
    ),
    few=True,
)
