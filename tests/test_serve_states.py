"""States over HTTP: behind a text that was read once, answers are those for the whole text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serve_app import answers, ask, save_model, started

from bptt.jobs.language.text_read import before_text
from bptt.serve.app import App
from bptt.serve.http_problem import HttpProblem
from bptt.serve.state_store import StateStore


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("runs") / "lm"
    save_model(folder)
    found = started(folder, f"other={folder}", max_states=5)
    yield found
    found.worker.close()


def state(app: App, text: str, **more: object) -> str:
    (found,) = answers(app, "states", model="lm", input=text, **more)
    assert (found["row"], found["input"], found["unknown"]) == (1, text, 0)
    handle: str = found["state"]
    return handle


def test_answers_behind_a_state_are_the_rest_of_those_for_the_whole_text(app: App) -> None:
    line = state(app, "the c", start="line")
    (whole,) = answers(app, "next", model="lm", input="the cats")
    (found,) = answers(app, "next", model="lm", input="ats", state=line)
    assert found["steps"] == whole["steps"][5:]
    (whole,) = answers(app, "score", model="lm", input="the cats")
    (found,) = answers(app, "score", model="lm", input="ats", state=line)
    assert found["log_probabilities"] == whole["log_probabilities"][5:]
    longer = state(app, "ats", state=line)
    (found,) = answers(app, "next", model="lm", input="", state=longer)
    (whole,) = answers(app, "next", model="lm", input="the cats", last=True)
    assert found["steps"] == whole["steps"]
    chosen = answers(app, "choose", model="lm", input=["at", "ats"], state=line)
    assert [each["behind"] for each in chosen] == sorted(each["behind"] for each in chosen)


def test_a_conversation_of_samples_is_one_sample(app: App) -> None:
    """With the likeliest token at each step, the parts of a sample do not depend on random numbers."""
    (whole,) = answers(app, "sample", model="lm", prompt="the", length=24, temperature=0)
    text, behind = "", state(app, "the")
    for _ in range(4):
        (part,) = answers(app, "sample", model="lm", length=6, temperature=0, state=behind, keep=True)
        text, behind = text + part["text"], part["state"]
    assert text == whole["text"]
    (part,) = answers(app, "sample", model="lm", prompt="t", length=9, seed=3, state=state(app, "the ca"))
    assert part["text"] == answers(app, "sample", model="lm", prompt="the cat", length=9, seed=3)[0]["text"]
    _, found, _ = ask(
        app, "/v1/sample", {"model": "lm", "length": 2, "stream": True, "keep": True, "number": 2}
    )
    assert [each["state"] in app.states._kept for each in found if each != "[DONE]" and "state" in each] == [
        True,
        True,
    ]


def test_states_are_limited_deleted_and_of_one_model(app: App) -> None:
    first, *_, last = [state(app, "the") for _ in range(6)]
    assert len(app.states) == 5
    asked = {"model": "lm", "input": ""}
    status, problem, _ = ask(app, "/v1/next", {**asked, "state": first})
    assert (status, problem["status"]) == (410, 410) and "5 states, each until 600 s" in problem["detail"]
    assert ask(app, "/v1/next", {**asked, "model": "other", "state": last})[0] == 422
    assert ask(app, "/v1/states", {**asked, "state": last, "start": "line"})[0] == 422
    assert ask(app, "/v1/states", {**asked, "start": "word"})[0] == 422
    assert ask(app, f"/v1/states/{last}", method="DELETE")[0] == 204
    for handle, expected in ((last, 410), (last[:-1] + "x", 404), ("7", 404)):
        assert ask(app, f"/v1/states/{handle}", method="DELETE")[0] == expected
        assert ask(app, "/v1/score", {**asked, "state": handle})[0] == expected
    assert ask(app, "/v1/score", {**asked, "state": 7})[0] == 404
    assert ask(app, "/info")[1]["limits"]["max_states"] == 5


def test_a_state_lives_until_its_time_after_the_last_use_is_over() -> None:
    now = [0.0]
    store = StateStore(3, 10, lambda: now[0])
    one, two = store.keep("lm", before_text()), store.keep("lm", before_text())
    now[0] = 9
    assert store.find(one, "lm").count == 0
    now[0] = 12
    with pytest.raises(HttpProblem, match="must be kept still"):
        store.find(two, "lm")
    assert store.find(one, "lm").count == 0 and len(store) == 1
    three, four = store.keep("lm", before_text()), store.keep("lm", before_text())
    store.find(one, "lm")
    store.keep("lm", before_text())
    with pytest.raises(HttpProblem) as raised:
        store.find(three, "lm")
    assert raised.value.status == 410 and store.find(four, "lm") and store.find(one, "lm")
