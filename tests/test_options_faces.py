"""Options said once: a field with its help is a flag, a key of config.json and of a recipe, an argument of
`bptt.train`, and a parameter of an estimator.
"""

from __future__ import annotations

import ast
import json
import os
import re
from dataclasses import MISSING, fields
from inspect import signature
from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from forked import run_forked
from job_files import SMALL, write_file
from option_values import other_value

import bptt
from bptt.bench.options import BENCH
from bptt.cells.options import CELLS, CHECK
from bptt.cli.spelling import spelled
from bptt.comparison.options import COMMAND
from bptt.explain.options import DERIVE, LayerOptions
from bptt.explanation import explain_run
from bptt.exporting.options import EXPORT
from bptt.jobs.commands import evaluate_options, predict_options, sample_options, score_options
from bptt.jobs.language.commands import CHOOSE
from bptt.jobs.language.prepare_options import PREPARE
from bptt.jobs.language.sampling_options import SamplingOptions
from bptt.jobs.language.trained import TrainedLanguageModel
from bptt.jobs.look_commands import INSPECT
from bptt.jobs.registry import find_options, job_names
from bptt.jobs.rescore.options import RESCORE
from bptt.options.option_set import OptionSet
from bptt.options.recipe import GENERAL, write_recipe
from bptt.training.average_options import AVERAGE
from bptt.training.run_options import options_of
from bptt.tuning.options import tune_options

ROOT = Path(__file__).parent.parent
JOBS = job_names()
COMMANDS = {
    "average": AVERAGE,
    "bench": BENCH,
    "cells": CELLS,
    "check": CHECK,
    "choose": CHOOSE,
    "compare": COMMAND,
    "derive": DERIVE,
    "evaluate": evaluate_options(),
    "export": EXPORT,
    "inspect": INSPECT,
    "predict": predict_options(),
    "prepare": PREPARE,
    "rescore": RESCORE,
    "sample": sample_options(),
    "score": score_options(),
}
ESTIMATORS = {
    "classify": bptt.SequenceClassifier,
    "regress": bptt.SequenceRegressor,
    "tag": bptt.SequenceTagger,
}
# An estimator learns from arrays, in no folder; scikit-learn has a name of its own for the seed.
NO_PARAMETERS = (
    {"", "source", "pairs", "target", "run", "skeleton", "clips"},
    {
        "seed",
        "log_every",
        "checkpoint_every",
        "evaluate_every",
        "held_out_groups",
    },
)
# One line, inserted into a dataclass of options, and what it is inserted behind.
PLACE = "    _: KW_ONLY\n    ngrams"
LINE = '    echo_steps: int = option(3, "Steps that an echo lasts.", group="Model", least=1)\n'
# A process in which the module of the options of classify has that line.
DRIVER = f"""
import sys
from importlib.util import find_spec, module_from_spec
from pathlib import Path

name = "bptt.jobs.classify.options"
spec = find_spec(name)
source = Path(spec.origin).read_text(encoding="utf-8")
assert source.count({PLACE!r}) == 1
before, after = {PLACE!r}.split("    ngrams")[0], "    ngrams"
module = sys.modules[name] = module_from_spec(spec)
added = source.replace({PLACE!r}, before + {LINE!r} + after)
exec(compile(added, spec.origin, "exec"), module.__dict__)
sys.modules["bptt.jobs.classify"].options = module
"""
CLI = f"{DRIVER}\nfrom bptt.cli.main import main\nmain()\n"
PYTHON = f"""{DRIVER}
import json, bptt
data, folder = sys.argv[1:]
small = dict(hidden=4, epochs=1, batch_size=4, embedding=3, progress=False)
trained = bptt.train("classify", data, folder, echo_steps=7, **small)
try:
    bptt.train("classify", data, folder + "-no", echo_steps=0, **small)
except bptt.InputError as error:
    refused = str(error)
estimator = bptt.SequenceClassifier(echo_steps=8, hidden_size=4, epochs=1)
fitted = estimator.fit(["a b", "c d"] * 4, [0, 1] * 4)
print(json.dumps([
    trained.config.head.echo_steps, refused, bptt.SequenceClassifier().get_params()["echo_steps"],
    estimator.get_params()["echo_steps"], fitted.trained_.config.head.echo_steps,
]))
"""


def options_for(job: str) -> OptionSet:
    return options_of(find_options(job))


def run(code: str, *arguments: object) -> str:
    """What a process prints that runs the code."""
    ended = run_forked(code, *map(str, arguments), environment=os.environ)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def squeezed(text: str) -> str:
    """The text without white space, for lines are broken at hyphens too."""
    return "".join(text.split())


