"""The commands of `bptt`, each imported when it is used, so that `bptt --help` answers at once."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from typer.core import TyperGroup

# The first line of help of each command, in the order of a user's work. The module with the name of a command
# has a function `command` that makes it.
_COMMANDS = {
    "cells": "List the cells: equations, states, weights, source.",
    "derive": "Derive back-propagation through time of a cell or a run.",
    "playground": "Write, derive and train cells in a page of your browser.",
    "check": "Check the derived gradients of a cell against three truths.",
    "prepare": "Turn texts of any size into files of tokens, for `bptt train lm`.",
    "train": "Train a model on your files; --resume continues a run.",
    "average": "Average the weights of runs, or of the checkpoints of one, into a new run.",
    "predict": "Print an answer for each input.",
    "sample": "Draw samples from a trained model: text, or whatever it has learned.",
    "next": "Print the likeliest next tokens at each step of a text.",
    "score": "Print the log-probability of every line of a text, or of every file.",
    "choose": "Compare sentences by their probability, word by word.",
    "compare": "Train cells, and remedies, side by side on the same data.",
    "tune": "Search for better options of a training, and compare them with the defaults.",
    "rescore": "Choose from n-best lists with a language model.",
    "evaluate": "Print the metrics of a trained model on labelled data.",
    "export": "Export a trained model for another program: ONNX, or a page for a browser.",
    "serve": "Answer requests over HTTP with trained models.",
    "inspect": "Look into a model: a verdict here, the rest on a page.",
    "look": "Print gates, states and probabilities step by step over a text.",
    "bench": "Time bptt, torch and others on the same work.",
    "doctor": "Examine this installation and this machine.",
}

# The key of a context under which the arguments of a command are kept while it is made.
_GIVEN = "bptt.given"


class Commands(TyperGroup):
    """The commands of `bptt`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands."""
        return list(_COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command with this name, None if there is none."""
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"bptt.cli.{cmd_name}")
        # A command that asks a run takes the options of the job of that run, and imports no other job.
        if hasattr(module, "command_for"):
            return module.command_for(ctx.meta.get(_GIVEN, ()))
        return module.command()

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return a command with its name and arguments, once these are known to `get_command`."""
        ctx.meta[_GIVEN] = tuple(args[1:])
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a line for each command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))
