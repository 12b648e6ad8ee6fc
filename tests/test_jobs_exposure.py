"""What jobs show a probe: the same loss terms as on their usual path, a copy of the example in each row."""

from __future__ import annotations

from math import exp
from typing import Any, Literal, TypeVar

import numpy as np
import pytest
import torch
from language_models import make_task
from language_models import trained as as_loaded
from torch import Tensor

from bptt.cells.catalogue import get
from bptt.data.examples import Example, Examples, gather
from bptt.data.readers.document import Document
from bptt.data.vocabulary_options import LevelName as Level
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.classify import exposure as classify
from bptt.jobs.classify.config import ClassifierConfig
from bptt.jobs.classify.options import ClassLoss, HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask, TrainedClassifier
from bptt.jobs.expose import expose
from bptt.jobs.exposure import BEGINNING
from bptt.jobs.language import exposure as language
from bptt.jobs.language.model import Trained
from bptt.jobs.language.network import START
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.scoring import score_lines
from bptt.jobs.language.trained import TrainedLanguageModel
from bptt.jobs.options import ExampleOptions
from bptt.jobs.tag import exposure as tag
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.options import TagOptions
from bptt.jobs.tag.task import TagTask, TrainedTagger
from bptt.jobs.translate import exposure as translate
from bptt.jobs.translate.config import TranslatorConfig
from bptt.jobs.translate.options import DecoderOptions, PairOptions
from bptt.jobs.translate.task import TranslateTask
from bptt.jobs.translate.translator import TrainedTranslator
from bptt.models.codecs.codec import pad
from bptt.models.options import EncoderOptions, TokenOptions, WordOptions
from bptt.nn.exposure import Exposure

Mode = Literal["continuous", "sentences"]

# Sums of some ten terms in some ten steps of some ten operations, each of order one.
CLOSE = torch.finfo(torch.float64).eps * 10**4
TEXT = "the cat sat\non the mat, né 床前\n"


def check_copies(exposure: Exposure) -> None:
    """Every loss term is that of a run of its own; its gradient reaches its own copy, whatever the others."""
    terms = range(exposure.loss_steps)
    alone = [gradient(exposure, [step]) for step in terms]
    losses, together = gradient(exposure, [*reversed(terms), 0])
    for row, step in enumerate([*reversed(terms), 0]):
        loss, single = alone[step]
        assert torch.allclose(losses[row], loss[0], rtol=0, atol=CLOSE)
        assert torch.allclose(together[:, row], single[:, 0], rtol=0, atol=CLOSE)
        assert single.abs().sum() > 0
    first = exposure.parts[0].inputs.expand(-1, 3, -1).clone().requires_grad_()
    middle = exposure.losses_of(first, [0, len(terms) - 1, 0])[1]
    assert not torch.autograd.grad(middle, first)[0][:, ::2].any()


def check_predictions(exposure: Exposure, wanted: list[float] | None = None) -> None:
    """P of each target is that of its loss term -ln P, if not `wanted`; all answers are in order."""
    assert exposure.predict is not None
    losses = exposure.losses(range(exposure.loss_steps))
    wanted = wanted or [exp(-loss) for loss in losses.tolist()]
    every, few = exposure.predict(10**6), exposure.predict(2)
    for p, target, found, first in zip(wanted, exposure.targets, every, few, strict=True):
        assert found.probability == pytest.approx(p, abs=CLOSE)
        assert sum(found.probabilities) == pytest.approx(1, abs=CLOSE)
        assert list(found.probabilities) == sorted(found.probabilities, reverse=True)
        assert found.rank is not None and found.answers[found.rank - 1] == target
        assert first.answers == found.answers[:2]
        assert (first.probability, first.rank) == (found.probability, found.rank)


def gradient(exposure: Exposure, steps: list[int]) -> tuple[Tensor, Tensor]:
    """The losses (R,) and the gradient of their sum by the inputs (T, R, I)."""
    inputs = exposure.parts[0].inputs.expand(-1, len(steps), -1).clone().requires_grad_()
    losses = exposure.losses_of(inputs, steps)
    assert torch.equal(losses, exposure.losses(steps))
    return losses.detach(), torch.autograd.grad(losses.sum(), inputs)[0]


