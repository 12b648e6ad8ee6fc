"""The verbs by name: each file of the folder `verbs` is one, found by its name alone."""

from __future__ import annotations

from pkgutil import iter_modules

from bptt.deferred import imported
from bptt.serve import verbs
from bptt.serve.verb import AnyVerb, Loaded


def verb_names() -> tuple[str, ...]:
    """Return the names of all verbs, in the order of the alphabet."""
    return tuple(each.name for each in iter_modules(verbs.__path__))


def make_verbs(loaded: Loaded) -> dict[str, AnyVerb]:
    """Return the verbs that a model answers, by name."""
    made = {name: imported(f"{verbs.__name__}.{name}", "make")(loaded) for name in verb_names()}
    return {name: verb for name, verb in made.items() if verb is not None}
