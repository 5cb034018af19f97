"""The server's model config: which versions it loads, and which labels name them."""

import os
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from serving.errors import ServingError

FILE = "models.config"


def pushed_versions(folder: Path) -> list[int]:
    """Return the whole versions in the Pusher's folder, oldest first.

    Raises:
        ServingError: there is none.
    """
    versions = _list_versions(folder)
    if not versions:
        raise ServingError(
            f"No model was pushed to {folder} yet: run the pipeline first, as `make demo` does."
        )
    return versions


def build(
    folder: Path, model: str, versions: set[int], labels: dict[str, int]
) -> model_server_config_pb2.ModelConfig:
    """Return the config of one model.

    The versions are named one by one: by the default policy a push would unload what a label names.

    Args:
        folder: the Pusher's folder, as the server sees it.
        model: name of the model.
        versions: what is loaded.
        labels: the version that each label names.
    """
    config = model_server_config_pb2.ModelConfig(
        name=model,
        base_path=str(folder.resolve()),
        model_platform="tensorflow",
        version_labels=labels,
    )
    config.model_version_policy.specific.SetInParent()  # of no versions as well
    config.model_version_policy.specific.versions.extend(sorted(versions))
    return config


def pin(folder: Path, model: str) -> None:
    """Has what is served stay as it is when versions are added, unless a config says so already.

    Args:
        folder: the Pusher's folder, which is there; where it has no versions, none is served.
        model: name of the model.

    Raises:
        ServingError: there is a config, and it is none that the server would read.
    """
    if read(folder, model):
        return
    served = _list_versions(folder)[-1:]
    labels = {"stable": served[0]} if served else {}
    write(folder, build(folder, model, set(served), labels))


def read(folder: Path, model: str) -> model_server_config_pb2.ModelConfig | None:
    """Return the model's present config; None when there is none.

    Raises:
        ServingError: the file is none that the server would read.
    """
    path = folder / FILE
    try:
        text = path.read_text()
    except FileNotFoundError:
        return None
    try:
        server = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError as error:
        raise ServingError(f"{path} is no model config ({error}); delete it.") from error
    return next((one for one in server.model_config_list.config if one.name == model), None)


def write(folder: Path, config: model_server_config_pb2.ModelConfig) -> None:
    """Replace the file in one step, so that the server never reads a part of it."""
    server = model_server_config_pb2.ModelServerConfig()
    server.model_config_list.config.append(config)
    incoming = folder / f".{FILE}-{os.getpid()}"
    incoming.write_text(text_format.MessageToString(server))
    incoming.replace(folder / FILE)


def _list_versions(folder: Path) -> list[int]:
    return sorted(
        int(path.parent.name)
        for path in folder.glob("*/saved_model.pb")
        if path.parent.name.isdecimal()
    )
