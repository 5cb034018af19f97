"""From a blessed model to its demo in a browser, by way of an emulated Hub."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from gradio_client import Client, handle_file
from huggingface_hub import ModelCard, snapshot_download
from PIL import Image
from playwright.sync_api import Browser, expect

from components.edge_exporter.runtime import LiteModel
from tests.apps.gradio.running import RunningApp, python_with, running_app
from tests.conftest import PUBLISHING, Workplace
from tests.emulators.hub import HubEmulator, digest
from tests.pages import blocks, typed
from tests.small_runs import REFUSED
from tests.test_local_runner import row
from tfrecords.drawing import scenes

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

    folder = download(published, "model", tag, tmp_path)
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
    expected = {"repo_id": MODEL, "revision": revision, "tag": tag, "task": "segmentation"}
    assert pin == expected
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
    begun: Workplace, few_pets: Path, published: HubEmulator
) -> None:
    before = [published.tree(kind, MODEL) for kind in ("models", "spaces")]
    settings = {"DATA_ROOT": few_pets, "HF_ENDPOINT": published.endpoint, **PUBLISHING}
    done = begun.run("python local_runner.py", **settings, **REFUSED)
    assert done.returncode == 0, done.stderr
    assert row(done.stdout, "verdict").startswith("refused")
    assert "│ published" not in done.stdout
    assert [published.tree(kind, MODEL) for kind in ("models", "spaces")] == before
    # The check before the run looked who publishes and whose the repositories are.
    assert {one.method for one in published.requests} <= {"GET", "HEAD"}
    assert published.requests[0].path == "/api/whoami-v2"


@pytest.mark.slow
def test_rolled_back_from_the_command_line(workplace: Workplace, published: HubEmulator) -> None:
    [tag] = published.tags("models", MODEL)
    settings = {"HF_ENDPOINT": published.endpoint, **PUBLISHING}
    [command] = [typed(b.text) for b in blocks("docs/rollback.md", "bash") if " hub " in b.text]
    done = workplace.run(command, TAG=tag, **settings)
    assert done.returncode == 0, done.stderr
    assert "served before and still serves" in done.stdout
    done = workplace.run("python -m components.hf_pusher rollback --to v-0", **settings)
    assert done.returncode == 2
    assert f"has no tag v-0; its tags are: {tag}." in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.fixture
def space(published: HubEmulator, tmp_path: Path) -> Iterator[RunningApp]:
    """The Space as the Hub has it, in a process with only what it asks for installed."""
    folder = download(published, "space", "main", tmp_path)
    python = python_with(folder / "requirements.txt", tmp_path / "venv")
    environment = {"HF_ENDPOINT": published.endpoint, "HF_HOME": str(tmp_path / "home")}
    with running_app([python, "app.py"], folder, **environment) as running:
        yield running
        assert not running.asked_outside()


@pytest.mark.slow
def test_the_space_shows_the_masks_of_the_pipelines_model(
    trained: Workplace, published: HubEmulator, space: RunningApp, browser: Browser, tmp_path: Path
) -> None:
    """What a program and a person get is what the published edge model answers.

    Which is, int8 apart, what the pushed model answers on the same bytes.
    """
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(scenes.draw(seed=23, index=0).jpeg())
    [pushed] = trained.pushed()
    serve = tf.saved_model.load(str(pushed)).signatures["serving_default"]
    [png] = serve(image_bytes=tf.constant([photo.read_bytes()]))["mask_png_bytes"].numpy()
    edge = LiteModel(published.content("models", MODEL, "main", "model.tflite"))
    expected = edge.answer(np.asarray(Image.open(photo)))
    assert len(np.unique(expected)) == 3
    assert (expected == np.asarray(Image.open(io.BytesIO(png)))).mean() > 0.98

    client = Client(space.url, verbose=False, download_files=tmp_path / "answers")
    mask, shares, _ = client.predict(handle_file(photo), api_name="/segment")
    np.testing.assert_array_equal(np.asarray(Image.open(mask)), expected)
    assert shares == {
        name: pytest.approx((expected == index).mean())
        for index, name in enumerate(("pet", "background", "border"))
    }

    [(tag, revision)] = published.tags("models", MODEL).items()
    with browser.new_context(viewport={"width": 1280, "height": 900}) as context:
        page = context.new_page()
        page.goto(space.url)
        page.locator("[role=tabpanel]:visible input[type=file]").set_input_files(photo)
        expect(page.locator(".overlay .mask").first).to_be_visible()
        expect(page.locator(".findings td:first-child")).to_have_text(list(shares))
        link = page.get_by_role("link", name=tag)
        expect(link).to_have_attribute("href", f"{published.endpoint}/{MODEL}/tree/{revision}")
        page.screenshot(path=tmp_path / "space.png", full_page=True)


def download(hub: HubEmulator, kind: str, revision: str, folder: Path) -> Path:
    """A repository as anybody gets it."""
    local = folder / kind
    snapshot_download(
        MODEL,
        repo_type=kind,
        revision=revision,
        endpoint=hub.endpoint,
        token=False,
        local_dir=local,
    )
    return local
