"""A trained model of any job from its run folder, which says which job that is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from bptt.errors import InputError
from bptt.jobs.classify import config as classify_config
from bptt.jobs.classify.config import ClassifierConfig
from bptt.jobs.classify.task import TrainedClassifier, load_classifier
from bptt.jobs.language import config as language_config
from bptt.jobs.language.config import LanguageModelConfig, read_language_config
from bptt.jobs.language.trained import TrainedLanguageModel, load_trained
from bptt.jobs.tag import config as tag_config
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.task import TrainedTagger, load_tagger
from bptt.jobs.translate import config as translate_config
from bptt.jobs.translate.config import TranslatorConfig
from bptt.jobs.translate.translator import TrainedTranslator, load_translator
from bptt.runs.config import read_sections
from bptt.runs.run_folder import CONFIG, read_config

AnyTrained = TrainedLanguageModel | TrainedClassifier | TrainedTagger | TrainedTranslator

_LOADERS: Mapping[str, Callable[[Path], AnyTrained]] = {
    language_config.TASK: load_trained,
    classify_config.TASK: load_classifier,
    tag_config.TASK: load_tagger,
    translate_config.TASK: load_translator,
}

Configuration = LanguageModelConfig | ClassifierConfig | TaggerConfig | TranslatorConfig

_READERS: Mapping[str, Callable[[Path], Configuration]] = {
    language_config.TASK: lambda run: read_language_config(run)[0],
    classify_config.TASK: lambda run: read_sections(ClassifierConfig, run, classify_config.TASK),
    tag_config.TASK: lambda run: read_sections(TaggerConfig, run, tag_config.TASK),
    translate_config.TASK: lambda run: read_sections(TranslatorConfig, run, translate_config.TASK),
}


def read_configuration(run: Path) -> Configuration:
    """What a run folder says of its model. Raises InputError naming file and cure."""
    return _READERS[_task(run)](run)


def load(run: str | Path) -> AnyTrained:
    """The model of a run folder with its best weights, ready to predict.

    Raises InputError naming the file and the cure if it is no run folder, or one with damaged files.
    """
    folder = Path(run)
    return _LOADERS[_task(folder)](folder)


def _task(run: Path) -> str:
    task = read_config(run).get("task")
    if not isinstance(task, str) or task not in _LOADERS:
        cure = "Was it written by a newer version of bptt, or as a problem of `bptt compare`?"
        raise InputError(str(run / CONFIG), f'"task" is one of {", ".join(_LOADERS)}', repr(task), cure)
    return task
