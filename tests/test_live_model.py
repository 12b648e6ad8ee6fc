"""The engine of a live page against the model itself: tokens, losses, gradients, changes, numbers."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import torch
from javascript import Evaluate, evaluate
from language_models import TEXT, make_task, trained
from live_engine import halved, script

from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import UNKNOWN, VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.language.model import Trained
from bptt.jobs.language.model_page import describe
from bptt.jobs.language.options import ModelOptions
from bptt.probe import gradient_maps

__all__ = ["evaluate"]
TYPED = "the cat 7 sat on 床前\nné"
# The page computes in 32 bits: a few hundred products and sums of numbers below 10 for each token.
CLOSE = {"rtol": 1e-4, "atol": 1e-5}

READ = """
const text = %s;
const read = (reading) => {
  reading.set(model.vocabulary.encode(text));
  for (const _ of reading.run());
  return reading;
};
"""


def reading(evaluate: Evaluate, found: Trained, body: str, text: str = TYPED) -> Any:
    return evaluate(script(describe(found), READ % json.dumps(text) + body))


def small(cell: str = "lstm", **options: Any) -> Trained:
    found = trained(make_task(cell=cell, spread=1.5, **options))
    halved(found.model)
    return found


def expected_losses(found: Trained, text: str) -> torch.Tensor:
    tokens = found.vocabulary.encode(text).long()
    read = torch.cat([tokens.new_tensor([found.config.data.before_line]), tokens[:-1]])
    output, _ = found.model.read(read[:, None])
    return found.model.loss(output[:, 0], tokens, "none")


@pytest.mark.parametrize("cell", ["lstm", "gru", "lstm-layernorm"])
def test_losses_whatever_was_read_before(evaluate: Evaluate, cell: str) -> None:
    found = small(cell)
    body = """
    const reading = new Reading(model);
    for (const other of ["the cat 7 saw", text.slice(0, 9), "", "the ".repeat(30)]) {
      reading.set(model.vocabulary.encode(other));
      for (const _ of reading.run());
    }
    return read(reading).losses.slice(0, reading.tokens.length);
    """
    np.testing.assert_allclose(
        reading(evaluate, found, body), expected_losses(found, TYPED).detach(), **CLOSE
    )


def test_one_hot_and_tied(evaluate: Evaluate) -> None:
    for options in (
        ModelOptions(hidden_size=6, num_layers=1, embedding_size=0),
        ModelOptions(hidden_size=6, num_layers=1, embedding_size=6, tied=True),
    ):
        found = small(model=options)
        losses = reading(evaluate, found, "return read(new Reading(model)).losses;")
        np.testing.assert_allclose(losses[:-1], expected_losses(found, TYPED).detach(), **CLOSE)


def test_gradients_of_every_loss(evaluate: Evaluate) -> None:
    found = small()
    body = """
    const reading = read(new Reading(model));
    return reading.tokens.map((_, m) => [...reading.reach(m, 0)].at(-1).norms);
    """
    rows = reading(evaluate, found, body)
    tokens = found.vocabulary.encode(TYPED).long()
    read = torch.cat([tokens.new_tensor([found.config.data.before_line]), tokens[:-1]])

    def losses(steps: Any) -> torch.Tensor:
        output, _ = found.model.read(read[:, None].expand(-1, len(steps)))
        picked = output[list(steps), torch.arange(len(steps))]
        return found.model.loss(picked, tokens[list(steps)], "none")

    maps = gradient_maps(found.model.recurrent, losses, range(len(tokens)))
    for layer, expected in enumerate(maps):
        for m, row in enumerate(rows):
            np.testing.assert_allclose(row[layer], expected.net[m, : m + 1], rtol=2e-3, atol=1e-6)


def test_changes(evaluate: Evaluate) -> None:
    """Scales of 1 change nothing; a cell state of zero from token 3 on leaves the bias of the output."""
    found = small()
    body = """
    const reading = new Reading(model, true);
    const losses = (edits) => {
      reading.setEdits(edits);
      return [...read(reading).losses];
    };
    const edit = { layer: 1, value: "c", unit: null, scale: 0, shift: 0, from: 3, to: null };
    const plain = losses([{ ...edit, scale: 1 }]);
    const changed = losses([edit]);
    const norms = [...reading.reach(6, 0)].at(-1).norms;
    const one = losses([{ ...edit, unit: 2, scale: 0, shift: 0.25 }]);
    return { plain, changed, norms, kept: reading.values(1, "c", 2), one };
    """
    answer = reading(evaluate, found, body)
    expected = expected_losses(found, TYPED).detach()
    np.testing.assert_allclose(answer["plain"][:-1], expected, **CLOSE)
    np.testing.assert_allclose(answer["changed"][:4], expected[:4], **CLOSE)
    tokens = found.vocabulary.encode(TYPED).long()
    bias = -found.model.output.bias.log_softmax(-1)[tokens]  # type: ignore[union-attr, operator]
    np.testing.assert_allclose(answer["changed"][4:-1], bias[4:].detach(), **CLOSE)
    assert not np.any(answer["norms"]), "what was set passes no gradient back"
    assert list(answer["kept"].values())[3:] == [0.25] * (len(tokens) - 3)
    assert answer["one"] != answer["plain"]


def test_equations_with_numbers(evaluate: Evaluate) -> None:
    """Each printed line, computed as it is printed, is its left side."""
    for cell in ("lstm", "gru-torch", "lstm-layernorm", "indrnn"):
        body = """
        const reading = read(new Reading(model));
        const last = reading.tokens.length;
        reading.seed(last, 1);
        reading.stack.backward(last + 1, 1);
        return equationsOf(reading, 0, 5, 3);
        """
        found = reading(evaluate, small(cell), body)
        lines = [
            line
            for line in (*found["forward"], *found["backward"])
            if not line["rest"].startswith(("mean", "sum"))
        ]
        values = evaluate(f"return [{', '.join(line['numbers'] or '0' for line in lines)}];")
        for line, value in zip(lines, values, strict=True):
            total = value + sum(product["value"] for product in line["products"])
            assert total == pytest.approx(line["value"], rel=2e-2, abs=2e-3), (cell, line)


def test_samples(evaluate: Evaluate) -> None:
    found = small()
    body = """
    const reading = read(new Reading(model));
    const best = reading.expected.at(-1).find(({ token }) => token !== UNKNOWN);
    const greedy = reading.draw({ temperature: 0, topP: 1 }, () => 0.99);
    const narrow = reading.draw({ temperature: 1, topP: 1e-9 }, () => 0.99);
    const counts = new Array(model.vocabulary.size).fill(0);
    const even = { temperature: 1, topP: 1 };
    for (let k = 0; k < 2000; ++k) counts[reading.draw(even, () => (k + 0.5) / 2000)] += 1;
    return { best: best.token, greedy, narrow, counts, logits: [...reading.logits] };
    """
    answer = reading(evaluate, found, body)
    assert answer["best"] == answer["greedy"] == answer["narrow"]
    shares = np.exp(answer["logits"]) * (np.arange(len(answer["logits"])) != UNKNOWN)
    # Even places between 0 and 1 hit each share to within one place at either end.
    np.testing.assert_allclose(np.array(answer["counts"]) / 2000, shares / shares.sum(), atol=1e-3)


VOCABULARIES = [
    VocabularyOptions(),
    VocabularyOptions("character", lowercase=True, digits=False, punctuation=False, white_space=False),
    VocabularyOptions("word", min_count=1),
    VocabularyOptions("word", min_count=1, lowercase=True, normalise="nfkc", punctuation=False),
    VocabularyOptions("whitespace", min_count=1),
    VocabularyOptions("bpe", max_size=300),
]
LINES = """It's the cats' 3rd café — isn't it?  Two  spaces,\ttab ‘quoted’ rock'n'roll
 leading and trailing \x20

