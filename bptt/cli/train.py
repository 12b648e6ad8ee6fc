"""`bptt train`: learn from files; everything goes into one folder, and can be interrupted."""

from __future__ import annotations

import typer

from bptt.cli.groups import with_groups
from bptt.cli.help import Page
from bptt.cli.recalled import recalling
from bptt.cli.train_classify import classify
from bptt.cli.train_lm import lm
from bptt.cli.train_tag import tag
from bptt.cli.train_translate import translate

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def _jobs() -> None:
    """Train a model on files of yours; --resume continues a run."""


for job in (lm, classify, tag, translate):
    app.command(cls=Page)(recalling(with_groups(job)))
