"""The executor on the artifacts of a real run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tfx.components.util import model_utils
from tfx.dsl.io import fileio
from tfx.types import Artifact, standard_artifacts
from tfx.utils import io_utils

from components.model_validator.executor import Executor
from tests.components.conftest import Artifacts
from tests.components.model_validator.small_models import export

pytestmark = pytest.mark.usefixtures("forked")


@pytest.fixture
def blessing(tmp_path: Path) -> Artifact:
    artifact = standard_artifacts.InfraBlessing()
    artifact.uri = str(tmp_path / "blessing")
    return artifact


def run(inputs: Artifacts, blessing: Artifact) -> None:
    given = {name: inputs[name] for name in ("model", "examples")}
    Executor().Do(given, {"blessing": [blessing]}, {"custom_config": "{}"})


def test_a_sound_model_is_blessed_as_tfx_knows_it(inputs: Artifacts, blessing: Artifact) -> None:
    run(inputs, blessing)
    assert model_utils.is_infra_validated(blessing)
    assert blessing.get_string_custom_property("reason") == ""
    assert [path.name for path in Path(blessing.uri).iterdir()] == ["INFRA_BLESSED"]


def test_another_is_refused_with_the_reason(
    inputs: Artifacts, blessing: Artifact, tmp_path: Path
) -> None:
    [trained] = inputs["model"]
    provenance = Path("Format-Serving", "assets.extra", "provenance.json")
    model = standard_artifacts.Model()
    model.uri = str(tmp_path / "model")
    export(Path(model.uri, "Format-Serving"), network=None)
    io_utils.copy_file(str(Path(trained.uri, provenance)), str(Path(model.uri, provenance)))
    run({**inputs, "model": [model]}, blessing)
    assert not model_utils.is_infra_validated(blessing)
    reason = blessing.get_string_custom_property("reason")
    assert reason.startswith("Signature `transform_features` gives ")  # of another size
    assert [path.name for path in Path(blessing.uri).iterdir()] == ["INFRA_NOT_BLESSED"]


def test_artifacts_on_another_file_system_are_read_as_well(
    inputs: Artifacts, blessing: Artifact, in_a_bucket: Callable[[Artifacts], str]
) -> None:
    blessing.uri = f"{in_a_bucket(inputs)}/blessing"
    run(inputs, blessing)
    assert fileio.exists(f"{blessing.uri}/INFRA_BLESSED")
