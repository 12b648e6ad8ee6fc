"""`POST /v1/completions`: OpenAI's form around the samples and the ln P of the model itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from serve_app import answers, ask, save_model, started

from bptt.serve.app import App


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    folder = tmp_path_factory.mktemp("runs") / "lm"
    save_model(folder)
    found = started(folder, max_inputs=8, max_tokens=100)
    yield found
    found.worker.close()


def complete(app: App, **body: Any) -> Any:
    status, found, _ = ask(app, "/v1/completions", body)
    assert status == 200, found
    return found


def test_choices_are_the_samples_of_a_seed(app: App) -> None:
    found = complete(
        app, model="lm", prompt=["the", ""], n=2, max_tokens=20, seed=7, temperature=0.8, top_p=0.9
    )
    drawn = {"length": 20, "number": 2, "seed": 7, "temperature": 0.8, "top_p": 0.9}
    texts = [each["text"] for text in ("the", "") for each in answers(app, "sample", prompt=text, **drawn)]
    assert [each["text"] for each in found["choices"]] == texts
    assert [each["index"] for each in found["choices"]] == [0, 1, 2, 3]
    assert {each["finish_reason"] for each in found["choices"]} == {"length"}
    assert (found["object"], found["model"]) == ("text_completion", "lm")
    assert found["usage"] == {"prompt_tokens": 3, "completion_tokens": 80, "total_tokens": 83}
    assert complete(app)["choices"] != complete(app)["choices"], "without a seed another one is drawn"


def test_echo_gives_the_prompt_and_its_ln_p(app: App) -> None:
    """The ln P of tokens behind the first are those of `score` for a model that reads lines as they begin."""
    found = complete(app, prompt="the cat", max_tokens=0, echo=True, logprobs=2)
    (choice,) = found["choices"]
    assert (choice["text"], choice["finish_reason"]) == ("the cat", "length")
    listed = choice["logprobs"]
    assert listed["tokens"] == list("the cat") and listed["text_offset"] == list(range(7))
    for top, value in zip(listed["top_logprobs"], listed["token_logprobs"], strict=True):
        assert len(top) == 2 and max(top.values()) >= value
    state = answers(app, "states", input="")[0]["state"]
    (scored,) = answers(app, "score", input="the cat", state=state)
    # Sums in float32 and in float64.
    assert listed["token_logprobs"] == pytest.approx(scored["log_probabilities"][:7], abs=1e-5)
    assert found["usage"]["completion_tokens"] == 0
    (longer,) = complete(app, prompt="the", max_tokens=4, echo=True, logprobs=0, seed=1)["choices"]
    assert longer["logprobs"]["text_offset"] == list(range(7)) and longer["text"].startswith("the")


def test_a_text_ends_before_its_stop_and_so_do_its_tokens(app: App) -> None:
    whole = complete(app, max_tokens=60, seed=2)["choices"][0]["text"]
    stop = whole[20:23]
    expected = whole[: whole.index(stop)]
    for body in ({"stop": stop}, {"stop": ["猫", stop]}):
        (choice,) = complete(app, max_tokens=60, seed=2, logprobs=0, **body)["choices"]
        assert (choice["text"], choice["finish_reason"]) == (expected, "stop")
        assert "".join(choice["logprobs"]["tokens"]).replace("<eos>", "\n") == expected


def test_chunks_add_up_to_the_answer(app: App) -> None:
    body = {"prompt": ["the", "a"], "max_tokens": 25, "seed": 3, "echo": True, "logprobs": 1, "stop": "  "}
    whole = complete(app, **body)
    usage = {"stream_options": {"include_usage": True}}
    *chunks, last, done = complete(app, **body, stream=True, **usage)
    assert (done, last["choices"], last["usage"]) == ("[DONE]", [], whole["usage"])
    assert len({each["id"] for each in (*chunks, last)}) == 1 and len(chunks) > 2
    for choice in whole["choices"]:
        own = [each["choices"][0] for each in chunks if each["choices"][0]["index"] == choice["index"]]
        assert "".join(each["text"] for each in own) == choice["text"]
        assert [each["finish_reason"] for each in own[:-1]] == [None] * (len(own) - 1)
        assert own[-1]["finish_reason"] == choice["finish_reason"]
        for name, values in choice["logprobs"].items():
            assert [value for each in own for value in each["logprobs"][name]] == values


@pytest.mark.parametrize(
    ("said", "body"),
    [
        ("best_of: is not supported, got 3. Leave it out", {"best_of": 3}),
        ("best_of: is not supported, got true", {"best_of": True}),
        ("frequency_penalty: is not supported, got false", {"frequency_penalty": False}),
        ('include_usage: is true or false, got "x"', {"stream_options": {"include_usage": "x"}}),
        ("user: must be a text, got an array", {"user": []}),
        ("suffix: is not supported", {"suffix": "x"}),
        ("logit_bias: is not supported", {"logit_bias": {"1": 2}}),
        ("messages: ", {"messages": []}),
        ("prompt: must be a text", {"prompt": [1, 2]}),
        ("max_tokens: must be at most 100 tokens", {"max_tokens": 101}),
        ("n: must be at most 8 samples", {"n": 3, "prompt": ["", "", ""]}),
        ("stop: must be texts of a character or more", {"stop": ["a", ""]}),
        ("stream_options: ", {"stream_options": {"x": 1}}),
        ("top_p: is above 0", {"top_p": 0}),
    ],
)
def test_a_field_that_is_not_supported_is_refused_by_name(app: App, said: str, body: Any) -> None:
    status, problem, _ = ask(app, "/v1/completions", body)
    assert status == 422 and problem["detail"].startswith(said)
    idle = {"best_of": 1, "suffix": None, "frequency_penalty": 0, "user": "me", "logprobs": None}
    assert complete(app, **idle)["choices"][0]["logprobs"] is None


def test_models_are_listed(app: App) -> None:
    found = ask(app, "/v1/models")[1]
    assert found["object"] == "list" and [each["id"] for each in found["data"]] == ["lm"]
