"""The server's settings: one command line in two places, and files that its protos read."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format
from google.protobuf.message import Message

from serving import server
from serving.errors import ServingError
from tests.conftest import REPOSITORY, Workplace
from tests.emulators.model_server import ServingEmulator

SERVING = REPOSITORY / "serving"
COMPOSE: dict[str, Any] = yaml.safe_load((SERVING / "compose.yaml").read_text())
[SERVICE] = COMPOSE["services"].values()


def declared(name: str, fields: dict[str, str]) -> type[Message]:
    """A message of TensorFlow Serving's that tensorflow-serving-api lacks.

    Args:
        name: the message's.
        fields: type of each field, in the order of their numbers.
    """
    from google.protobuf import wrappers_pb2  # registers what the fields are of

    file = descriptor_pb2.FileDescriptorProto(
        name=f"{name}.proto",
        package="tests",
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    types = descriptor_pb2.FieldDescriptorProto
    message = file.message_type.add(name=name)
    for number, (field, kind) in enumerate(fields.items(), 1):
        basic = {"bool": types.TYPE_BOOL, "string": types.TYPE_STRING}.get(kind)
        message.field.add(
            name=field,
            number=number,
            label=types.LABEL_OPTIONAL,
            type=basic or types.TYPE_MESSAGE,
            type_name=None if basic else kind,
        )
    pool = descriptor_pool.Default()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tests.{name}"))


def test_the_batching_parameters() -> None:
    """Against tensorflow_serving/servables/tensorflow/session_bundle_config.proto."""
    number = ".google.protobuf.Int64Value"
    names = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches", "num_batch_threads")
    kind = declared("BatchingParameters", dict.fromkeys(names, number))
    found = text_format.Parse((SERVING / "batching.conf").read_text(), kind())
    values = {name: getattr(found, name).value for name in names}
    assert values["max_batch_size"] == 32
    assert 0 < values["batch_timeout_micros"] < 10_000
    assert all(values.values())
    cores = SERVICE["cpuset"].split("-")
    assert values["num_batch_threads"] == int(cores[1]) - int(cores[0]) + 1


def test_the_monitoring_config() -> None:
    """Against tensorflow_serving/config/monitoring_config.proto."""
    declared("PrometheusConfig", {"enable": "bool", "path": "string"})
    kind = declared("MonitoringConfig", {"prometheus_config": ".tests.PrometheusConfig"})
    found = text_format.Parse((SERVING / "monitoring.conf").read_text(), kind())
    assert found.prometheus_config.enable
    assert found.prometheus_config.path == "/monitoring/prometheus/metrics"


def test_container_and_binary_have_the_same_flags() -> None:
    assert SERVICE["entrypoint"] == [server.BINARY]
    assert SERVICE["command"] == server.flags("${SERVING_DIR}", "/etc/serving")


def test_the_container_is_kept_in() -> None:
    assert SERVICE["image"] == "tensorflow/serving:2.21.0"
    assert all(port.startswith("127.0.0.1:") for port in SERVICE["ports"])
    assert SERVICE["user"].split(":")[0] not in ("0", "root")
    assert SERVICE["read_only"] and all(volume["read_only"] for volume in SERVICE["volumes"])
    assert (SERVICE["cap_drop"], SERVICE["security_opt"]) == (["ALL"], ["no-new-privileges:true"])
    assert SERVICE["mem_limit"] and SERVICE["pids_limit"] and SERVICE["restart"]


def test_the_folder_is_at_its_own_path_and_the_settings_are_there() -> None:
    """Paths in models.config are then right in the container, and a replaced file is seen."""
    versions, settings = SERVICE["volumes"]
    assert versions["source"].startswith("${SERVING_DIR:?")
    assert versions["target"] == "${SERVING_DIR}"
    assert (SERVING / settings["source"]).resolve() == SERVING
    for flag in SERVICE["command"]:
        _, _, path = flag.partition("=")
        if path.startswith(settings["target"]):
            assert (SERVING / Path(path).name).exists(), flag


def test_the_image_is_of_the_version_that_exports() -> None:
    import tensorflow as tf

    assert SERVICE["image"].split(":")[1].rsplit(".", 1)[0] == tf.__version__.rsplit(".", 1)[0]


@pytest.mark.parametrize("model, healthy", [("scenes", True), ("another", False)])
def test_the_health_check(server: ServingEmulator, model: str, healthy: bool) -> None:
    _, *command = SERVICE["healthcheck"]["test"]
    script = command[-1].replace("8501", str(server.rest.server_port))
    assert "/v1/models/${MODEL_NAME} " in script
    asked = script.replace("${MODEL_NAME}", model)
    done = subprocess.run([*command[:-1], asked], timeout=60)
    assert (done.returncode == 0) is healthy


def test_without_docker(pushed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(pushed))
    with pytest.raises(ServingError, match="There is no docker on PATH: install it, or TensorFl"):
        server.start_container(pushed, "scenes")


def test_without_the_binary(workplace: Workplace, pushed: Path) -> None:
    run = f"--serving-dir {pushed}"
    done = workplace.run(f"python -m serving start {run}")
    assert done.returncode == 1
    assert done.stderr.endswith(f"run `visionpipe serving config --serving-dir {pushed}` first.\n")
    assert workplace.run(f"python -m serving config {run} --url http://127.0.0.1:1").returncode == 0
    assert shutil.which(server.BINARY) is None
    done = workplace.run(f"python -m serving start {run}")
    assert done.returncode == 1
    assert "There is no tensorflow_model_server on PATH" in done.stderr
    assert "make serve" in done.stderr
