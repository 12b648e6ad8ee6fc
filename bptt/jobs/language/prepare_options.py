"""The options of `bptt prepare`."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from bptt.data.prepared.token_files import TokenForm
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.jobs.options import TextFiles
from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True, kw_only=True)
class PrepareFiles(TextFiles):
    """The texts to prepare, and the folder of tokens."""

    files: tuple[Path, ...] = argument(
        "Text, JSON lines or Parquet, plain or compressed by gzip or Zstandard; folders of them; or patterns "
        "in quotes, such as 'part-*.jsonl.zst'. Or files of tokens: a folder of nanoGPT, or .bin and .idx of "
        "Megatron."
    )
    output: Path = option(
        MISSING, "Folder of tokens to write; one that was begun is completed.", flags="output o", common=True
    )


@dataclass(frozen=True, kw_only=True)
class PrepareOptions:
    """How texts are read and split, and by how many processes. Raises InputError naming an option."""

    column: str | None = option(
        None, "Column of the text in JSON lines and Parquet.", usual="text, content, ...", common=True
    )
    held_out: float = option(
        0.1, "Share of the text, at its end, that is held out for evaluation (0: none).", share=True
    )
    vocabulary: Path | None = option(
        None,
        "Run of a language model, folder of tokens, or tokenizer.json, whose vocabulary is taken.",
        usual="learned from the texts",
        common=True,
    )
    workers: int | None = option(
        None, "Processes that work side by side.", usual="the cores of this process", least=1, common=True
    )
    to: TokenForm | None = option(
        None, "Program to write a folder of prepared tokens for.", usual="none: tokens are prepared"
    )
    overwrite: bool = option(False, "Give up the tokens in the folder.")

    def __post_init__(self) -> None:
        check_fields(self)


PREPARE = OptionSet({"": PrepareFiles, "prepare": PrepareOptions, "vocabulary": VocabularyOptions})
