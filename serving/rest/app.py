"""The server's routes: from a request to an answer."""

import asyncio
import hmac
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.rest.batching import Batcher, Upload
from serving.rest.bodies import Bodies
from serving.rest.limits import Limits, Refusal, busy
from serving.rest.metrics import Metrics
from serving.rest.protocol import Answer, Asked, Images, read_images, read_path, write_answers
from serving.rest.servable import Servable
from serving.rest.versions import ServedModel

# Images are decoded in each, and the largest takes 0.7 GB.
_THREADS = 2
_METRICS = ("/metrics", "/monitoring/prometheus/metrics")


@dataclass(frozen=True)
class Routes:
    """Paths beside TensorFlow Serving's.

    Attributes:
        live: answers 200 as long as the process does.
        ready: answers 200 when every model is served.
        predict: asks the first model, as the container of a Vertex Endpoint is asked.
    """

    live: str = "/livez"
    ready: str = "/readyz"
    predict: str | None = None


ROUTES = Routes()


class Api:
    """Answers requests.

    Args:
        models: what is served, by name.
        limits: what a client may ask for.
        routes: paths beside the protocol's.
        token: what every request but for `live` and `ready` must bring; None for nothing.
    """

    def __init__(
        self,
        models: Mapping[str, ServedModel],
        limits: Limits,
        routes: Routes,
        token: str | None = None,
    ) -> None:
        self._models = models
        self._limits = limits
        self._token = token
        self._bodies = Bodies(limits)
        self._metrics = Metrics(models.values())
        self._at_work = 0
        self._readers = ThreadPoolExecutor(_THREADS, "reader")
        self._callers = ThreadPoolExecutor(_THREADS, "caller")
        self._batchers: weakref.WeakKeyDictionary[Servable, Batcher] = weakref.WeakKeyDictionary()
        own = [Route(routes.live, self._live), Route(routes.ready, self._ready)]
        own += [Route(path, self._show_metrics) for path in _METRICS]
        if routes.predict:
            own.append(Route(routes.predict, self._predict_first, methods=["POST"]))
        protocol = Route("/v1/models/{rest:path}", self._serve, methods=["GET", "POST"])
        self.app = Starlette(
            routes=[*own, protocol],
            exception_handlers={
                Refusal: _answer_refusal,
                HTTPException: _answer_unknown,
                Exception: _answer_failure,
            },
        )

    async def _live(self, request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def _ready(self, request: Request) -> Response:
        waiting = [model.name for model in self._models.values() if not model.served.versions]
        if waiting:
            raise Refusal(503, f"Not loaded yet: {', '.join(waiting)}.")
        return JSONResponse({"status": "ready"})

    async def _show_metrics(self, request: Request) -> Response:
        self._check_token(request)
        return Response(self._metrics.write(), media_type="text/plain; version=0.0.4")

    async def _serve(self, request: Request) -> Response:
        self._check_token(request)
        asked = read_path(request.method, request.url.path)
        model = self._models.get(asked.model)
        if asked.verb == ":predict":
            return await self._predict(request, model, asked)
        if model is None:
            raise Refusal(404, f"Could not find any versions of model {asked.model[:100]}")
        if not asked.verb:
            return JSONResponse({"model_version_status": model.statuses(asked)})
        servable = model.find(asked)
        spec = {"name": model.name, "signature_name": "", "version": str(servable.number)}
        described = {"signature_def": {"signature_def": servable.signatures}}
        return JSONResponse({"model_spec": spec, "metadata": described})

    async def _predict_first(self, request: Request) -> Response:
        self._check_token(request)
        model = next(iter(self._models.values()))
        return await self._predict(request, model, Asked(model.name))

    def _check_token(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        wanted = f"Bearer {self._token}"
        if self._token and not hmac.compare_digest(given.encode(), wanted.encode()):
            raise Refusal(401, "The request has no token, or a wrong one: send it as a bearer.")

    async def _predict(self, request: Request, model: ServedModel | None, asked: Asked) -> Response:
        began = time.perf_counter()
        status = 500
        try:
            if model is None:
                raise Refusal(404, f"Servable not found for request: Latest({asked.model[:100]})")
            async with self._bodies.read(request) as body:
                response = await self._answer(body, model, asked)
            status = response.status_code
            return response
        except Refusal as refusal:
            status = refusal.status
            raise
        finally:
            self._metrics.note_request(status, time.perf_counter() - began)

    async def _answer(self, body: bytes, model: ServedModel, asked: Asked) -> Response:
        with self._turn():
            servable = model.find(asked)
            loop = asyncio.get_running_loop()
            images, checked = await loop.run_in_executor(self._readers, self._read, body, servable)
            uploads = [one for one in checked if isinstance(one, Upload)]
            told = iter(await self._batcher(servable).answer(uploads, self._limits.seconds))
            answers: list[Answer] = [
                next(told) if isinstance(one, Upload) else one for one in checked
            ]
            self._metrics.note_answers(model.name, servable, answers)
        faults = [one for one in answers if isinstance(one, str)]
        if len(faults) == len(answers):
            what = faults[0] if len(faults) == 1 else f"None of {len(faults)} images: {faults[0]}"
            raise Refusal(400, what)
        return JSONResponse(write_answers(answers, images.in_columns))

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Counts a request as worked on.

        Raises:
            Refusal: there are too many.
        """
        if self._at_work >= self._limits.queue:
            raise busy(f"and {self._limits.queue} requests wait")
        self._at_work += 1
        self._metrics.at_work.set(self._at_work)
        try:
            yield
        finally:
            self._at_work -= 1
            self._metrics.at_work.set(self._at_work)

    def _read(self, body: bytes, servable: Servable) -> tuple[Images, Sequence[Upload | str]]:
        images = read_images(body, self._limits.instances)
        return images, [
            servable.check(one) if isinstance(one, bytes) else one for one in images.files
        ]

    def _batcher(self, servable: Servable) -> Batcher:
        """Each version's own, which goes with it."""
        if servable not in self._batchers:
            self._batchers[servable] = Batcher(
                servable.predict, self._callers, self._metrics.note_batch
            )
        return self._batchers[servable]


async def _answer_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    later = {"Retry-After": "1"}
    headers = {401: {"WWW-Authenticate": "Bearer"}, 429: later, 503: later}
    return JSONResponse(
        {"error": str(refusal)}, refusal.status, headers=headers.get(refusal.status)
    )


async def _answer_unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = f"Malformed request: {request.method} {request.url.path[:100]}"
    return JSONResponse({"error": told}, error.status_code)


async def _answer_failure(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "The server failed; its log tells more."}, 500)
