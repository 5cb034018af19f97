"""The routes of HTTP: from a request to an answer."""

from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from serving.access import ID_HEADER, AccessLog, Tell
from serving.gateway.asked import Asked
from serving.gateway.gateway import File, Gateway, choose_id
from serving.gateway.limits import Refusal
from serving.gateway.tokens import is_token
from serving.rest.bodies import Bodies
from serving.rest.protocol import (
    Images,
    read_images,
    read_path,
    write_answers,
    write_metadata,
    write_statuses,
)

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


def make_app(
    gateway: Gateway, routes: Routes, token: str | None = None, tell_access: Tell | None = None
) -> AccessLog:
    """Make the application.

    Args:
        gateway: answers.
        routes: paths beside the protocol's.
        token: what every request but for `live` and `ready` must bring; None for nothing.
        tell_access: is told a line of JSON for every request.

    Returns:
        An ASGI application.
    """
    api = _Api(gateway, token)
    own = [Route(routes.live, api.live), Route(routes.ready, api.ready)]
    own += [Route(path, api.show_metrics) for path in _METRICS]
    if routes.predict:
        own.append(Route(routes.predict, api.predict_first, methods=["POST"]))
    protocol = Route("/v1/models/{rest:path}", api.serve, methods=["GET", "POST"])
    app = Starlette(
        routes=[*own, protocol],
        exception_handlers={
            Refusal: _answer_refusal,
            HTTPException: _answer_unknown,
            Exception: _answer_failure,
        },
    )
    return AccessLog(app, tell_access)


class _Api:
    def __init__(self, gateway: Gateway, token: str | None) -> None:
        self._gateway = gateway
        self._token = token
        self._bodies = Bodies(gateway.limits)

    async def live(self, request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def ready(self, request: Request) -> Response:
        models = self._gateway.models.values()
        waiting = [model.name for model in models if not model.served.versions]
        if waiting:
            raise Refusal(503, f"Not loaded yet: {', '.join(waiting)}.")
        return JSONResponse({"status": "ready"})

    async def show_metrics(self, request: Request) -> Response:
        self._check_token(request)
        return Response(self._gateway.metrics.write(), media_type="text/plain; version=0.0.4")

    async def serve(self, request: Request) -> Response:
        self._check_token(request)
        asked, verb = read_path(request.method, request.url.path)
        if verb == ":predict":
            return await self._predict(request, asked)
        if asked.model not in self._gateway.models:
            raise Refusal(404, f"Could not find any versions of model {asked.model[:100]}")
        model = self._gateway.models[asked.model]
        if not verb:
            return JSONResponse(write_statuses(model.statuses(asked)))
        servable = model.find(asked)
        return JSONResponse(write_metadata(model.name, servable))

    async def predict_first(self, request: Request) -> Response:
        self._check_token(request)
        return await self._predict(request, Asked(next(iter(self._gateway.models))))

    async def _predict(self, request: Request, asked: Asked) -> Response:
        request_id = choose_id(request.headers.get(ID_HEADER))
        with self._gateway.counted():
            self._gateway.find(asked.model)
            async with self._bodies.read(request) as body:
                images = Images([], False)

                def read() -> list[File]:
                    nonlocal images
                    images = read_images(body, self._gateway.limits.instances)
                    return images.files

                answered = await self._gateway.answer(asked, request_id, read)
            request.state.access = answered.facts
            return JSONResponse(
                write_answers(answered.answers, images.in_columns),
                headers={ID_HEADER: request_id, "X-Model-Version": str(answered.version)},
            )

    def _check_token(self, request: Request) -> None:
        given = request.headers.get("authorization", "")
        if self._token and not is_token(given, self._token):
            raise Refusal(401, "The request has no token, or a wrong one: send it as a bearer.")


async def _answer_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    later = {"Retry-After": "1"}
    headers: dict[int, dict[str, Any]] = {
        401: {"WWW-Authenticate": "Bearer"},
        429: later,
        503: later,
    }
    return JSONResponse(
        {"error": str(refusal)}, refusal.status, headers=headers.get(refusal.status)
    )


async def _answer_unknown(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = f"Malformed request: {request.method} {request.url.path[:100]}"
    return JSONResponse({"error": told}, error.status_code)


async def _answer_failure(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": "The server failed; its log tells more."}, 500)
