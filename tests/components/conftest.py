"""What the executors behind the Evaluator are given."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tfx.dsl.io import fileio, filesystem_registry
from tfx.dsl.io.plugins.tensorflow_gfile import TensorflowFilesystem
from tfx.types import Artifact, standard_artifacts
from tfx.utils import io_utils

from tests.conftest import Workplace
from tests.pipeline.report.pages import run_of

Artifacts = dict[str, list[Artifact]]


@pytest.fixture
def inputs(hostile: Workplace, tmp_path: Path) -> Artifacts:
    """The run's artifacts, and a blessing, since a run of few steps is refused."""
    run = run_of(hostile)
    blessing = standard_artifacts.ModelBlessing()
    blessing.uri = str(tmp_path / "blessing")
    blessing.set_int_custom_property("blessed", 1)
    return {
        "model": [run.output("Trainer", "model")],
        "evaluation": [run.output("Evaluator", "evaluation")],
        "examples": [run.output("ImportExampleGen", "examples")],
        "model_blessing": [blessing],
        "infra_blessing": [run.output("ModelValidator", "blessing")],
    }


@pytest.fixture
def in_a_bucket(tmp_path: Path) -> Callable[[Artifacts], str]:
    """Moves artifacts to TensorFlow's `ram://`, which stands for a bucket; returns the bucket.

    Python's own `open` finds nothing there.
    """

    class Remote(TensorflowFilesystem):
        @classmethod
        def supported_schemes(cls) -> list[str]:
            return ["ram://"]

    filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(Remote, priority=0)
    bucket = f"ram://{tmp_path.name}"

    def move(inputs: Artifacts) -> str:
        for name, artifacts in inputs.items():
            for artifact in artifacts:
                if fileio.exists(artifact.uri):
                    # It lists files of `assets.extra` among those of the empty `assets`.
                    io_utils.copy_dir(
                        artifact.uri, f"{bucket}/{name}", deny_regex_patterns=[r"/assets$"]
                    )
                    artifact.uri = f"{bucket}/{name}"
        return bucket

    return move
