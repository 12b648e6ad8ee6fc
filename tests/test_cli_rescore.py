"""`bptt rescore`, `compare`, and `evaluate` on minimal pairs, as a user types them."""

from __future__ import annotations

import json
from math import exp
from pathlib import Path

import pytest
import torch
from conftest import Command
from language_models import make_task

from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights

TEXT = "the cat was full 是的.\nthe cats were full 是的.\n" * 20
TEXTS = {"a": ["THE CAT", "THE HAT"], "b": ["WAS FULL", "WERE FULL"], "c": ["CATS", "A CAT", "HATS"]}
SAID = {"a": "THE HAT", "b": "WAS FULL", "c": "A CAT"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    task = make_task(TEXT, dtype=torch.float32, spread=3.0)
    task.save(folder)
    write_weights(task.model, folder / WEIGHTS, task.metadata)
    return folder


@pytest.fixture
def lists(tmp_path: Path) -> dict[str, Path]:
    keys = {f"{name}-{i}": text for name, texts in TEXTS.items() for i, text in enumerate(texts, 1)}
    contents = {
        "words": [f"{key} {text}" for key, text in keys.items()],
        "costs": [f"{key} {i}.5" for i, key in enumerate(keys)],
        "text": [f"{name} {text}" for name, text in SAID.items()],
    }
    for name, lines in contents.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return {name: tmp_path / name for name in contents}


def table(out: str) -> dict[str, list[str]]:
    return {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}


def test_the_chosen_texts_are_those_with_the_highest_sum(run: Path, lists: dict, command: Command) -> None:
    scored = command(
        "score",
        run,
        "-",
        stdin="\n".join(text for texts in TEXTS.values() for text in texts).lower().encode(),
    ).out
    values = iter(float(line.split("\t")[0]) for line in scored.splitlines())
    expected, number = [], 0
    for name, texts in TEXTS.items():
        sums = []
        for text in texts:
            sums.append(-(number + 0.5) + 0.3 * next(values) + 2 * len(text.split()))
            number += 1
        expected.append(f"{name} {texts[sums.index(max(sums))]}")
    options = "--costs", lists["costs"], "--weight", 0.3, "--per-word", 2
    ended = command("rescore", run, lists["words"], *options)
    assert ended.code == 0
    assert ended.out.splitlines() == expected
    assert "in lower case, which it knows best" in ended.err
    kept = command(
        "rescore", run, lists["words"], *options, "--case", "lower", "-o", lists["text"].parent / "out"
    )
    context = "each line is read after <eos>, the end of a line, as the model learned a continuous text"
    assert (kept.out, kept.err) == ("", f"{context}\n")
    assert (lists["text"].parent / "out").read_text(encoding="utf-8").splitlines() == expected


def test_error_rates_stand_side_by_side(run: Path, lists: dict, tmp_path: Path, command: Command) -> None:
    """By hand: THE CAT for THE HAT, and CATS for A CAT, are 1 and 2 errors of 6 words."""
    options = "--references", lists["text"], "-o", tmp_path / "out"
    ended = command("rescore", run, lists["words"], *options, "--weight", 0)
    assert table(ended.out) == {
        "": ["error rate", "errors", "words", "hits", "substitutions", "deletions", "insertions"],
        "1-best": ["50.00%", "3", "6", "3", "2", "1", "0"],
        "rescored": ["50.00%", "3", "6", "3", "2", "1", "0"],
        "oracle": ["0.00%", "0", "6", "6", "0", "0", "0"],
    }
    assert "no scores: each hypothesis has the score 0" in ended.err
    assert (tmp_path / "out").read_text(encoding="utf-8") == "a THE CAT\nb WAS FULL\nc CATS\n"
    by_character = table(
        command("rescore", run, lists["words"], *options, "--weight", 0, "--unit", "character").out
    )
    assert by_character[""][2] == "characters"
    assert by_character["1-best"][:3] == ["17.65%", "3", "17"]


def test_weights_are_tuned_and_told_as_options(run: Path, lists: dict, command: Command) -> None:
    given = run, lists["words"], "--references", lists["text"]
    tuned = command("rescore", *given, "--tune", lists["words"], "--tune-references", lists["text"])
    assert tuned.code == 0
    told = next(line for line in tuned.err.splitlines() if line.startswith("tuned on 3 utterances"))
    before, after = "50.00% before, ", table(tuned.out)["rescored"][0]
    assert f"{before}{after} with --weight" in told
    options = told[told.index("--weight") :].split()
    assert command("rescore", *given, *options).out == tuned.out
    shared = command("rescore", *given, "--tune-share", 0.4, "--seed", 1)
    assert "tuned on 1 utterances" in shared.err
    assert table(shared.out)["1-best"][2] in {"4"}
    assert shared.out == command("rescore", *given, "--tune-share", 0.4, "--seed", 1).out


@pytest.mark.parametrize(
    ("file", "line", "content", "rule"),
    [
        ("words", 3, "b WAS FULL", "a key must end in the rank of its hypothesis"),
        ("words", 4, "a-2 AGAIN", "each key occurs once"),
        ("words", 5, "c-8 CATS", "must have a score in"),
        ("costs", 5, "c-1 many", "a score is a finite number, got 'many'"),
        ("text", 2, "a AGAIN", "each key occurs once"),
    ],
)
def test_a_mangled_list_has_its_line(
    run: Path, lists: dict[str, Path], command: Command, file: str, line: int, content: str, rule: str
) -> None:
    lines = lists[file].read_text(encoding="utf-8").splitlines()
    lines[line - 1] = content
    lists[file].write_text("\n".join(lines), encoding="utf-8")
    options = "--costs", lists["costs"], "--references", lists["text"], "--weight", 1
    ended = command("rescore", run, lists["words"], *options)
    assert ended.code == 2
    assert f"{lists[file]}:{line}: {rule}" in ended.err
    assert "Traceback" not in ended.err


def test_options_that_do_not_fit_say_so(run: Path, lists: dict, command: Command) -> None:
    for options, message in (
        ((), "needs one of --weight, --tune, --tune-share, got none"),
        (("--weight", 1, "--tune-share", 0.5), "got --weight and --tune-share"),
        (("--tune-share", 1), "--tune-share: is above 0 and below 1, got 1.0"),
        (("--weight", -1), "--weight: is a finite number of at least 0, got -1.0"),
        (("--weight", 1, "--per-word", "inf"), "--per-word: is a finite number"),
        (("--tune-share", 0.5), "must say what was said in each utterance, got nothing for"),
    ):
        ended = command("rescore", run, lists["words"], *options)
        assert ended.code == 2
        assert message in ended.err


def test_sentences_are_compared_word_by_word(run: Path, command: Command) -> None:
    sentences = ["the cat was", "the cats were full", "the cat"]
    ended = command("choose", run, *sentences)
    assert ended.code == 0
    rows, ranks = (part.splitlines() for part in ended.out.split("\n\n"))
    cells = [row.split("\t") for row in rows]
    assert [row[::2] for row in cells] == [
        ["the", "the", "the"],
        ["cat", "cats", "cat"],
        ["was", "were", "<eos>"],
        ["<eos>", "full", ""],
        ["", "<eos>", ""],
        ["sum", "sum", "sum"],
    ]
    scored = command("score", run, "-", stdin="\n".join(sentences).encode()).out.splitlines()
    sums = {line.split("\t")[3]: float(line.split("\t")[0]) for line in scored}
    assert [float(cell) for cell in cells[-1][1::2]] == pytest.approx(list(sums.values()), abs=2e-6)
    for column in (1, 3, 5):
        parts = [float(row[column]) for row in cells[:-1] if row[column]]
        assert sum(parts) == pytest.approx(float(cells[-1][column]), abs=1e-5)
    ranked = [row.split("\t") for row in ranks[1:]]
    assert [row[3] for row in ranked] == sorted(sums, key=lambda sentence: -sums[sentence])
    for behind, odds, unknown, sentence in ranked:
        assert float(behind) == pytest.approx(max(sums.values()) - sums[sentence], abs=2e-6)
        if "^" not in odds:
            assert float(odds.removeprefix("1 : ")) == pytest.approx(exp(float(behind)), rel=1e-3)
        assert unknown == "0"
    assert command("choose", run, "one").code == 2


def test_a_text_without_spaces_is_compared_by_token(run: Path, command: Command) -> None:
    rows = command("choose", run, "是的", "是猫").out.split("\n\n")[0].splitlines()
    assert [row.split("\t")[::2] for row in rows] == [
        ["是", "是"],
        ["的", "<unk>"],
        ["<eos>", "<eos>"],
        ["sum", "sum"],
    ]


def write_pairs(folder: Path) -> None:
    pairs = [
        ("the cat was full", "the cat were full", "the cat", "was", "were"),
        ("cats were full", "cats was full", "cats", "were", "was"),
    ]
    names = (
        "sentence_good",
        "sentence_bad",
        "one_prefix_prefix",
        "one_prefix_word_good",
        "one_prefix_word_bad",
    )
    for uid in ("near", "far"):
        lines = [json.dumps(dict(zip(names, pair, strict=True)) | {"UID": uid}) for pair in pairs]
        (folder / f"{uid}.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_minimal_pairs_are_evaluated_by_distance(run: Path, tmp_path: Path, command: Command) -> None:
    write_pairs(tmp_path)
    ended = command("evaluate", run, tmp_path / "near.jsonl", "--figures", tmp_path / "figures")
    assert ended.code == 0
    whole, distances = (part.splitlines() for part in ended.out.split("\n\n")[:2])
    assert whole[0].split("\t")[:3] == ["paradigm", "pairs", "accuracy"]
    assert whole[1].split("\t")[:2] == ["near", "2"]
    assert [row.split("\t")[:3] for row in distances[1:]] == [["near", "1", "1"], ["near", "2", "1"]]
    assert (tmp_path / "figures" / "agreement.png").read_bytes().startswith(b"\x89PNG")
    both = command("evaluate", run, tmp_path).out.splitlines()
    assert [row.split("\t")[:2] for row in both[1:3]] == [["far", "2"], ["near", "2"]]
    assert command("evaluate", run).code == 0


def test_a_mangled_pair_has_its_line(run: Path, tmp_path: Path, command: Command) -> None:
    write_pairs(tmp_path)
    file = tmp_path / "near.jsonl"
    first = file.read_text(encoding="utf-8").splitlines()[0]
    for second, rule in (("{", ""), ('{"sentence_good": "a", "UID": "x"}', '"sentence_bad" must be a text')):
        file.write_text(f"{first}\n{second}\n", encoding="utf-8")
        ended = command("evaluate", run, file)
        assert ended.code == 2
        assert f"{file}:2: {rule}" in ended.err


def test_silence_counts_what_was_inserted(run: Path, lists: dict, command: Command) -> None:
    """By hand: where nothing was said, CATS is an insertion; THE CAT for THE HAT is an error of 4 words."""
    lists["text"].write_text("a THE HAT\nb WAS FULL\nc\n", encoding="utf-8")
    ended = command("rescore", run, lists["words"], "--references", lists["text"], "--weight", 0)
    assert table(ended.out)["1-best"] == ["50.00%", "2", "4", "3", "1", "0", "1"]


def test_the_choice_goes_into_no_file_that_is_read_and_through_no_link(
    run: Path, lists: dict, tmp_path: Path, command: Command
) -> None:
    before = lists["text"].read_bytes()
    (tmp_path / "link").symlink_to(lists["text"])
    for output, rule in (
        (lists["text"], "must not be a file that is read"),
        (lists["words"], "must not be a file that is read"),
        (tmp_path / "link", "must be the name of a file, got a symbolic link"),
        (tmp_path, "must be the name of a file, got a folder"),
        (tmp_path / "no" / "out", "must be in a folder that exists"),
    ):
        options = "--references", lists["text"], "--weight", 0, "-o", output
        ended = command("rescore", run, lists["words"], *options)
        assert ended.code == 2 and rule in ended.err
    assert lists["text"].read_bytes() == before
    stray = command("rescore", run, lists["words"], "--tune-share", 0.5, "--per-word", 1)
    assert stray.code == 2 and "belong to --weight, got them with --tune-share" in stray.err


@pytest.mark.parametrize("space", ["  ", "\t", "\u00a0", "\u3000"])
def test_white_space_in_a_list_changes_no_choice(
    run: Path, lists: dict, command: Command, space: str
) -> None:
    options = "--costs", lists["costs"], "--weight", 0.3, "--per-word", 2
    plain = command("rescore", run, lists["words"], *options).out
    lines = [line.split(" ", 1) for line in lists["words"].read_text(encoding="utf-8").splitlines()]
    spaced = "".join(f"{key} {text.replace(' ', space)}\n" for key, text in lines)
    lists["words"].write_text(spaced, encoding="utf-8")
    assert command("rescore", run, lists["words"], *options).out.replace(space, " ") == plain
