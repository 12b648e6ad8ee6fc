"""Architectures of models whose diagrams are tested."""

from __future__ import annotations

from bptt.explain.diagrams.architectures import Architecture

GRU, OUTPUT = ("gru",), "output layer"
MODELS = {
    "plain": Architecture("model", GRU, embedding=True, feed_forward=2, output=OUTPUT),
    "mixed": Architecture("model", ("lstm", "gru-torch"), output=OUTPUT),
    "joint": Architecture("model", GRU, bidirectional=True, output=OUTPUT, joint="CRF"),
    "pooled": Architecture("model", GRU * 2, bidirectional=True, answers_once=True, pooling="mean"),
    "ends": Architecture("model", GRU, bidirectional=True, answers_once=True, output=OUTPUT),
    "both": Architecture(
        "model", GRU * 2, 3, True, True, feed_forward=1, output=OUTPUT, decoder=GRU * 2, attention=True
    ),
    "fed": Architecture("model", GRU, decoder=GRU, attention=True, input_feeding=True),
    "written": Architecture("model", inputs=1, embedding=True, decoder=GRU * 2, output=OUTPUT),
}
