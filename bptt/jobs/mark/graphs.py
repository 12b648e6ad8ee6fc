"""A marker as graphs: those of its tagger of bases."""

from bptt.jobs.tag.graphs import write as write
