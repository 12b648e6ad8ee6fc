"""S2, sequence models: what is printed, against values of another source."""

from __future__ import annotations

import json
import re
from math import exp, isclose

import numpy as np
import pytest
from PIL import Image

from texts.checks import learned_all, options_of, summands
from texts.page import Check, Shown, both, run, says
from texts.reference import Words, vocabulary, weights

AGREEING = "The cats , which already fed the dog , were full ."
NOT_AGREEING = "The cats , which already fed the dog , was full ."


def likelier(right: str, wrong: str) -> Check:
    """A check that the first sentence is likelier, by the odds of a GRU computed in numpy."""

    def check(shown: Shown) -> None:
        words = Words(shown.folder)
        more = sum(words.log_probabilities(right.split())) - sum(words.log_probabilities(wrong.split()))
        ranking = [fields for fields in shown.table if fields[-1] in (right, wrong) and len(fields) == 4]
        assert [fields[3] for fields in ranking] == [right, wrong]
        assert isclose(float(ranking[1][0]), more, abs_tol=1e-4)
        assert isclose(float(ranking[1][1].split(" : ")[1]), exp(more), rel_tol=1e-3)

    return check


def stretches(shown: Shown) -> None:
    """Each box and each exon is found where the rule that made the data has put it: those of the BED file."""
    lines = (shown.folder / "boxes.bed").read_text().splitlines()
    truth = {tuple(line.split("\t")[:4]) for line in lines}
    found = {tuple(fields[:4]) for fields in shown.table[1:]}
    assert len(truth & found) > 0.8 * len(truth | found)


def up_or_down(shown: Shown) -> None:
    """A walk goes where its last value is: more than half of them are told."""
    lines = (shown.folder / "walks.ts").read_text().splitlines()[2:]
    ends = [line.split(":")[0].split(",")[-1] for line in lines]
    found = [fields[0] for fields in shown.table]
    assert len(found) == len(ends)
    assert (
        np.mean([(label == "up") == (float(end) > 0) for label, end in zip(found, ends, strict=True)]) > 0.5
    )


def translated(english: str) -> Check:
    """A check that the answer is made of the Chinese words of the rule that made the data."""
    words = {
        "go": "去",
        "stay": "留",
        "home": "家",
        "here": "这里",
        "today": "今天",
        "soon": "很快",
        "we": "我们",
    }

    def check(shown: Shown) -> None:
        answer = shown.out.strip()
        wanted = {character for word in english.split() for character in words[word]}
        assert len(wanted & set(answer)) >= len(wanted) / 2

    return check


def tags(*wanted: str) -> Check:
    """A check that the tags are those of the rule that made the data."""

    def check(shown: Shown) -> None:
        assert [fields[-1] for fields in shown.table] == list(wanted)

    return check


def plays_the_scale(shown: Shown) -> None:
    """Most bars are four notes of the scale in order, up or down: the rule that made the tunes."""
    bars = [bar for bar in re.split(r"[|\n]+", shown.out)[:-1] if bar]
    right = [bar for bar in bars if len(bar) == 4 and (bar in "CDEFGABc" or bar[::-1] in "CDEFGABc")]
    assert len(right) > len(bars) / 2 > 5


def entities(shown: Shown) -> None:
    """BIO spans, counted by hand in the file: one of each kind in a sentence."""
    persons = (shown.folder / "news.conll").read_text(encoding="utf-8").count("B-PER")
    assert re.search(rf"PER\t\S+\t\S+\t\S+\t{persons}\n", shown.out)


def of_twenty(shown: Shown) -> None:
    assert len(vocabulary(shown.folder / "twenty")) == 20


def weights_by_hand(shown: Shown) -> None:
    """Three gates see a one-hot input of 30,000 and a state of 100, and have a bias each."""
    assert f"{3 * (30_000 * 100 + 100 * 100 + 100)}" in shown.out


def unknown_are_counted(shown: Shown) -> None:
    """None of the text that was learned is unknown; a word that is not in it is."""
    assert all(fields[2] == "0" for fields in shown.table)
    (shown.folder / "unknown.txt").write_text("The zebra , which already fed the dog , was full .\n")
    assert shown.also("bptt score words unknown.txt").table[0][2] == "1"


def one_to_one(shown: Shown) -> None:
    """A number for each row."""
    assert len(shown.table) == len((shown.folder / "rows.csv").read_text().splitlines()) - 1


def known_words(count: int = 1) -> Check:
    """A check that the samples are of words of the vocabulary, and end with the sentence."""

    def check(shown: Shown) -> None:
        samples = [line for line in shown.out.splitlines() if line and not line.startswith("---")]
        known = set(vocabulary(shown.folder / "words"))
        assert len(samples) == count
        assert all({*line.split()} <= known - {"<unk>", "<eos>"} for line in samples)

    return check


