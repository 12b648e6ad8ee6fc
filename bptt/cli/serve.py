"""`bptt serve`: trained models answered over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bptt.cli.commands import make_command
from bptt.cli.spelling import say
from bptt.serve.options import SERVE, ServeOptions

if TYPE_CHECKING:
    from bptt.options.choices import Choices

TITLE = "Answer requests over HTTP with trained models."
_ABOUT = (
    "POST /v1/predict, /v1/score, /v1/choose, /v1/next and /v1/sample take a JSON object: model, input (a "
    "text or a list), and the options of the command of that name. POST /v1/states keeps a text that was "
    "read, for what follows it. GET /info lists the models, /health their "
    "state. SIGTERM or Ctrl-C finishes what was accepted."
)


def command() -> Any:
    """Return the command."""
    return make_command("serve", SERVE, _serve, TITLE, _ABOUT)


def _serve(choices: Choices) -> None:
    from bptt.cli.machine import prepare

    asked = choices.make(ServeOptions)
    prepare(asked.threads)
    try:
        from bptt.serve.server import serve
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        from bptt.errors import InputError

        cure = "Install it: pip install 'bptt[serve]'"
        raise InputError("bptt serve", f"needs the package {error.name}", "none", cure) from error
    serve(asked, say)
