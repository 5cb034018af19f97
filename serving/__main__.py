"""`python -m serving VERB`: configures and starts TensorFlow Serving, and asks it."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from components.settings import SettingsError
from pipeline.configs import load_settings
from serving import client, load, rollout, server
from serving.errors import ServingError
from tfrecords.terminal import prepare

_CONSOLE = Console(soft_wrap=True, highlight=False)


def _configure(arguments: argparse.Namespace) -> int:
    folder = arguments.serving_dir
    labels = rollout.choose(folder, arguments.model, arguments.stable, arguments.canary)
    rest = client.RestClient(arguments.url, arguments.model, "")
    with Console(stderr=True).status("Has the server load what is not loaded yet"):
        running = rollout.roll_out(folder, arguments.model, labels, rest, arguments.wait)
    named = ", ".join(f"{label} is {version}" for label, version in labels.items())
    when = (
        f"the server at {arguments.url} reads it within {server.POLL_SECONDS} s"
        if running
        else f"no server runs at {arguments.url} yet"
    )
    _CONSOLE.print(f"{named} ({folder / 'models.config'}; {when}).", markup=False)
    return 0


def _start(arguments: argparse.Namespace) -> int:
    folder = arguments.serving_dir
    if not (folder / server.config.FILE).exists():
        raise ServingError(
            f"There is no {folder / server.config.FILE}; run `python -m serving "
            f"config --serving-dir {folder}` first."
        )
    server.start(folder, arguments.rest_port, arguments.grpc_port)
    return 0


def _predict(arguments: argparse.Namespace) -> int:
    [image] = _read([arguments.image])
    [prediction] = _predictor(arguments, retry=True).predict([image])
    for index, share in enumerate(prediction.class_fractions):
        _CONSOLE.print(f"class {index}: {share:.1%}")
    if arguments.output:
        try:
            arguments.output.write_bytes(prediction.mask_png)
        except OSError as error:
            raise ServingError(
                f"{arguments.output} cannot be written: {error.strerror}."
            ) from error
        _CONSOLE.print(f"mask: {arguments.output}", markup=False)
    return 0


def _load(arguments: argparse.Namespace) -> int:
    images = _read(arguments.images)
    # What is asked again would hide a failure, or pass for a slow answer.
    predictor = _predictor(arguments, retry=False)
    result = load.put_load(
        predictor, images, arguments.requests, arguments.concurrency, arguments.batch
    )
    _CONSOLE.print(load.table(result))
    return _fail(result.first_error, 1) if result.first_error else 0


def _read(paths: list[Path]) -> list[bytes]:
    try:
        return [path.read_bytes() for path in paths]
    except OSError as error:
        raise ServingError(f"{error.filename} cannot be read: {error.strerror}.") from error


def _predictor(arguments: argparse.Namespace, retry: bool) -> client.Predictor:
    if arguments.endpoint:
        return _endpoint(arguments, retry)
    connect: Callable[..., client.Predictor] = client.RestClient
    if arguments.url.startswith("grpc://"):
        from serving.grpc_client import GrpcClient  # imports TensorFlow, which takes seconds

        connect = GrpcClient
    return connect(arguments.url, arguments.model, arguments.label, arguments.timeout, retry)


def _endpoint(arguments: argparse.Namespace, retry: bool) -> client.Predictor:
    if (arguments.model, arguments.label) != (client.MODEL, client.LABEL):
        raise ServingError(
            "The traffic of an Endpoint decides which of its models answers; leave out --model "
            "and --label."
        )
    from serving.endpoint_client import EndpointClient, find_name  # takes seconds as well

    settings = load_settings()
    name = find_name(
        arguments.endpoint, settings.google_cloud_project, settings.google_cloud_region
    )
    return EndpointClient(name, arguments.timeout, retry)


def _positive(kind: Callable[[str], float]) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = kind(text)
        if value <= 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return parse


def _parser() -> argparse.ArgumentParser:
    count, seconds = _positive(int), _positive(float)
    folder = argparse.ArgumentParser(add_help=False)
    folder.add_argument(
        "--serving-dir",
        type=Path,
        default="output/serving",
        metavar="DIR",
        help="where the pipeline pushes to (%(default)s)",
    )
    url: dict[str, Any] = {"default": client.URL, "help": "the server (%(default)s)"}
    named = argparse.ArgumentParser(add_help=False)
    named.add_argument("--model", default=client.MODEL, help="name of the model (%(default)s)")
    answering = argparse.ArgumentParser(add_help=False, parents=[named])
    place = answering.add_mutually_exclusive_group()
    place.add_argument("--url", **url)
    place.add_argument(
        "--endpoint",
        metavar="NAME",
        help="a Vertex AI Endpoint instead: projects/…/endpoints/ID, or an ID of "
        "GOOGLE_CLOUD_PROJECT and GOOGLE_CLOUD_REGION",
    )
    answering.add_argument(
        "--label",
        default=client.LABEL,
        help='label of the version (%(default)s); "" for the newest loaded one',
    )
    answering.add_argument(
        "--timeout",
        type=seconds,
        default=30.0,
        metavar="SECONDS",
        help="for one answer (%(default)s)",
    )

    parser = argparse.ArgumentParser(prog="python -m serving", description=__doc__)
    verbs = parser.add_subparsers(required=True, metavar="VERB")

    def verb(
        name: str,
        run: Callable[[argparse.Namespace], int],
        what: str,
        *parents: argparse.ArgumentParser,
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=what, description=what, parents=parents)
        added.set_defaults(run=run)
        return added

    configure = verb("config", _configure, "have the labels name pushed versions", folder, named)
    configure.add_argument("--url", **url)
    configure.add_argument(
        "--stable",
        type=count,
        metavar="VERSION",
        help="default: the newest, beside --canary what is stable already",
    )
    configure.add_argument("--canary", type=count, metavar="VERSION", help="default: none")
    configure.add_argument(
        "--wait",
        type=seconds,
        default=120.0,
        metavar="SECONDS",
        help="that a running server may take to load it (%(default)s)",
    )

    start = verb("start", _start, f"become {server.BINARY}", folder)
    start.add_argument("--rest-port", type=count, default=8501, help="(%(default)s)")
    start.add_argument("--grpc-port", type=count, default=8500, help="(%(default)s)")

    predict = verb("predict", _predict, "ask for the mask of an image", answering)
    predict.add_argument("image", type=Path, help="JPEG or PNG")
    predict.add_argument("--output", type=Path, metavar="FILE", help="write the mask, a PNG")

    loading = verb("load", _load, "measure how fast a server answers", answering)
    loading.add_argument("images", type=Path, nargs="+", help="JPEG or PNG, taken in turn")
    loading.add_argument("--requests", type=count, default=200, help="(%(default)s)")
    loading.add_argument("--concurrency", type=count, default=4, help="at a time (%(default)s)")
    loading.add_argument("--batch", type=count, default=1, help="images in each (%(default)s)")
    return parser


def _fail(message: str, status: int) -> int:
    Console(stderr=True, soft_wrap=True).print(message, style="red", markup=False)
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a verb; returns 1 with one sentence when what is asked cannot be had."""
    arguments = _parser().parse_args(argv)
    try:
        return arguments.run(arguments)
    except (ServingError, SettingsError) as error:
        return _fail(str(error), 1)


if __name__ == "__main__":
    prepare()
    sys.exit(main())
