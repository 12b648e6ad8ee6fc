"""`bptt predict RUN --stream -`: a word goes in, its tag comes out, before the next word is written."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Command
from distributions import succeeded
from forked import run_forked
from job_files import SMALL, write_file

ONE_WAY = "--no-bidirectional", "--no-crf"
TEXT = "Ada to 北京\nno\n\n  Zoë 3 北京"
# Longer than the import of torch on a busy machine.
PATIENCE = 120


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    file = write_file("tag", folder)
    train = map(str, ["train", "tag", file, "-o", folder / "run", *SMALL["tag"], *ONE_WAY])
    succeeded(run_forked(*train, module="bptt", environment=os.environ))
    return folder / "run"


def streaming(run: Path, *options: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "bptt", "predict", run, "--stream", "-", *options]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, bufsize=0)


def line(process: subprocess.Popen[bytes]) -> str:
    """The next line of output, waited for while nothing more is written."""
    assert process.stdout is not None
    ready, _, _ = select.select([process.stdout], [], [], PATIENCE)
    assert ready, "no answer"
    return process.stdout.readline().decode()


@pytest.mark.parametrize("more", [(), ("--probabilities",)])
def test_the_output_is_that_of_whole_sentences(more: tuple[str, ...], run: Path, command: Command) -> None:
    streamed = command("predict", run, "--stream", "-", *more, stdin=TEXT.encode())
    assert streamed.code == 0, streamed.err
    whole = command("predict", run, "-", *more, stdin=TEXT.encode()).out
    if not more:
        assert streamed.out == whole
        return
    for one, other in zip(streamed.out.split("\n"), whole.split("\n"), strict=True):
        assert one.split("\t")[:2] == other.split("\t")[:2]
        assert [float(p) for p in one.split("\t")[2:]] == pytest.approx(
            [float(p) for p in other.split("\t")[2:]], abs=2e-6
        )


@pytest.mark.skipif(os.name != "posix", reason="select waits for pipes on POSIX only")
def test_each_word_is_answered_before_the_next_is_written(run: Path) -> None:
    process = streaming(run)
    assert process.stdin is not None
    for word, end in (("Ada", " "), ("never-seen", "\t"), ("北京", "\n")):
        process.stdin.write(f"{word}{end}".encode())
        assert line(process).split("\t")[0] == word
    assert line(process) == "\n"
    # Half a character, and half a word, are waited for.
    for part in ("北".encode()[:2], "北".encode()[2:], b"3"):
        process.stdin.write(part)
    process.stdin.write(b" ")
    assert line(process).split("\t")[0] == "北3"
    process.stdin.close()
    assert (process.wait(PATIENCE), line(process), line(process)) == (0, "\n", "")


@pytest.mark.skipif(os.name != "posix", reason="signals and pipes of POSIX")
def test_a_reader_that_goes_and_ctrl_c_end_it_quietly(run: Path) -> None:
    process = streaming(run)
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.write(b"Ada ")
    line(process)
    process.stdout.close()
    process.stdin.write(b"to ")
    assert (process.wait(PATIENCE), process.stderr.read()) == (1, b"")
    process = streaming(run)
    assert process.stdin is not None and process.stderr is not None
    process.stdin.write(b"Ada ")
    line(process)
    process.send_signal(signal.SIGINT)
    assert (process.wait(PATIENCE), process.stderr.read()) == (-signal.SIGINT, b"")


def test_json_has_an_object_a_word(run: Path, command: Command) -> None:
    out = command("predict", run, "--stream", "-", "--json", stdin=TEXT.encode()).out
    found = [json.loads(each) for each in out.splitlines()]
    assert [each["input"] for each in found] == TEXT.split()
    assert [each["sentence"] for each in found] == [1, 1, 1, 2, 4, 4, 4]
    assert [each["place"] for each in found][-1] == "standard input:4"
    assert all(0 < each["probability"] <= 1 and each["tag"] for each in found)


def test_another_encoding_is_read_and_a_wrong_one_named(run: Path, command: Command) -> None:
    words = TEXT.split()
    for encoding in ("utf-16", "gb18030"):
        ended = command("predict", run, "--stream", "-", "--encoding", encoding, stdin=TEXT.encode(encoding))
        assert [each.split("\t")[0] for each in ended.out.split("\n") if each] == words
    for damaged, place in ((b"a\nb\xff c\n", "line 2"), (b"a\n\xe5\x8c", "line 2"), (b"a\0", "line 1")):
        ended = command("predict", run, "--stream", "-", stdin=damaged)
        assert (ended.code, f"bptt: standard input, {place}: must be" in ended.err) == (2, True), ended.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--stream", "Ada to"), "--stream: reads standard input, got 'Ada to'. Give - as the input"),
        (("--stream", "-", "-o", "x"), "--output: is written when all answers are known, got --stream"),
        (("--stream", "-", "--n-best", "2"), "--n-best: needs whole sentences, got --stream"),
        (("--stream", "-", "--input", "conll"), "--stream: reads plain text, a sentence a line"),
    ],
)
def test_what_a_stream_cannot_do_is_refused(
    arguments: tuple[str, ...], said: str, run: Path, command: Command
) -> None:
    ended = command("predict", run, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err


@pytest.mark.parametrize("job", ["classify", "translate", "tag"])
def test_a_model_that_has_to_wait_says_why(job: str, tmp_path: Path, command: Command) -> None:
    file = write_file(job, tmp_path)
    assert command("train", job, file, "-o", tmp_path / "run", *SMALL[job]).code == 0
    ended = command("predict", tmp_path / "run", "--stream", "-", stdin=b"Ada")
    assert (ended.code, ended.out) == (2, "")
    waits = "one of two: a tag depends on all words behind it"
    assert (waits if job == "tag" else "needs a tagger, which answers word by word") in ended.err
    assert "Traceback" not in ended.err
