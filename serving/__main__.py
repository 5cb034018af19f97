"""Configures and starts TensorFlow Serving, and asks it."""

import functools
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from rich.console import Console

from components.settings import SettingsError
from pipeline.configs import load_settings
from pipeline.terminal import fail
from serving import client, load, rollout, server
from serving.errors import ServingError
from serving.predictions import Classification, Segmentation
from serving.showing import show
from tfrecords.command_line import add_command, make_app, run
from tfrecords.terminal import prepare

Number = TypeVar("Number", int, float)

_CONSOLE = Console(soft_wrap=True, highlight=False)


def _above_zero(value: Number | None) -> Number | None:
    if value is not None and value <= 0:
        raise typer.BadParameter(f"{value} is not above 0")
    return value


def _positive(what: str, metavar: str | None = None) -> Any:
    return typer.Option(help=what, metavar=metavar, callback=_above_zero)


ServingDir = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the pipeline pushes to. Default: SERVING_DIR."),
]
ModelName = Annotated[str | None, typer.Option(help="Name of the model. Default: the recipe's.")]
Url = Annotated[str, typer.Option(help="The server.")]
Endpoint = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="A Vertex AI Endpoint instead: projects/…/endpoints/ID, or an ID of "
        "GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_REGION.",
    ),
]
Label = Annotated[str, typer.Option(help='Label of the version; "" for the newest loaded one.')]
Timeout = Annotated[float, _positive("For one answer.", "SECONDS")]

app = make_app(__doc__)
_verb = functools.partial(add_command, app, told={ServingError: 1, SettingsError: 1})


@_verb(what="Has the labels name pushed versions.")
def config(
    serving_dir: ServingDir = None,
    model: ModelName = None,
    url: Url = client.URL,
    stable: Annotated[
        int | None,
        _positive("Default: the newest, beside --canary what is stable already.", "VERSION"),
    ] = None,
    canary: Annotated[int | None, _positive("Default: none.", "VERSION")] = None,
    wait: Annotated[
        float, _positive("That a running server may take to load it.", "SECONDS")
    ] = 120.0,
) -> int:
    """Write the server's configuration; return 0."""
    folder, name = _folder(serving_dir), _name(model)
    labels = rollout.choose(folder, name, stable, canary)
    rest = client.RestClient(url, name, "")
    with Console(stderr=True).status("Has the server load what is not loaded yet"):
        running = rollout.roll_out(folder, name, labels, rest, wait)
    named = ", ".join(f"{label} is {version}" for label, version in labels.items())
    when = (
        f"the server at {url} reads it within {server.POLL_SECONDS} s"
        if running
        else f"no server runs at {url} yet"
    )
    _CONSOLE.print(f"{named} ({folder / 'models.config'}; {when}).", markup=False)
    return 0


@_verb(what=f"Becomes {server.BINARY}.")
def start(
    serving_dir: ServingDir = None,
    rest_port: Annotated[int, _positive("Where it answers REST.")] = 8501,
    grpc_port: Annotated[int, _positive("Where it answers gRPC.")] = 8500,
    model: ModelName = None,
    container: Annotated[
        bool, typer.Option("--container", help="Run it by Docker, on 127.0.0.1:8501 and :8500.")
    ] = False,
) -> int:
    """Becomes the server, and returns from nothing but an error."""
    folder = _folder(serving_dir)
    file = folder / server.config.FILE
    if not file.exists():
        raise ServingError(
            f"There is no {file}; run `visionpipe serving config --serving-dir {folder}` first."
        )
    if container:
        server.start_container(folder, _name(model))
    server.start(folder, rest_port, grpc_port)
    return 0


@_verb(what="Asks what a model says of an image.")
def predict(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="JPEG or PNG.")],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write the mask, a PNG."),
    ] = None,
    model: ModelName = None,
    url: Url = client.URL,
    endpoint: Endpoint = None,
    label: Label = client.LABEL,
    timeout: Timeout = 30.0,
) -> int:
    """Print the shares of the classes, or the most probable ones; return 0."""
    [content] = _read([image])
    [prediction] = _predictor(url, endpoint, model, label, timeout, True).predict([content])
    if output and isinstance(prediction, Classification):
        raise ServingError("The model classifies and gives no mask: leave out --output.")
    show(prediction, _CONSOLE)
    if output and isinstance(prediction, Segmentation):
        try:
            output.write_bytes(prediction.mask_png)
        except OSError as error:
            raise ServingError(f"{output} cannot be written: {error.strerror}.") from error
        _CONSOLE.print(f"mask: {output}", markup=False)
    return 0


@_verb("load", what="Measures how fast a server answers.")
def measure(
    images: Annotated[
        list[Path], typer.Argument(metavar="IMAGE...", help="JPEG or PNG, taken in turn.")
    ],
    requests: Annotated[int, _positive("How many.")] = 200,
    concurrency: Annotated[int, _positive("At a time.")] = 4,
    batch: Annotated[int, _positive("Images in each.")] = 1,
    model: ModelName = None,
    url: Url = client.URL,
    endpoint: Endpoint = None,
    label: Label = client.LABEL,
    timeout: Timeout = 30.0,
) -> int:
    """Print the figures; return 0, or 1 when a request failed."""
    contents = _read(images)
    # What is asked again would hide a failure, or pass for a slow answer.
    predictor = _predictor(url, endpoint, model, label, timeout, False)
    result = load.put_load(predictor, contents, requests, concurrency, batch)
    _CONSOLE.print(load.table(result))
    return fail(result.first_error, 1) if result.first_error else 0


def _folder(serving_dir: Path | None) -> Path:
    return serving_dir or Path(load_settings().serving_dir)


def _name(model: str | None) -> str:
    """Return what the server calls the recipe's model: a folder holds the models of one recipe."""
    return model or load_settings().load_recipe().name


def _read(paths: list[Path]) -> list[bytes]:
    try:
        return [path.read_bytes() for path in paths]
    except OSError as error:
        raise ServingError(f"{error.filename} cannot be read: {error.strerror}.") from error


def _predictor(
    url: str, endpoint: str | None, model: str | None, label: str, timeout: float, retry: bool
) -> client.Predictor:
    if endpoint:
        if model or (url, label) != (client.URL, client.LABEL):
            raise ServingError(
                "The traffic of an Endpoint decides which of its models answers; leave out --url, "
                "--model and --label."
            )
        return _endpoint(endpoint, timeout, retry)
    connect: Callable[..., client.Predictor] = client.RestClient
    if url.startswith("grpc://"):
        from serving.grpc_client import GrpcClient  # imports TensorFlow, which takes seconds

        connect = GrpcClient
    return connect(url, _name(model), label, timeout, retry)


def _endpoint(endpoint: str, timeout: float, retry: bool) -> client.Predictor:
    from serving.endpoint_client import EndpointClient, find_name  # takes seconds as well

    settings = load_settings()
    name = find_name(endpoint, settings.google_cloud_project, settings.google_cloud_region)
    return EndpointClient(name, timeout, retry)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a verb; return 1 with one sentence when what is asked cannot be had."""
    return run(app, "python -m serving", arguments)


if __name__ == "__main__":
    prepare()
    sys.exit(main())
