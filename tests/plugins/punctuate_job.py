"""A package that adds a job: put back the punctuation that speech recognition leaves out."""

from dataclasses import dataclass

from bptt.data.examples import Example, gather
from bptt.data.readers.forms import document_of
from bptt.jobs.tag.answering import TaggerAsking
from bptt.jobs.tag.job import tagging_job
from bptt.jobs.tag.options import OPTIONS, SentenceFiles, TagOptions
from bptt.jobs.tag.trained import TrainedTagger
from bptt.options.field import option


@dataclass(frozen=True)
class MarkOptions(TagOptions):
    marks: str = option(".,?!", "Punctuation marks to put back.", group="Data", common=True)


class Punctuator(TrainedTagger):
    title = "Train a model that puts punctuation back into plain text."
    options = OPTIONS.derived("punctuate", "punctuator", title, {"": SentenceFiles, "tags": MarkOptions})

    @classmethod
    def sentences(cls, source, config, said, tags):
        document, marks, rows = document_of(source), config.tags.marks, []
        for place, line in document.numbered():
            words = [word for word in line.split() if word.strip(marks)]
            bare = tuple(word.rstrip(marks).lower() for word in words)
            found = tuple(word[len(word.rstrip(marks)) :][:1] or "-" for word in words)
            rows += [Example(bare, found if tags is None else None, place)] if words else []
        return gather(document.name, rows, labelled=tags is None)


class PunctuatorAsking(TaggerAsking):
    def lines(self, answer, example, number):
        return [" ".join(word + tag.strip("-") for word, tag in zip(example.input, answer.tags, strict=True))]


PUNCTUATE = tagging_job(Punctuator, PunctuatorAsking)