def check_stacks(exposure: Exposure) -> None:
    """What is said to go into each stack is what goes there when the losses are computed."""
    for part in exposure.parts:
        assert part.inputs.shape[:2] == (len(exposure.sequences[part.sequence].tokens), 1)
        read: list[tuple[Tensor, tuple[Tensor, ...]]] = []
        hook = part.stack.register_forward_pre_hook(lambda _, given: read.append(given))  # noqa: B023
        exposure.losses([exposure.loss_steps - 1])
        hook.remove()
        assert torch.allclose(torch.cat([given[0] for given in read]), part.inputs, rtol=0, atol=CLOSE)
        assert part.stepwise == (len(read) > 1)
        initial = read[0][1] if len(read[0]) > 1 else None
        assert (initial is None) == (part.initial is None)
        for found, said in zip(initial or (), part.initial or (), strict=True):
            assert torch.allclose(found, said, rtol=0, atol=CLOSE)


def model_of(mode: Mode, cell: str = "lstm", level: Level = "character") -> Trained:
    options = VocabularyOptions(level, min_count=1)
    return as_loaded(make_task(cell=cell, data=DataOptions(mode, batch_size=1), vocabulary=options))


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
@pytest.mark.parametrize("number", [0, 1, 5])
def test_a_stretch_of_text_goes_on_from_what_stands_before_it(number: int, level: Level) -> None:
    trained = model_of("continuous", level=level)
    exposure = language.expose(trained, TEXT, number, limit=8)
    tokens = trained.vocabulary.encode(TEXT).long()
    read = torch.cat([torch.tensor([-1]), tokens])[:, None]
    output, _ = trained.model.read(read[:-1], START)
    wanted = trained.model.loss(output[:, 0], tokens, "none")[number : number + 8]
    assert exposure.loss_steps == len(wanted)
    assert torch.allclose(exposure.losses(range(len(wanted))), wanted, rtol=0, atol=CLOSE)
    check_copies(exposure)
    check_predictions(exposure)
    check_stacks(exposure)


@pytest.mark.parametrize("cell", ["gru", "dense"])
def test_a_sentence_is_read_from_its_beginning(cell: str) -> None:
    trained = model_of("sentences", cell)
    exposure = language.expose(trained, "\n" + TEXT, 1, limit=100)
    (score,) = score_lines(trained, ["on the mat, né 床前"])
    losses = exposure.losses(range(exposure.loss_steps))
    wanted = -torch.tensor(score.log_probabilities, dtype=torch.float64)
    assert torch.allclose(losses, wanted, rtol=0, atol=CLOSE)
    (text,) = exposure.sequences
    assert text.tokens == (BEGINNING, *"on the mat, né 床前")
    assert "".join(text.texts) == "on the mat, né 床前"
    assert exposure.targets == (*text.tokens[1:], "<eos>")
    check_copies(exposure)
    check_predictions(exposure)
    check_stacks(exposure)


@pytest.mark.parametrize("level", ["character", "word", "bpe"])
def test_texts_of_the_steps_are_the_text(level: Level) -> None:
    trained = model_of("continuous", level=level)
    (whole,) = language.expose(trained, TEXT, 0, 1000).sequences
    assert "".join(whole.texts) + "\n" == TEXT
    assert len(whole.texts) == len(whole.tokens)
    for number in range(1, len(whole.tokens)):
        (rest,) = language.expose(trained, TEXT, number, 1000).sequences
        assert rest.tokens == whole.tokens[number:]
        if whole.texts[number]:  # else a character of several tokens is cut
            assert "".join(rest.texts) in (
                "".join(whole.texts[number:]),
                "\ufffd" + "".join(whole.texts[number + 1 :]),
            )


@pytest.mark.parametrize(
    ("mode", "number", "limit", "rule"),
    [
        ("continuous", 99, 5, "from 0 to 29"),
        ("sentences", 2, 5, "from 0 to 1"),
        ("sentences", -1, 5, "from 0 to 1"),
    ],
)
def test_what_is_not_there_is_refused(mode: Mode, number: int, limit: int, rule: str) -> None:
    with pytest.raises(InputError, match=rule):
        language.expose(model_of(mode), TEXT, number, limit)


# ---- jobs on examples

REVIEWS = [(f"{word} the film 电影 was {n} long, {word}", word) for n in range(5) for word in ("good", "bad")]
PEOPLE = [("Mr Xy ran on", "O B-PER O O"), ("the cat met Mr Xy Zz", "O O O O B-PER I-PER")]
LINES = [("a b 文", "文 b a"), ("b b d a", "a d b b")]
Job = TypeVar("Job", TrainedClassifier, TrainedTagger, TrainedTranslator)


def in_float64(trained: Job) -> Job:
    """With weights of which none is zero, as some are at first."""
    torch.manual_seed(1)
    trained.model.double().eval()
    with torch.no_grad():
        for parameter in trained.model.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.3)
    return trained


def options(bidirectional: bool) -> EncoderOptions:
    return EncoderOptions(
        hidden_size=5, num_layers=2, bidirectional=bidirectional, feed_forward=(4,), dropout=0.5
    )