def has_attention(shown: Shown) -> None:
    with Image.open(shown.folder / "attention.png") as picture:
        assert min(picture.size) > 200


def first_input_is_zero(shown: Shown) -> None:
    """The first P is that after an input of zeros; the last that of the end of the sentence."""
    seen, _ = Words(shown.folder).read([])
    word, printed = next((fields[1], float(fields[2])) for fields in shown.table if fields[0] == "1")
    assert isclose(printed, np.log(seen[0][vocabulary(shown.folder / "words").index(word)]), abs_tol=2e-5)
    assert [fields[1] for fields in shown.table if fields[0] == "1"][-1] == "<eos>"


def folded(shown: Shown) -> None:
    assert not [token for token in vocabulary(shown.folder / "lower") if token != token.lower()]


def agreement(shown: Shown) -> None:
    """As many pairs as are decided right by the GRU computed in numpy."""
    words = Words(shown.folder)
    pairs = [json.loads(line) for line in (shown.folder / "agreement.jsonl").read_text().splitlines()]
    right = [
        sum(words.log_probabilities(pair["sentence_good"].split()))
        > sum(words.log_probabilities(pair["sentence_bad"].split()))
        for pair in pairs
    ]
    (row,) = (fields for fields in shown.table if fields[0] == "agreement" and len(fields) == 7)
    assert float(row[2]) == np.mean(right) > 0.9


def one_hot(shown: Shown) -> None:
    """A one where the word is in the vocabulary, and zeros elsewhere."""
    tokens = vocabulary(shown.folder / "words")
    number = tokens.index("cats")
    assert shown.table[1][:4] == ["cats", str(number), str(len(tokens)), f"(0 … 1 at {number} … 0)"]


def every_probability(shown: Shown) -> None:
    """P of every token after the text, by the GRU computed in numpy; together one."""
    words = Words(shown.folder)
    wanted = words.read("The cats , which already".split())[0][-1]
    found = {token: float(p) for p, token in shown.table}
    assert len(found) == len(words.tokens)
    assert isclose(sum(found.values()), 1, abs_tol=1e-4)
    # Six digits are printed of float32.
    assert np.allclose([found[token] for token in words.tokens], wanted, rtol=1e-4, atol=1e-6)


def side_by_side(shown: Shown) -> None:
    """The standard network has weights for each of the longest example's characters."""
    texts = [line.split("\t")[0] for line in (shown.folder / "films.tsv").read_text().splitlines()[1:]]
    assert f"reads {max(map(len, texts))} steps side by side" in shown.err
    learned_all("dense", "gru")(shown)


def in_characters(shown: Shown) -> None:
    """A token of characters is one; one of words has as many as the text by its words and ends of lines."""
    found = {fields[0]: fields for fields in shown.table[1:]}
    text = (shown.folder / "levels" / "lstm_whitespace" / "held_out.txt").read_text(encoding="utf-8")
    assert float(found["lstm character"][-2]) == 1
    assert isclose(
        float(found["lstm whitespace"][-2]), len(text) / (len(text.split()) + text.count("\n")), rel_tol=0.01
    )


def gates_of_the_sentence(shown: Shown) -> None:
    """The gates and the state of one unit, by the GRU computed in numpy, under the names of the text."""
    unit = int(re.findall(r"unit (\d+) of 16", shown.err)[0])
    _, gates = Words(shown.folder).read(AGREEING.split())
    head, *lines = shown.table
    columns = {name: head.index(name) for name in ("Γ_r", "Γ_u", "c̃", "c")}
    wanted = [{"Γ_r": g["r"], "Γ_u": 1 - g["z"], "c̃": g["n"], "c": g["h"]} for g in gates]
    assert len(lines) == len(wanted)
    for line, step in zip(lines, wanted, strict=True):
        for name, column in columns.items():
            assert isclose(float(line[column]), step[name][unit], rel_tol=1e-3, abs_tol=1e-5)


def time_in_angles(shown: Shown) -> None:
    """Every value of the cell has its time in angle brackets, and no index below."""
    equations = [line for line in shown.lines if " = " in line and "⟨t⟩" in line]
    assert len(equations) == 4
    assert not [line for line in equations if re.search("[ₜ₋]", line)]


def architecture(shown: Shown) -> None:
    """Three words are embedded, and three that were said; each answer reads a context of all states."""
    boxes = [line.replace("│", " ").split() for line in shown.lines]
    assert ["embedding"] * 6 in boxes
    assert ["output", "layer"] * 3 in boxes
    assert ["y₁", "y₂", "y₃"] in boxes
    assert ["x₁", "x₂", "x₃", "y₀", "y₁", "y₂"] in boxes
    assert any("attention" in row for row in boxes)