床前明月光，疑是地上霜。 ＡＢＣ１２３ ﬁne <unk> word<unk> 日本語のテキスト ไทย e\u0301 a_b 4x4 😀👍🏽
"""


@pytest.mark.parametrize("options", VOCABULARIES, ids=str)
def test_tokens(evaluate: Evaluate, options: VocabularyOptions) -> None:
    task = make_task(LINES * 8 + TEXT, vocabulary=options)
    found, texts = trained(task), [LINES, TYPED, "", "\n\n", "unseen Ω words", " ", "a"]
    body = f"return {json.dumps(texts)}.map((text) => model.vocabulary.encode(text));"
    tokens = evaluate(script(describe(found), body))
    vocabulary: Vocabulary = found.vocabulary
    assert tokens == [vocabulary.encode(text).tolist() for text in texts]
    body = f"return {json.dumps(tokens)}.map((text) => model.vocabulary.decode(text, true));"
    assert evaluate(script(describe(found), body)) == [vocabulary.decode(each) for each in tokens]


def test_refused() -> None:
    options = VocabularyOptions("word", min_count=1)
    found = trained(make_task(vocabulary=options))
    jieba = Vocabulary(found.vocabulary._tokenizer, VocabularyOptions("jieba"))
    with pytest.raises(InputError, match="level jieba"):
        describe(found._replace(vocabulary=jieba))
    adaptive = trained(make_task(model=ModelOptions(hidden_size=6, num_layers=1, output_layer="adaptive")))
    with pytest.raises(InputError, match="full softmax only, got output_layer adaptive"):
        describe(adaptive)
