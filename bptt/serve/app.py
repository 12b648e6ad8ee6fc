"""The web application: paths, requests read within their limits, answers and problems as JSON."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Hashable, Mapping
from concurrent.futures import Future
from typing import Any
from weakref import WeakSet

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from bptt.deferred import deferred
from bptt.options.checks import shown
from bptt.serve.drawn_response import DrawnAnswer, answer_drawn
from bptt.serve.drawn_verb import DrawnVerb
from bptt.serve.guard import Guard, read_body
from bptt.serve.http_problem import HttpProblem, answer_method, answer_missing, answer_problem, json_response
from bptt.serve.json_body import read_json
from bptt.serve.live_sound import Ears, HearingVerb, LiveSound
from bptt.serve.model_thread import Worker
from bptt.serve.monitoring import CONTENT_TYPE, Measured, Metrics
from bptt.serve.openapi import make_document
from bptt.serve.options import ServeOptions
from bptt.serve.registry import verb_names
from bptt.serve.served import Served
from bptt.serve.sound_response import SoundAnswer
from bptt.serve.state_store import StateStore
from bptt.serve.uploads import FILE, body_type, options_of_query, with_parameters
from bptt.serve.verb import Verb, flag_of
from bptt.serve.waiting import result_of, within
from bptt.version import __version__

# Pages need the libraries of pictures, which a server without readers does not.
_models_page = deferred("bptt.serve.web_pages", "models_page")
_make_live_page = deferred("bptt.serve.web_pages", "make_live_page")
# A page must not be shown inside another, which could lead clicks astray, nor kept when models change.
_PAGE_HEADERS = {"x-frame-options": "DENY", "cache-control": "no-store", "x-content-type-options": "nosniff"}


# Seconds after which a sound may be sent again, when others may have ended.
_LATER = {"retry-after": "10"}


class App:
    """The application for some models, which a worker thread of its own answers.

    `start` begins to load them. While `draining`, `/health` says 503, and requests are still answered.
    """

    def __init__(self, models: Mapping[str, Served], options: ServeOptions) -> None:
        self.models, self.options = models, options
        self.metrics = Metrics()
        self.worker = Worker(options.max_waiting, self._load, self.metrics.computed)
        self.states = StateStore(options.max_states, options.state_seconds)
        # Requests that are answered bit by bit: their samples are drawn, or their sound is heard.
        self._going: WeakSet[DrawnAnswer | SoundAnswer] = WeakSet()
        self._ears = Ears()
        self.draining, self._begun = False, int(time.time())
        routes = [
            Route("/", self._page),
            Route("/models/{name:path}", self._live),
            Route("/health", self._health),
            Route("/info", self._info),
            Route("/openapi.json", self._openapi),
            Route("/metrics", self._metrics),
            Route("/v1/models", self._listed),
            Route("/v1/states/{state}", self._forget, methods=["DELETE"]),
            # Reached by methods other than POST alone.
            *(Route(f"/v1/{verb}", self._ask, methods=["POST"], name=verb) for verb in verb_names()),
        ]
        self._verbs = {f"/v1/{verb}" for verb in verb_names()}
        handlers: Any = {
            404: answer_missing,
            405: answer_method,
            HttpProblem: answer_problem,
            Exception: answer_problem,
        }
        app = Starlette(routes=routes, exception_handlers=handlers)
        # A slash more is another path, not a redirection to a Host that the client chose.
        app.router.redirect_slashes = False
        self._others = app
        guarded = Guard(self._dispatch, options.allow_host, options.allow_origin)
        self.asgi = Measured(guarded, self.metrics, [route.path for route in routes])

    async def _dispatch(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request to a verb here, without the layers of Starlette, which cost more than it all."""
        if scope["type"] != "http" or scope["method"] != "POST" or scope["path"] not in self._verbs:
            await self._others(scope, receive, send)
            return
        try:
            response = await self._ask(Request(scope, receive))
        except HttpProblem as problem:
            response = problem.to_response()
        await response(scope, receive, send)

    def _load(self) -> None:
        for served in self.models.values():
            served.load(self.options, self.states)

    @property
    def state(self) -> str:
        """The state that `/health` names: "loading", "ready" or "draining"."""
        if self.draining:
            return "draining"
        return "ready" if self.worker.loaded.done() else "loading"

    async def _health(self, request: Request) -> Response:
        return json_response({"status": self.state}, 200 if self.state == "ready" else 503)

    async def _info(self, request: Request) -> Response:
        self._check_loaded()
        limits = {
            name: getattr(self.options, name)
            for name in (
                "max_bytes",
                "max_file_bytes",
                "max_inputs",
                "max_waiting",
                "max_tokens",
                "max_states",
                "state_seconds",
                "max_streams",
                "max_seconds",
                "timeout",
            )
        }
        models = [served.info for served in self.models.values()]
        return json_response({"bptt_version": __version__, "models": models, "limits": limits})

    async def _page(self, request: Request) -> Response:
        self._check_loaded()
        page = await asyncio.to_thread(_models_page, self.models.values())
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    async def _live(self, request: Request) -> Response:
        self._check_loaded()
        served = self.models.get(request.path_params["name"])
        if served is None or not served.has_live_page:
            names = ", ".join(each.name for each in self.models.values() if each.has_live_page) or "none here"
            came = shown(request.path_params["name"])
            raise HttpProblem(404, f"model: must be one with a live page, {names}, got {came}")
        try:
            page = await asyncio.to_thread(_make_live_page, served)
        except Exception as error:
            raise HttpProblem.of(error) from error
        return HTMLResponse(page, headers=_PAGE_HEADERS)

    async def _openapi(self, request: Request) -> Response:
        self._check_loaded()
        return json_response(make_document(self.models.values(), verb_names()))

    async def _metrics(self, request: Request) -> Response:
        self.metrics.waiting.set(self.worker.waiting)
        self.metrics.ready.set(int(self.state == "ready"))
        return Response(self.metrics.text(), headers={"content-type": CONTENT_TYPE})

    def _check_loaded(self) -> None:
        if not self.worker.loaded.done():
            raise HttpProblem(503, "models: must be loaded. Ask again later", {"retry-after": "1"})

    async def _ask(self, request: Request) -> Response:
        verb = request.scope["path"].rpartition("/")[2]
        self._check_loaded()
        if self._takes_files(verb):
            return await self._ask_file(request, verb)
        given = await self._read(request)
        served = self._model(given.pop("model", None), verb)
        self.metrics.asked.add(1, served.name, verb)
        found = served.verbs[verb]
        try:
            if isinstance(found, DrawnVerb):
                drawn = DrawnAnswer(found, served.name, found.read(given), self.worker)
                self._going.add(drawn)
                return await answer_drawn(drawn, request, self.options.timeout)
            assert isinstance(found, Verb)
            asked, item = found.read(given)
        except Exception as error:
            raise HttpProblem.of(error) from error
        return await self._answered(served, found, asked, item)

    def _takes_files(self, verb: str) -> bool:
        return any(verb in each.verbs and each.verbs[verb].types for each in self.models.values())

    async def _ask_file(self, request: Request, verb: str) -> Response:
        """Answer a request whose body is a file, and whose options are in its address."""
        given = options_of_query(request.query_params.multi_items())
        served = self._model(given.pop("model", None), verb)
        found = served.verbs[verb]
        assert isinstance(found, Verb)
        self.metrics.asked.add(1, served.name, verb)
        header = request.headers.get("content-type", "")
        try:
            hearing = found if isinstance(found, HearingVerb) and flag_of(given, "stream") else None
            kind = body_type(header, found.types if hearing is None else hearing.streamed_types)
            given = with_parameters(given, kind)
            if hearing is not None:
                return await self._hear(request, hearing.live(given, kind))
            body = kind.body(await self._body(request, self.options.max_file_bytes))
            asked, item = found.read({**given, FILE: body})
        except Exception as error:
            raise HttpProblem.of(error) from error
        return await self._answered(served, found, asked, item)

    async def _hear(self, request: Request, sound: LiveSound) -> Response:
        """Answer sound while it arrives."""
        sounds = sum(isinstance(each, SoundAnswer) and each.is_open for each in self._going)
        if sounds >= self.options.max_streams:
            rule = f"must be at most {self.options.max_streams} at once"
            raise HttpProblem(429, f"sounds that arrive: {rule}, got one more. Ask again later", _LATER)
        answer = SoundAnswer(sound, self._ears, self.worker, self.options, self.metrics.heard.add)
        self._going.add(answer)
        return await answer.begin(request)

    async def _answered(self, served: Served, verb: Verb, asked: Hashable, item: Any) -> Response:
        answers = await self._result(self.worker.submit(verb, asked, item))
        return json_response({"model": served.name, "answers": verb.result(answers)})

    async def _listed(self, request: Request) -> Response:
        """Return the models in OpenAI's form."""
        self._check_loaded()
        about = {"object": "model", "created": self._begun, "owned_by": "bptt"}
        data = [{"id": name, **about} for name in self.models]
        return json_response({"object": "list", "data": data})

    async def _forget(self, request: Request) -> Response:
        self.states.remove(request.path_params["state"])
        return Response(None, 204)

    def stop_going(self) -> None:
        """End the requests whose samples are drawn, or whose sound is heard, with a problem."""
        detail = f"server: ends, and samples and sounds must end within {self.options.grace:g} s"
        for answer in list(self._going):
            answer.stop(HttpProblem(503, f"{detail}. Ask again later"))

    async def _read(self, request: Request) -> dict[str, Any]:
        """Return the JSON object that a request holds. Raises HttpProblem 400, 408, 413 or 415."""
        kind = _content_type(request)
        # A page may send other types to any address without being asked for leave.
        if kind != "application/json":
            raise HttpProblem(415, f"Content-Type: must be application/json, got {kind!r}")
        return read_json(await self._body(request, self.options.max_bytes))

    async def _body(self, request: Request, most: int) -> bytes:
        try:
            return await within(self.options.timeout, read_body(request, most))
        except asyncio.TimeoutError as error:
            detail = f"body: must arrive within {self.options.timeout:g} s"
            raise HttpProblem(408, detail, {"connection": "close"}) from error

    def _model(self, name: Any, verb: str) -> Served:
        """Return the model of a name, by default the only one with the verb. Raises HttpProblem 404, 422."""
        able = {each.name: each for each in self.models.values() if verb in each.verbs}
        if name is None and len(able) == 1:
            return next(iter(able.values()))
        names = ", ".join(able) or "none here"
        if name is None and able:
            raise HttpProblem(422, f"model: must be given, one of {names}, got nothing")
        if not isinstance(name, str) or name not in able:
            raise HttpProblem(404, f"model: must be one that answers {verb}, {names}, got {shown(name)}")
        return able[name]

    async def _result(self, future: Future[Any]) -> Any:
        """Return the result of a request. Raises HttpProblem 504 if it takes too long."""
        try:
            return await result_of(future, self.options.timeout)
        except asyncio.TimeoutError as error:
            seconds = f"{self.options.timeout:g} s"
            raise HttpProblem(504, f"answer: must be found within {seconds}. Send less at once") from error
        except Exception as error:
            raise HttpProblem.of(error) from error


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