def classifier(
    form: str, examples: Examples[Any, str], head: HeadOptions, bidirectional: bool
) -> TrainedClassifier:
    config = ClassifierConfig(
        get("gru"),
        SourceOptions(form),
        options(bidirectional),
        head,
        TokenOptions(6),
        VocabularyOptions("word", min_count=1),
        ExampleOptions(max_length=5),
    )
    return in_float64(ClassifyTask(examples, examples, config).trained)


def tagger(crf: bool, bidirectional: bool) -> TrainedTagger:
    rows = [Example(tuple(words.split()), tuple(tags.split()), "d:1") for words, tags in PEOPLE]
    words = WordOptions(5, 4, embedding_size=6)
    config = TaggerConfig(get("lstm"), TagOptions(crf), words, options(bidirectional), ExampleOptions())
    return in_float64(TagTask(gather("d", rows), gather("d", rows), config)._trained)


def translator(
    form: str, examples: Examples[Any, str], bidirectional: bool, **decoder: Any
) -> TrainedTranslator:
    level = VocabularyOptions("word", min_count=1)
    config = TranslatorConfig(
        get("gru"),
        PairOptions(form),
        options(bidirectional),
        DecoderOptions(**{"hidden_size": 7, "embedding_size": 6, "dropout": 0.5, **decoder}),
        TokenOptions(6),
        level,
        level,
    )
    return in_float64(TranslateTask(examples, examples, config)._trained)


def labelled(pairs: list[tuple[Any, str]], columns: tuple[str, ...] = ()) -> Examples[Any, str]:
    return gather(
        "t", [Example(given, wanted, f"t:{n}") for n, (given, wanted) in enumerate(pairs, 1)], columns
    )


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("loss", ["cross-entropy", "squared"])
def test_a_text_has_one_loss_term_that_of_its_label(bidirectional: bool, loss: ClassLoss) -> None:
    trained = classifier("columns", labelled(REVIEWS), HeadOptions("attention", loss), bidirectional)
    text = "bad the film 电影 was"
    (found,) = trained.predict([text])
    probabilities = torch.tensor(found.probabilities, dtype=torch.float64)
    for label in ("good", "bad", None):
        exposure = classify.expose(trained, Example(text, label, "t:1"), 100)
        assert exposure.targets == (label or found.label,)
        wanted = torch.tensor([float(each == exposure.targets[0]) for each in trained.labels])
        exact = -(wanted * probabilities.log()).sum()
        if loss == "squared":
            exact = (probabilities - wanted).square().sum() / 2
        assert torch.allclose(exposure.losses([0]), exact, rtol=0, atol=CLOSE)
    (read,) = exposure.sequences
    assert read.tokens == (" bad", " the", " film", " 电", "影")  # max_length
    assert "".join(read.texts) == "bad the film 电影"
    check_copies(exposure)
    check_predictions(exposure, [float(probabilities @ wanted.double())])
    check_stacks(exposure)


@pytest.mark.parametrize(
    ("form", "pairs", "tokens", "texts"),
    [
        ("fasta", [("ACGTN", "x"), ("GATTACA", "y")], "GAT", "GAT"),
        (
            "ts",
            [(np.ones((4, 2), np.float32), "x"), (np.full((6, 2), 5, np.float32), "y")],
            "012",
            ["", "", ""],
        ),
    ],
)
def test_letters_and_numbers_are_read_up_to_the_limit(
    form: str, pairs: list[tuple[Any, str]], tokens: str, texts: list[str]
) -> None:
    trained = classifier(form, labelled(pairs, ("1", "2") * (form == "ts")), HeadOptions("last"), True)
    exposure = classify.expose(trained, Example(*pairs[1], "t:2"), 3)
    exact = -trained.log_probabilities([pairs[1][0][:3]])[:, trained.labels.index("y")]
    assert torch.allclose(exposure.losses([0]), exact, rtol=0, atol=CLOSE)
    assert exposure.sequences[0].tokens == tuple(tokens)
    assert exposure.sequences[0].texts == tuple(texts)
    check_stacks(exposure)


def test_a_network_without_recurrence_is_not_looked_into() -> None:
    rows = [(np.array([n, -n], np.float32), "xy"[n % 2]) for n in range(8)]
    trained = classifier("table", labelled(rows, ("a", "b")), HeadOptions(), False)
    with pytest.raises(InputError, match="must have a recurrent network"):
        classify.expose(trained, Example(*rows[0], "t:1"), 10)


