"""docs/vertex-ai.md: the submission. Its other commands are run by longer tests."""

from pathlib import Path

from tests.conftest import Workplace
from tests.emulators.gcs import GcsEmulator
from tests.emulators.vertex import VertexEmulator
from tests.pages import blocks, typed


def test_the_submission(
    workplace: Workplace, vertex: VertexEmulator, gcs: GcsEmulator, bucket: str, few_pets: Path
) -> None:
    [commands] = [
        block.text for block in blocks("docs/vertex-ai.md", "bash") if "submit" in block.text
    ]
    gcs.upload_tree(few_pets, f"{bucket}/data")
    done = workplace.run(
        f"set -e\n{typed(commands)}",
        **vertex.environment,
        PIPELINE_ROOT=f"{bucket}/pipeline",
        DATA_ROOT=f"{bucket}/data",
        SERVING_DIR=f"{bucket}/serving",
        PIPELINE_IMAGE=f"us-docker.pkg.dev/demo-project/images/pipeline@sha256:{'a' * 64}",
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("ok ") == 5
    [job] = vertex.jobs
    assert job.labels["team"] == "vision"
