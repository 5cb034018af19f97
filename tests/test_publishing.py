"""From a blessed model to its demo in a browser, by way of an emulated Hub."""

import json
from pathlib import Path

import pytest
from huggingface_hub import ModelCard, snapshot_download
from PIL import Image

from tests.conftest import PUBLISHING, Workplace
from tests.emulators.hub import HubEmulator, digest
from tests.test_local_runner import FEW_STEPS, row

MODEL = PUBLISHING["HF_REPO_ID"]
SECRETS = [PUBLISHING["HF_TOKEN"], PUBLISHING["SECRET_GREETING"]]


@pytest.mark.slow
def test_what_was_pushed_is_published_and_the_space_is_pinned_to_it(
    trained: Workplace, published: HubEmulator, tmp_path: Path
) -> None:
    output = (trained.folder / "tfx-2.txt").read_text()
    [(tag, revision)] = published.tags("models", MODEL).items()
    assert row(output, "published").endswith(f"/{MODEL}/tree/{tag}")
    assert row(output, "demo").endswith(f"/spaces/{MODEL}")

    folder = Path(download(published, "model", tag, tmp_path))
    [pushed] = trained.pushed()
    for path in pushed.rglob("*"):
        if path.is_file():
            assert (folder / path.relative_to(pushed)).read_bytes() == path.read_bytes()
    card = ModelCard.load(folder / "README.md")
    measured = {result.metric_type: result.metric_value for result in card.data.eval_results}
    assert f"{measured['mean_iou']:.3f}" == row(output, "mean IoU")
    assert "Drawn by python -m tfrecords.synthetic" in card.text
    for name in ("worst", "median", "best"):
        assert Image.open(folder / "overlays" / f"{name}.jpg").size[0] > 200

    pin = json.loads(published.content("spaces", MODEL, "main", "model.json"))
    assert pin == {"repo_id": MODEL, "revision": revision, "tag": tag}
    assert published.secrets(MODEL) == {"GREETING": digest(PUBLISHING["SECRET_GREETING"])}


@pytest.mark.slow
def test_no_secret_is_left_anywhere(trained: Workplace) -> None:
    """Compiled specs, metadata, logs, reports, artifacts, what was printed and published."""
    searched = [path for path in trained.folder.rglob("*") if path.is_file()]
    assert any(path.name == "metadata.sqlite" for path in searched)
    assert any(path.suffix == ".log" for path in searched)
    assert any("tfx/local" in str(path) for path in searched)
    for path in searched:
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in SECRETS), path


@pytest.mark.slow
def test_a_run_without_a_token_ends_before_it_begins(workplace: Workplace, few_pets: Path) -> None:
    settings = {"DATA_ROOT": few_pets, "HF_REPO_ID": MODEL, "HF_TOKEN": "", "HF_HOME": "none"}
    done = workplace.run("python local_runner.py", **settings)
    assert done.returncode == 2
    assert "Environment variable HF_TOKEN is not set" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (workplace.pipeline_root / "Trainer").exists()


@pytest.mark.slow
def test_a_refused_model_changes_nothing(
    workplace: Workplace, few_pets: Path, published: HubEmulator
) -> None:
    before = [published.tree(kind, MODEL) for kind in ("models", "spaces")]
    settings = {"DATA_ROOT": few_pets, "HF_ENDPOINT": published.endpoint, **PUBLISHING}
    done = workplace.run("python local_runner.py", **settings, **FEW_STEPS)
    assert done.returncode == 0, done.stderr
    assert row(done.stdout, "verdict").startswith("refused")
    assert "│ published" not in done.stdout
    assert [published.tree(kind, MODEL) for kind in ("models", "spaces")] == before
    assert {one.path for one in published.requests} == {"/api/whoami-v2"}


@pytest.mark.slow
def test_rolled_back_from_the_command_line(workplace: Workplace, published: HubEmulator) -> None:
    [tag] = published.tags("models", MODEL)
    settings = {"HF_ENDPOINT": published.endpoint, **PUBLISHING}
    done = workplace.run(f"python -m components.hf_pusher rollback --to {tag}", **settings)
    assert done.returncode == 0, done.stderr
    assert "served before and still serves" in done.stdout
    done = workplace.run("python -m components.hf_pusher rollback --to v-0", **settings)
    assert done.returncode == 2
    assert f"has no tag v-0; its tags are: {tag}." in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


def download(hub: HubEmulator, kind: str, revision: str, folder: Path) -> str:
    """A repository as anybody gets it."""
    return snapshot_download(
        MODEL,
        repo_type=kind,
        revision=revision,
        endpoint=hub.endpoint,
        token=False,
        local_dir=folder / kind,
    )