def flags_in(page: str) -> set[str]:
    """The flags that a page of help lists at the beginning of its lines."""
    heads = (line[2:].split("  ")[0] for line in page.splitlines() if line.startswith("  -"))
    names = {name.strip(",").split("=")[0] for head in heads for name in head.split()}
    return {half for name in names if name.startswith("--") for half in name.split("/")}


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a process that has the line, trained with a recipe that gives the option."""
    folder = tmp_path_factory.mktemp("added")
    data, recipe = write_file("classify", folder), folder / "recipe.toml"
    recipe.write_text("[head]\necho_steps = 5\n", encoding="utf-8")
    run(CLI, "train", "classify", data, "-o", folder / "run", "--config", recipe, *SMALL["classify"])
    return folder


def test_one_line_is_a_flag_and_a_key_of_config_and_recipe(added: Path) -> None:
    page = run(CLI, "train", "classify", "--help-all")
    assert "--echo-steps" in flags_in(page)
    assert "Stepsthatanecholasts.[default:3]" in squeezed(page)
    assert json.loads((added / "run" / "config.json").read_text(encoding="utf-8"))["head"]["echo_steps"] == 5
    written = added / "written.toml"
    run(CLI, "train", "classify", "--echo-steps", 6, "--write-config", written)
    lines = written.read_text(encoding="utf-8").splitlines()
    place = lines.index("echo_steps = 6")
    assert lines[place - 1] == "# Steps that an echo lasts. (int)"
    assert lines.index("[head]") < place
    # The run that is resumed has it, and the command line goes before.
    report = run(CLI, "train", "classify", added / "films.tsv", "-o", added / "run", "--resume")
    assert "best held-out" in report


def test_one_line_is_an_argument_and_a_parameter(added: Path) -> None:
    found = json.loads(run(PYTHON, added / "films.tsv", added / "python"))
    assert found == [7, "echo_steps: is a whole number of at least 1, got 0", 3, 8, 8]
    config = json.loads((added / "python" / "config.json").read_text(encoding="utf-8"))
    assert config["head"]["echo_steps"] == 7


def check_page(page: str, options: OptionSet, more: set[str]) -> None:
    """Every option is a flag of the page with its help, and every flag an option, or one of `more`."""
    listed, text = flags_in(page), squeezed(page)
    for each in options:
        if not each.about.argument:
            assert f"--{each.flag}" in listed, each.name
        # A long list of choices continues the last sentence.
        assert squeezed(spelled(each.about.help, options)).removesuffix(".") in text, each.name
    spellings = {flag for each in options for flag in each.flags}
    off = {f"no-{each.flag}" for each in options}
    assert listed - more <= {f"--{flag}" for flag in spellings | off}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_default_is_shown_as_it_is_typed(name: str, command: Command) -> None:
    page = command(name, "--help-all").out or command(name, "--help").out
    shown = re.findall(r"\[default: ([^]]+)\]", page)
    assert not [each for each in shown if re.search(r"[A-Za-z]\w*\.[A-Z]", each)]


@pytest.mark.parametrize("job", JOBS)
def test_every_option_of_a_job_is_a_flag(job: str, command: Command) -> None:
    page = command("train", job, "--help-all").out
    check_page(page, options_for(job), {"--config", "--write-config", "--help", "--help-all"})


@pytest.mark.parametrize("job", JOBS)
def test_every_option_of_a_search_is_a_flag(job: str, command: Command) -> None:
    page = command("tune", job, "--help-all").out or command("tune", job, "--help").out
    check_page(page, tune_options(find_options(job)), {"--help", "--help-all"})


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_a_flag(name: str, command: Command) -> None:
    page = command(name, "--help-all").out or command(name, "--help").out
    check_page(page, COMMANDS[name], {"--help", "--help-all"})


@pytest.mark.parametrize("job", JOBS)
def test_every_option_is_in_a_recipe_with_its_help(job: str) -> None:
    section, found = "", {}
    comment: list[str] = []
    for line in write_recipe(options_for(job), {}, job).splitlines():
        if line.startswith("["):
            section = line.strip("[]").replace(GENERAL, "")
        elif line.startswith("# ") and line.removeprefix("# ").partition(" =")[0].isidentifier():
            found[section, line.removeprefix("# ").partition(" =")[0]] = " ".join(comment)
        comment = [*comment, line.removeprefix("# ")] if line else []
    for each in options_for(job):
        assert found[each.section, each.field].startswith(each.about.help), each.name
    assert len(found) == len(list(options_for(job)))


@pytest.mark.parametrize("job", JOBS)
def test_every_option_is_an_argument_of_train_by_each_of_its_names(job: str) -> None:
    options = options_for(job)
    for each in options:
        value = other_value(each)
        for name in (each.name, *(flag.replace("-", "_") for flag in each.flags if not each.about.argument)):
            assert options.read({name: value}) == {each.name: each.read(value)}, name


@pytest.mark.parametrize("job", ESTIMATORS)
def test_every_option_is_a_parameter_of_the_estimator(job: str) -> None:
    made = ESTIMATORS[job]()
    parameters = made.get_params()
    sections, names = NO_PARAMETERS
    wanted = [each for each in options_for(job) if each.section not in sections and each.name not in names]
    assert len(wanted) > 20
    for each in wanted:
        assert each.name in parameters, each.name
        value = other_value(each)
        assert made.set_params(**{each.name: value}).get_params()[each.name] == value


def defaults(function: Any) -> dict[str, Any]:
    return {name: each.default for name, each in signature(function).parameters.items() if name != "self"}


@pytest.mark.parametrize(
    ("function", "kind"), [(TrainedLanguageModel.sample, SamplingOptions), (explain_run, LayerOptions)]
)
def test_functions_have_the_options_of_the_command(function: Any, kind: type) -> None:
    found = defaults(function)
    wanted = {each.name: each.default for each in fields(kind)}
    assert {name: found.get(name, MISSING) for name in wanted} == wanted


def test_no_command_lists_options_of_its_own() -> None:
    """But for --help-all, --version and the two of recipes, which are about the command line itself."""
    found = {path.name: markers(path) for path in (ROOT / "bptt" / "cli").glob("*.py")}
    assert {name: n for name, n in found.items() if n} == {"commands.py": 3, "main.py": 1, "train.py": 2}


def markers(path: Path) -> int:
    """How often a file says typer.Option or typer.Argument."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    named = (node for node in ast.walk(tree) if isinstance(node, ast.Attribute))
    return sum(ast.unparse(node) in ("typer.Option", "typer.Argument") for node in named)
