"""The README's commands work as they are written."""

import re
import shutil
from pathlib import Path

import pytest

from pipeline.configs import Settings
from tests.conftest import REPOSITORY, TFX_COMMANDS, Workplace
from tests.emulators.gcs import GcsEmulator
from tests.emulators.vertex import VertexEmulator
from tests.test_vertex import VERTEX_COMMANDS

README = (REPOSITORY / "README.md").read_text()
BLOCKS = re.findall(r"```bash\n(.*?)```", README, re.S)


def test_every_block_is_one_that_is_run_here() -> None:
    main, tfx, rehearsal, vertex, submission, own_data, serve, predict = BLOCKS
    assert main.splitlines() == ["make demo", "make test"]
    path, *commands = tfx.splitlines()
    assert path == 'export PATH="$PWD/.venv/bin:$PATH"'
    assert tuple(commands) == TFX_COMMANDS  # run by the `trained` fixture
    assert rehearsal.endswith("python -m pipeline rehearse\n")  # by the play of ci.yml
    assert vertex.splitlines()[1:] == VERTEX_COMMANDS.splitlines()  # by tests/test_vertex.py
    assert submission.startswith("python -m pipeline check")
    assert "create_tfrecords_pets" in own_data
    # These by tests/serving/test_serving_commands.py.
    assert "python -m serving start" in serve and "python -m serving predict" in predict


def test_the_submission(
    workplace: Workplace, vertex: VertexEmulator, gcs: GcsEmulator, bucket: str, few_pets: Path
) -> None:
    gcs.upload_tree(few_pets, f"{bucket}/data")
    done = workplace.run(
        f"set -e\n{BLOCKS[4]}",
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


@pytest.mark.slow
def test_own_data(workplace: Workplace) -> None:
    """Converts and trains in a copy of the repository, which the block writes to."""
    copy = workplace.folder / "repository"
    unneeded = shutil.ignore_patterns(".git", ".venv", ".tools", "data", "output", ".*_cache")
    shutil.copytree(REPOSITORY, copy, ignore=unneeded)
    drawn = workplace.run(
        f"python -m tfrecords.synthetic --as-files --train 24 --val 6 --output {copy}/my"
    )
    assert drawn.returncode == 0, drawn.stderr
    (copy / "my" / "trimaps").rename(copy / "my" / "masks")
    done = workplace.run(
        f"cd {copy} && set -e\n{BLOCKS[5]}", EPOCHS=1, IMAGE_SIZE=32, PIPELINE_ROOT=""
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "verdict" in done.stdout
    assert (copy / "data" / "mine" / "dataset.json").exists()


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_named(name: str) -> None:
    assert f"`{name.upper()}`" in README


def test_every_path_in_the_tree_exists() -> None:
    [tree] = re.findall(r"```text\n(local_runner.*?)```", README, re.S)
    for line in re.sub("\n +", " ", tree).splitlines():
        assert (REPOSITORY / line.split()[0]).exists(), line