def waits_for_the_end(shown: Shown) -> None:
    """Of one direction, each word has its tag before the next is read; of two directions this is refused."""
    given = "Ada went to Oslo today\n"
    answered = run("bptt predict news --stream -", shown.folder, stdin=given)
    whole = run(f"bptt predict news '{given.strip()}'", shown.folder)
    assert [fields[-1] for fields in answered.table] == [fields[-1] for fields in whole.table]
    assert len(answered.table) == 5
    shown.also("bptt train tag news.conll --bidirectional --hidden 4 --layers 1 --epochs 1 -o ahead")
    with pytest.raises(AssertionError, match="direction"):
        run("bptt predict ahead --stream -", shown.folder, stdin=given)


def mixed(shown: Shown) -> None:
    """The first layer has the four gates of an LSTM, the second the three of a GRU."""
    names = weights(shown.folder / "mixed")
    assert [names[f"recurrent.R_l{layer}"].shape for layer in (0, 1)] == [(16, 4), (12, 4)]


CHECKS: dict[int, Check] = {
    44: likelier(AGREEING, NOT_AGREEING),
    45: plays_the_scale,
    46: says("negative"),
    47: stretches,
    48: translated("we go home today"),
    49: up_or_down,
    50: tags("B-PER", "O", "O", "B-LOC", "O"),
    51: entities,
    52: both(time_in_angles, says("from t = 1 to T_x")),
    53: of_twenty,
    54: weights_by_hand,
    55: one_hot,
    56: unknown_are_counted,
    57: side_by_side,
    58: both(
        summands("bptt derive elman-tanh --numbers --sizes 2,2,2 --steps 3", 3),
        says("All states at step 0 are zero."),
    ),
    59: says("[R_h, W_h] (H, H + I) (100, 10100)", "(100, 100), (100, 10000) become (100, 10100)"),
    60: says("hₜ = ReLU(W_h xₜ + R_h hₜ₋₁ + b_h)", "oₜ = σ(V hₜ + b)"),
    61: says("Eₜ = −Σ_i (y_i ln(o_i) + (1 − y_i) ln(1 − o_i))", "E = Σₜ Eₜ", "δzₜ = oₜ − yₜ"),
    62: says("tanh ╎ hₜ ╎ δhₜ", "δhₜ ⊙ (1 − hₜ²)", "R_hᵀ δnet_hₜ", "∂E_{>t−1}/∂hₜ₋₁ ◀", "∂E₁/∂h₁", "δx₁"),
    63: one_to_one,
    64: known_words(),
    65: says("positive"),
    66: translated("go home"),
    67: has_attention,
    68: architecture,
    69: likelier(AGREEING.replace("cats", "cat").replace("were", "was"), AGREEING.replace("cats", "cat")),
    70: first_input_is_zero,
    71: every_probability,
    72: known_words(),
    73: folded,
    74: in_characters,
    75: known_words(3),
    76: agreement,
    77: options_of("clipped-values", clip_value=5.0),
    78: says(
        "Γ_u⟨t⟩ = σ(W_ux x⟨t⟩ + W_uc c⟨t−1⟩ + b_u)",
        "c̃⟨t⟩ = tanh(W_cx x⟨t⟩ + W_cc c⟨t−1⟩ + b_c)",
        "c⟨t⟩ = Γ_u⟨t⟩ ⊙ c̃⟨t⟩ + (1 − Γ_u⟨t⟩) ⊙ c⟨t−1⟩",
    ),
    79: says(
        "Γ_r⟨t⟩ = σ(W_rx x⟨t⟩ + W_rc c⟨t−1⟩ + b_r)",
        "c̃⟨t⟩ = tanh(W_cx x⟨t⟩ + W_cc (Γ_r⟨t⟩ ⊙ c⟨t−1⟩) + b_c)",
        "Γ_u = 1 updates, z = 1 keeps",
    ),
    80: gates_of_the_sentence,
    81: says(
        "Γ_o⟨t⟩ = σ(W_ox x⟨t⟩ + W_oa a⟨t−1⟩ + b_o)",
        "c⟨t⟩ = Γ_f⟨t⟩ ⊙ c⟨t−1⟩ + Γ_u⟨t⟩ ⊙ c̃⟨t⟩",
        "a⟨t⟩ = Γ_o⟨t⟩ ⊙ tanh(c⟨t⟩)",
    ),
    82: says(
        "Γ_u⟨t⟩ = σ(W_ux x⟨t⟩ + W_ua a⟨t−1⟩ + p_u ⊙ c⟨t−1⟩ + b_u)",
        "Γ_o⟨t⟩ = σ(W_ox x⟨t⟩ + W_oa a⟨t−1⟩ + p_o ⊙ c⟨t−1⟩ + b_o)",
    ),
    83: learned_all("lstm", "gru"),
    84: options_of("both", bidirectional=True),
    85: waits_for_the_end,
    86: options_of("deep", num_layers=3, feed_forward=[8]),
    87: mixed,
}
