"""What the server has loaded, and under which labels."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

Tensors = dict[str, Any]


class Refusal(Exception):
    """What the server answers instead: a status, and a message."""

    def __init__(self, status: grpc.StatusCode, message: str) -> None:
        super().__init__(message)
        self.status = status


class Models:
    """Models as models.config wants them; `reload` reads it again.

    Args:
        config_file: the file.
        unavailable_labels: whether a label that is new may name what is not loaded.
    """

    def __init__(self, config_file: Path, unavailable_labels: bool) -> None:
        self._config_file = config_file
        self._unavailable_labels = unavailable_labels
        self._lock = threading.Lock()
        self._labels: dict[str, dict[str, int]] = {}
        self._states: dict[str, dict[int, str]] = {}
        self._loaded: dict[tuple[str, int], Any] = {}

    def reload(self) -> None:
        """Labels first, which may refuse it all; then loading, and unloading last.

        Raises:
            Refusal: a label is to name what is not loaded.
        """
        server = text_format.Parse(self._config_file.read_text(), ModelServerConfig())
        configs = server.model_config_list.config
        for config in configs:
            self._check_labels(config)
        self._labels = {config.name: dict(config.version_labels) for config in configs}
        for config in configs:
            self._load(config)

    def _check_labels(self, config: ModelConfig) -> None:
        states = self._states.get(config.name, {})
        for label, version in config.version_labels.items():
            moved = self._labels.get(config.name, {}).get(label, version) != version
            allowed = self._unavailable_labels and not moved
            if not allowed and states.get(version) != "AVAILABLE":
                raise Refusal(
                    grpc.StatusCode.FAILED_PRECONDITION,
                    f"Request to assign label to version {version} of model {config.name}, which "
                    "is not currently available for inference",
                )

    def _load(self, config: ModelConfig) -> None:
        base, name = Path(config.base_path), config.name
        there = [int(path.name) for path in base.iterdir() if path.name.isdecimal()]
        specific = set(config.model_version_policy.specific.versions)
        wanted = [one for one in there if one in specific] if specific else [max(there)]
        states = self._states.setdefault(name, {})
        for version in sorted(wanted):
            if (name, version) in self._loaded:
                continue
            states[version] = "LOADING"
            try:
                model = tf.saved_model.load(str(base / str(version)))
            except (OSError, tf.errors.OpError):
                continue  # and again at the next reading
            self._loaded[name, version] = model
            states[version] = "AVAILABLE"
        for unwanted in [key for key in self._loaded if key[0] == name and key[1] not in wanted]:
            del self._loaded[unwanted]
            states[unwanted[1]] = "END"

    def statuses(self, name: str) -> list[tuple[int, str]]:
        """The versions that were ever loaded, newest first, with their states."""
        if not self._states.get(name):
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Could not find any versions of model {name}")
        return sorted(self._states[name].items(), reverse=True)

    def find(self, name: str, version: int | None, label: str | None) -> tuple[int, Any]:
        """The version that is asked for, by default the newest, and its SavedModel."""
        if label:
            if label not in self._labels.get(name, {}):
                raise Refusal(
                    grpc.StatusCode.INVALID_ARGUMENT,
                    f"Unrecognized servable version label: {label}",
                )
            version = self._labels[name][label]
        numbers = [number for model, number in list(self._loaded) if model == name]
        asked = f"Latest({name})" if version is None else f"Specific({name}, {version})"
        if not numbers or (version is not None and version not in numbers):
            raise Refusal(grpc.StatusCode.NOT_FOUND, f"Servable not found for request: {asked}")
        number = max(numbers) if version is None else version
        return number, self._loaded[name, number]


def predict(model: Any, images: Sequence[bytes]) -> Tensors:
    """Runs serving_default."""
    serve: Callable[..., Tensors] = model.signatures["serving_default"]
    try:
        answer = serve(image_bytes=tf.constant(list(images), tf.string, [len(images)]))
    except tf.errors.InvalidArgumentError as error:
        raise Refusal(grpc.StatusCode.INVALID_ARGUMENT, error.message) from error
    except tf.errors.OpError as error:
        raise Refusal(grpc.StatusCode.INTERNAL, error.message) from error
    return {name: tensor.numpy() for name, tensor in answer.items()}
