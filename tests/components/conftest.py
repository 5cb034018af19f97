"""What the executors behind the Evaluator are given."""

from pathlib import Path

import pytest
from tfx.types import Artifact, standard_artifacts

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
