"""A model of music as tokens, as a graph that reads on from its states."""

from __future__ import annotations

import torch

from bptt.errors import InputError
from bptt.graphs.equations_text import equations_text
from bptt.graphs.written import WrittenGraphs
from bptt.jobs.language.graphs import STEP, start_states, step_examples, step_graph
from bptt.jobs.language.network import LanguageModel
from bptt.jobs.music.trained import TrainedMusicModel


def write(trained: TrainedMusicModel, opset: int) -> WrittenGraphs:
    """Return the graph of a model of music as tokens, the first of those of a language model.

    Raises InputError for a model of frames.
    """
    network, notation = trained.model, trained.notation
    if not isinstance(network, LanguageModel):
        rule = "an exported model of music reads tokens"
        raise InputError("export", rule, "frames", "Train it with `representation` score or performance")
    facts = {"equations": equations_text(network.recurrent.cells)}
    models = {STEP: step_graph(network, opset, facts)}
    names = {"names": [notation.show(torch.tensor(n)) for n in range(network.vocabulary_size)]}
    settings = {"start": start_states(network), **names, **notation.to_json()}
    return WrittenGraphs(models, lambda: step_examples(network), settings)