@pytest.mark.parametrize("crf", [True, False])
@pytest.mark.parametrize("bidirectional", [True, False])
def test_a_word_has_the_loss_of_its_own_tag(crf: bool, bidirectional: bool) -> None:
    trained = tagger(crf, bidirectional)
    words, tags = (tuple(each.split()) for each in PEOPLE[1])
    (probabilities,) = trained.probabilities([words])  # (T, K)
    (found,) = trained.predict([words])
    for given in (tags, None):
        exposure = tag.expose(trained, Example(words, given, "d:1"), 100)
        assert exposure.targets == (given or found.tags)
        numbers = [trained.tags.tags.index(each) for each in exposure.targets]
        exact = -probabilities[range(len(words)), numbers].log()
        losses = exposure.losses(range(exposure.loss_steps))
        assert torch.allclose(losses, exact, rtol=0, atol=CLOSE)
    assert exposure.sequences[0].tokens == words
    assert "".join(exposure.sequences[0].texts) == PEOPLE[1][0]
    check_copies(exposure)
    check_predictions(exposure)
    check_stacks(exposure)


FORMS: list[tuple[bool, dict[str, Any]]] = [
    (True, {}),
    (False, {"attention": "none"}),
    (True, {"attention": "general", "input_feeding": True, "num_layers": 2}),
]


@pytest.mark.parametrize(("bidirectional", "decoder"), FORMS, ids=str)
def test_a_token_written_has_its_loss_after_the_true_ones(
    bidirectional: bool, decoder: dict[str, Any]
) -> None:
    trained = translator("text", labelled(LINES), bidirectional, **decoder)
    exposure = translate.expose(trained, Example(*LINES[0], "t:1"), 100)
    targets = trained.vocabulary.encode(LINES[0][1] + "\n").long()[:, None]
    source = pad([trained.codec.encode(LINES[0][0])])
    exact = trained.model.teach(source, targets, "none")[:, 0]
    assert torch.allclose(exposure.losses(range(4)), exact, rtol=0, atol=CLOSE)
    assert [part.name for part in exposure.parts] == ["encoder", "decoder"]
    assert ["".join(each.texts) for each in exposure.sequences] == list(LINES[0])
    assert exposure.targets == (" 文", " b", " a", "<eos>")
    check_copies(exposure)
    check_predictions(exposure)
    check_stacks(exposure)


def test_without_a_target_that_is_what_is_written() -> None:
    trained = translator("text", labelled(LINES), True)
    exposure = translate.expose(trained, Example("a b", None, "t:1"), 100)
    (found,) = trained.predict(["a b"])
    assert exposure.targets == found.tokens
    assert exposure.losses(range(len(found.tokens))).sum().item() == pytest.approx(-found.log_probability)


def test_a_class_is_where_the_decoder_starts() -> None:
    trained = translator("class", labelled([("x", "a b"), ("y", "b 文 a d")]), False, attention="none")
    exposure = translate.expose(trained, Example("y", "b 文 a d", "t:2"), 4)
    targets = trained.vocabulary.encode("b 文 a d\n").long()[:, None]
    exact = trained.model.teach(pad([trained.codec.encode("y")]), targets, "none")[:4, 0]
    assert torch.allclose(exposure.losses(range(4)), exact, rtol=0, atol=CLOSE)
    assert [(part.name, part.sequence) for part in exposure.parts] == [("", 0)]
    assert exposure.sequences[exposure.of].tokens == (BEGINNING, " b", " 文", " a")
    check_stacks(exposure)


# ---- any job


def test_the_job_of_a_run_reads_what_it_is_given() -> None:
    jobs: list[tuple[Any, str, str]] = [
        (TrainedLanguageModel(*model_of("sentences")), "x\ncat\n", "cat"),
        (
            classifier("columns", labelled(REVIEWS), HeadOptions(), True),
            "text\tlabel\nfilm\tgood\nthe film\tbad\n",
            "the film",
        ),
        (tagger(True, True), "a\tO\n\nthe\tO\ncat\tB-PER\n", "the cat"),
        (translator("text", labelled(LINES), True), "a b\tb a\nb a\ta b\n", "b a"),
    ]
    for trained, text, second in jobs:
        exposure = expose(trained, Document("given", text), labelled=True, limit=9, number=1)
        assert "".join(exposure.sequences[0].texts) == second
        with pytest.raises(InputError, match="number: is from 0 to 1, the last of 2"):
            expose(trained, Document("given", text), labelled=True, limit=9, number=2)
        with pytest.raises(InputError, match="limit"):
            expose(trained, Document("given", text), labelled=True, limit=0)
        asked = expose(trained, Document("given", second), labelled=False, limit=9)
        assert asked.sequences[0].tokens == exposure.sequences[0].tokens
        assert asked.losses([0]).isfinite().all()
