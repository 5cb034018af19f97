"""Serves pushed models, by TensorFlow Serving's protocols."""

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from components.secrets import SecretError, check_reference, read_secret
from components.settings import read_settings
from pipeline.configs import load_settings
from pipeline.places import ModelSettings
from pipeline.terminal import fail, tell

if TYPE_CHECKING:
    from serving.gateway.traffic import Traffic
    from serving.rest.app import Routes

_PORT = 8501
_SHARE = re.compile(r"([^=]+)=(100(?:\.0*)?|\d{1,2}(?:\.\d+)?)")


class _Container(BaseSettings):
    """What Vertex AI tells a container; elsewhere nothing of it is set."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    aip_http_port: int | None = Field(None, gt=0, lt=65536)
    aip_health_route: str | None = None
    aip_predict_route: str | None = None
    aip_storage_uri: str | None = None


def _reference(name: str | None) -> str | None:
    try:
        return name and check_reference(name)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def _share(given: str | None) -> str | None:
    if given is not None and not _SHARE.fullmatch(given):
        raise typer.BadParameter(f"{given} is not LABEL=PERCENT, such as canary=5.")
    return given


def serve(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help=f"0 for any. Default: AIP_HTTP_PORT, or {_PORT}."),
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen at. Default: this machine alone.")
    ] = None,
    grpc_port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="0 for any. Default: no gRPC."),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[NAME=]PATH|RUN|TAG",
            help="A SavedModel, a folder of versions or a LiteRT file; the id of a run, refused or "
            "not; or a tag of HF_REPO_ID. May be repeated. Default: SERVING_DIR.",
        ),
    ] = None,
    queue: Annotated[
        int, typer.Option(min=1, help="Requests at one time; what comes beyond is refused.")
    ] = 64,
    timeout: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="That a request may wait.")
    ] = 10.0,
    max_request: Annotated[
        float, typer.Option(min=0.1, max=1024, metavar="MB", help="The largest request.")
    ] = 32.0,
    token_secret: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            callback=_reference,
            help="Whose value clients must send as a bearer token: a variable's or a secret's.",
        ),
    ] = None,
    canary: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL=PERCENT",
            callback=_share,
            help="Of the requests that name no version; stable answers the rest.",
        ),
    ] = None,
    shadow: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL=PERCENT",
            callback=_share,
            help="Of the same, whom this version is asked about as well; no client gets that.",
        ),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Log requests, images and answers. Default: no log."),
    ] = None,
    log_percent: Annotated[
        float, typer.Option(min=0.01, max=100, help="Of the requests, that are logged.")
    ] = 100.0,
    log_size: Annotated[
        float, typer.Option(min=1, metavar="MB", help="That the log takes; the oldest goes.")
    ] = 1000.0,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Print a line of JSON for every request.")
    ] = False,
    check: Annotated[
        Path | None,
        typer.Option(metavar="IMAGE", help="Ask the server that runs there, once, and end."),
    ] = None,
) -> int:
    """Serve until SIGTERM or Ctrl-C.

    Returns:
        0 at its end; 2 when nothing can be served, or when a check has no answer.
    """
    from serving.errors import ServingError

    container = read_settings(_Container, ".env")
    port = port if port is not None else container.aip_http_port or _PORT
    host = host or ("0.0.0.0" if container.aip_http_port else "127.0.0.1")
    try:
        token = read_secret(token_secret) if token_secret else None
        if check:
            return _check(check, f"http://{host}:{port}", model, token)
        with tempfile.TemporaryDirectory(prefix="model-") as folder:
            from serving.gateway.artifact import fetch
            from serving.gateway.limits import Limits
            from serving.model_server import ModelServer, Options

            if container.aip_storage_uri and not model:
                model = [str(fetch(container.aip_storage_uri, Path(folder)))]
            models, task = _find_models(model)
            options = Options(
                host=host,
                port=port,
                grpc_port=grpc_port,
                limits=Limits(queue, timeout, round(max_request * 2**20)),
                routes=_routes(container),
                token=token,
                task=task,
                traffic=_traffic(canary, shadow),
                log=log,
                log_percent=log_percent,
                log_bytes=round(log_size * 1e6),
                tell_access=_tell if access_log else None,
            )
            server = ModelServer(models, options, _tell)
            _tell(f"Listens at http://{host}:{server.port}.")
            if server.grpc_port is not None:
                _tell(f"Listens at grpc://{host}:{server.grpc_port}.")
            server.run()
    except (ServingError, SecretError) as error:
        return fail(str(error), 2)
    return 0


def _tell(said: str) -> None:
    print(said, flush=True)


def _traffic(canary: str | None, shadow: str | None) -> "Traffic":
    from serving.gateway.traffic import Share, Traffic

    def read(given: str | None) -> Share | None:
        match = given and _SHARE.fullmatch(given)
        return Share(match[1], float(match[2])) if match else None

    return Traffic(read(canary), read(shadow))


def _routes(container: _Container) -> "Routes":
    from serving.rest.app import Routes

    ready = container.aip_health_route or Routes.ready
    return Routes(ready=ready, predict=container.aip_predict_route)


def _find_models(given: list[str] | None) -> tuple[dict[str, Path], str | None]:
    """Models by name, and the task that they must be of, if one is known."""
    from serving.errors import ServingError

    if not given:
        settings = load_settings()
        recipe = settings.load_recipe()
        return {recipe.name: Path(settings.serving_dir)}, recipe.task
    models: dict[str, Path] = {}
    for one in given:
        name, separator, path = one.rpartition("=")
        place = _find_place(path)
        name = name if separator else _name(place)
        if not name or set(name) & set("/:") or name in models:
            raise ServingError(
                f"--model {one} has no name of its own: give one without / and :, as in "
                "--model NAME=PATH."
            )
        models[name] = place
    return models, None


def _find_place(text: str) -> Path:
    """Return what a path, a run or a tag of the Hub stands for."""
    from pipeline.inference.named import find_named, is_path
    from serving.errors import ServingError

    if is_path(text):  # which needs no setting
        return Path(text).expanduser()
    try:
        named = find_named(text, read_settings(ModelSettings, ".env"))
    except ValueError as error:
        raise ServingError(str(error)) from None
    if named.notice:
        tell(f"{named.title}: {named.notice}")
    return named.folder


def _name(folder: Path) -> str:
    """Return the recipe's, as the newest model says, or else the folder's."""
    from models.provenance import read_provenance
    from serving.gateway.versions import find_wanted

    newest = next(iter(find_wanted("", folder).folders.values()))
    try:
        return read_provenance(str(newest)).recipe
    except Exception:  # whatever is wrong with it is told when it is loaded
        return folder.resolve().stem if folder.is_file() else folder.resolve().name


def _check(image: Path, url: str, given: list[str] | None, token: str | None) -> int:
    """Ask about an image, and print the answer."""
    from rich.console import Console

    from serving.client import RestClient
    from serving.errors import ServingError
    from serving.showing import show

    name = next(iter(_find_models(given)[0]))
    try:
        content = image.read_bytes()
    except OSError as error:
        raise ServingError(f"{image} cannot be read: {error.strerror}.") from error
    [prediction] = RestClient(url, name, label="", token=token).predict([content])
    show(prediction, Console(soft_wrap=True, highlight=False))
    return 0
