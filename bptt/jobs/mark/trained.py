"""A trained marker: a tagger whose words are the bases of DNA, and whose entities are stretches."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from bptt.data.examples import Example, Words
from bptt.data.nucleotides import reverse_complement
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.data.readers.marked_dna import is_records, read_marked_dna
from bptt.data.schemes import BIO, Span, spans, to_tags
from bptt.errors import InputError
from bptt.jobs.mark.metrics import base_scores
from bptt.jobs.mark.options import OPTIONS, MarkOptions
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.metrics import TagScores
from bptt.jobs.tag.options import TagOptions
from bptt.jobs.tag.tag_set import Tagged
from bptt.jobs.tag.trained import TrainedTagger
from bptt.notebook import PartAnswers, ShownRow, shortened


@dataclass(frozen=True)
class MarkedStretch(ShownRow):
    """The bases `start` to `end` - 1 of a sequence, counted from 0 as in BED, are marked with `label`.

    `probability` is the mean over the bases of the probability that the label marks them.
    """

    start: int
    end: int
    label: str
    probability: float
    letters: str

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        place = {"start": str(self.start), "end": str(self.end), "label": self.label}
        return {**place, "P": f"{self.probability:.3f}", "letters": shortened(self.letters)}


class TrainedMarker(TrainedTagger):
    """A marker with everything needed to read sequences and to name stretches."""

    options = OPTIONS
    units = "sequences", "bases"

    @classmethod
    def sentences(cls, source: Source, config: TaggerConfig, said: Said, tags: Words | None) -> Tagged:
        """Return the sequences of a source with a tag for each base; without tags only if `tags` are given.

        Raises InputError as `read_marked_dna` does.
        """
        if said != Said(beside=said.beside):
            rule, cure = "the format of marked DNA is detected", "Leave `input`, the columns and `header` out"
            raise InputError("input", rule, "an option of other formats", cure)
        return read_marked_dna(source, said.beside, tags is None)

    @classmethod
    def settled(cls, examples: Tagged, options: TagOptions) -> tuple[TagOptions, tuple[str, ...]]:
        """Return the options for tags of scheme BIO of single letters, and the number of stretches."""
        found = [spans(tags) for tags in examples.targets]
        bare = sum(not each for each in found)
        note = f"stretches: {sum(map(len, found)):,}; sequences without one: {bare:,}"
        return replace(options, scheme="BIO", unit="character"), (note,)

    @classmethod
    def augmented(cls, examples: Tagged, config: TaggerConfig) -> Tagged:
        """Return the sequences, followed by their other strands if the options say so."""
        if not (isinstance(config.tags, MarkOptions) and config.tags.both_strands):
            return examples
        return replace(examples, rows=(*examples.rows, *map(other_strand, examples.rows)))

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is a sequence."""
        return not is_records(first) and "\t" not in first.text

    def mark(self, sequences: Iterable[Sequence[str]]) -> list[PartAnswers[MarkedStretch]]:
        """Return the stretches of each sequence of capital letters, in order.

        Raises MachineError if a batch does not fit into memory.
        """
        given = [tuple(sequence) for sequence in sequences]
        kinds = [tag.partition("-")[2] for tag in self.tags.tags]

        def answer(rows: Sequence[int], scores: Tensor, lengths: Tensor) -> list[PartAnswers[MarkedStretch]]:
            marginals = self.model.marginals(scores, lengths).clamp(max=1.0).cpu()  # (T, B, K)
            return [
                PartAnswers(
                    self._stretch(given[number], span, marginals[:, row], kinds)
                    for span in spans(self.tags.decode(tags))
                )
                for row, (number, tags) in enumerate(
                    zip(rows, self.model.decode(scores, lengths), strict=True)
                )
            ]

        return self._ask(given, answer)

    def evaluate(self, examples: Tagged) -> TagScores:
        """Return the scores on sequences with stretches: of whole stretches, and of single bases."""
        found = super().evaluate(examples)
        metrics = dict(found.metrics)
        counts = {"sequences": metrics.pop("sentences"), "bases": metrics.pop("words")}
        of_bases = base_scores(found.gold, found.found).whole
        shares = zip(("precision", "recall", "f1"), of_bases[:3], strict=True)
        return replace(
            found, metrics={**metrics, **{f"base_{name}": share for name, share in shares}, **counts}
        )

    def _stretch(
        self, letters: Sequence[str], span: Span, marginals: Tensor, kinds: Sequence[str]
    ) -> MarkedStretch:
        """Return a span with its probability, given the marginals (T, K) of its sequence."""
        start, end, label = span
        of_label = [number for number, kind in enumerate(kinds) if kind == label]
        probability = float(marginals[start:end, of_label].sum(1).mean())
        return MarkedStretch(start, end, label, min(probability, 1.0), "".join(letters[start:end]))


def other_strand(row: Example[Words, Words]) -> Example[Words, Words]:
    """Return a sequence read on its other strand, with its stretches where they are there."""
    letters = tuple(reverse_complement("".join(row.input)))
    count = len(letters)
    mirrored = [Span(count - end, count - start, label) for start, end, label in spans(row.target or ())]
    return replace(row, input=letters, target=to_tags(mirrored, count, BIO))
