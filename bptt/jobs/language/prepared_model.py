"""A language model trained and evaluated on a folder of prepared tokens, which are never all in memory."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

from bptt.data.prepared.prepared_text import PreparedText, open_prepared
from bptt.data.prepared.token_manifest import TokenPart, is_prepared
from bptt.data.prepared.token_store import TokenStore
from bptt.data.text import Corpus
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError, counted
from bptt.jobs.answers import EvaluationReport
from bptt.jobs.language.config import LanguageModelConfig, read_language_config
from bptt.jobs.language.evaluation import COUNTED, TextExtent, evaluate_tokens, make_batches
from bptt.jobs.language.memory_options import MemoryOptions
from bptt.jobs.language.model import LanguageModelTask, Trained, describe_size
from bptt.jobs.task import Task
from bptt.options.choices import Choices
from bptt.runs.origin import Origin

_DECIDED = "Leave it out, or prepare the texts so"


class PreparedTask(LanguageModelTask):
    """A training on prepared tokens: the same numbers as on the text that they were made of.

    The vocabulary and the held-out part are those of the folder, unless `dev`, another text, is given. With
    an `origin`, the vocabulary must be that of its run. Raises InputError if it is not, or a file of tokens
    has changed.
    """

    def __init__(
        self,
        prepared: PreparedText,
        config: LanguageModelConfig,
        dev: Corpus | None = None,
        origin: Origin[Trained] | None = None,
        vectors: Path | None = None,
        goes_on: bool = False,
    ) -> None:
        self._prepared, options = prepared, config.data
        self.vocabulary = prepared.vocabulary
        if origin is not None:
            check_vocabulary(prepared, origin.trained, origin.name)
        self._parts = "", dev.text if dev else ""
        tokens = prepared.tokens(prepared.learned)
        held = None if dev else prepared.held_out
        self._held = None if held is None else (prepared.tokens(held), extent_of(held))
        self._batches, self._learned = make_batches(tokens, options, options.batch_size), len(tokens)
        self._build(config, prepared.counts, origin, vectors, goes_on)

    @property
    def holds_out(self) -> bool:
        """Whether there are tokens, or a text, to evaluate on."""
        return self._held is not None or bool(self.held_out)

    def evaluate(self) -> dict[str, float]:
        """Return the metrics of `evaluate_text` on the held-out part, or the text."""
        if self._held is None:
            return super().evaluate()
        return evaluate_tokens(self.model, self.config.data, *self._held, sharing=self.sharing)

    def keep_half(self, half: int) -> None:
        """Keep half of a held-out text; the held-out part of the tokens is not halved: raises InputError."""
        if self._held is None:
            super().keep_half(half)
        else:
            Task.keep_half(self, half)

    def save(self, folder: Path) -> None:
        """Write config.json, tokenizer.json, and the beginning of the held-out text."""
        where = self._prepared.folder
        shown = self._prepared.excerpt() if self._held else self.held_out
        self._save(folder, (where.name,), self._prepared.manifest.sha256, shown, str(where.resolve()))

    def describe(self) -> list[str]:
        """Describe the tokens, their parts, the vocabulary, and the size of the model."""
        manifest, learned, held = self._prepared.manifest, self._prepared.learned, self._prepared.held_out
        files = counted(sum(len(part.shards) for part in manifest.parts), "files")
        shown = self._describe_text(self.held_out) if self.held_out else "nothing"
        return [
            *self._taken,
            f"text: {self._prepared.folder.name}, {files} of tokens, checked",
            f"learned: {_describe_part(learned, self.unit)}",
            f"held out: {_describe_part(held, self.unit) if self._held and held else shown}",
            *self._describe_model(),
        ]


def _describe_part(part: TokenPart, unit: str) -> str:
    share = part.unknown / max(1, part.tokens)
    return f"{describe_size(part.characters, part.tokens, unit)}, {share:.2%} unknown"


def extent_of(part: TokenPart) -> TextExtent:
    """Return the extent of the text of a part."""
    return TextExtent(part.left, part.words, part.lines, part.unknown)


def check_vocabulary(prepared: PreparedText, trained: Trained, name: str) -> None:
    """Raise InputError unless the tokens have the numbers that they have in a trained model."""
    if prepared.vocabulary.sha256 != trained.vocabulary.sha256:
        rule, cure = (
            f"must have the vocabulary of {name}",
            "Prepare the texts by `bptt prepare FILES -o FOLDER --vocabulary RUN`",
        )
        raise InputError(str(prepared.folder), rule, "another", cure)


def find_prepared(files: tuple[Path, ...]) -> PreparedText | None:
    """Open the folder of prepared tokens among the files that were named, None if there is none.

    Raises InputError if something else is named beside it, or it has changed.
    """
    folders = [path for path in files if is_prepared(path)]
    if not folders:
        return None
    if len(files) > 1:
        rule, cure = "is trained on alone", "Prepare all texts into one folder"
        raise InputError(str(folders[0]), rule, f"{len(files)} files and folders", cure)
    return open_prepared(folders[0])


def as_prepared(config: LanguageModelConfig, prepared: PreparedText, choices: Choices) -> LanguageModelConfig:
    """Return the configuration with what was decided when the texts were prepared.

    Raises InputError naming an option that was chosen otherwise.
    """
    found = prepared.manifest.vocabulary
    decided = {each.name: getattr(found, each.name) for each in fields(VocabularyOptions)}
    # With a text to evaluate on, nothing of the tokens is held out.
    share = 0.0 if choices.has("dev") else prepared.manifest.held_out
    if not choices.has("dev"):
        decided["held_out"] = share
    for name, value in decided.items():
        if choices.has(name) and choices.get(name) != value:
            raise InputError(name, f"was decided in {prepared.folder}: {value}", choices.get(name), _DECIDED)
    data = replace(config.data, held_out=share)
    return replace(config, data=data, vocabulary=found)


def prepared_of_run(run: Path) -> PreparedText | None:
    """Open the folder of prepared tokens that a run was trained on, None if it was trained on a text.

    Raises InputError if the folder is gone or holds other tokens.
    """
    source = read_language_config(run)[1]
    if not source.prepared:
        return None
    folder, cure = Path(source.prepared), "Name the folder, or a text"
    if not is_prepared(folder):
        raise InputError(str(run), f"was trained on {folder}, which must be there", "no such tokens", cure)
    found = open_prepared(folder)
    if found.manifest.sha256 != source.text_sha256:
        raise InputError(str(folder), f"must hold the tokens that {run} was trained on", "others", cure)
    return found


def evaluate_prepared(trained: Trained, prepared: PreparedText, memory: MemoryOptions) -> EvaluationReport:
    """Evaluate on the held-out part of prepared tokens, on all of them if nothing is held out."""
    check_vocabulary(prepared, trained, "the model")
    part = prepared.held_out or prepared.learned
    tokens: TokenStore = prepared.tokens(part)
    metrics = evaluate_tokens(trained.model, trained.config.data, tokens, extent_of(part), memory)
    which = "the part held out" if prepared.held_out else "all tokens"
    return EvaluationReport(metrics, notes=(f"{prepared.folder}: {which}", COUNTED))
