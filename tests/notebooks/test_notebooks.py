"""Every notebook runs from top to bottom and shows what it should."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
import numpy as np
import pytest
import tensorflow as tf
from nbclient.exceptions import CellExecutionError
from PIL import Image

from pipeline.runs.store import run_ids
from tests.apps.gradio.image_classification.conftest import Brightest, write_provenance
from tests.conftest import REPOSITORY, Workplace
from tests.notebooks.conftest import Run
from tests.small_runs import REFUSED

if TYPE_CHECKING:
    from tests.emulators.model_server import ServingEmulator

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))


def preamble(path: Path) -> str:
    first, *_ = (cell for cell in nbformat.read(path, 4).cells if cell.cell_type == "code")
    return first.source


def digest(folder: Path) -> str:
    return json.loads((folder / "dataset.json").read_text())["digest"]


def test_prepare_data(run: Run, checkout: Path) -> None:
    shown = run("01-prepare-data")
    folder = checkout / "output/notebooks/prepare-data"
    assert digest(folder / "drawn") in shown.text
    assert re.search(r"background +\d\d\.\d%", shown.text)
    assert "1 files cannot be used; correct them" in shown.text
    assert len(set(re.findall(r"\w+_\d+: image cannot be decoded: .*truncated", shown.text))) == 1
    assert "skipped: name=" in shown.text
    assert sum(json.loads((folder / "converted/dataset.json").read_text())["counts"].values()) == 39
    assert "is truncated: it ends within record 11" in shown.text
    assert shown.pictures == 4


@pytest.mark.slow
def test_pipeline_step_by_step(run: Run, checkout: Path) -> None:
    shown = run("02-pipeline-step-by-step")
    assert "facets-overview" in shown.text
    assert "No anomalies found." in shown.text
    assert "(1, 64, 64, 3)" in shown.text
    assert '<path class="line validation"' in shown.text
    assert "&lt;style" not in shown.text  # HTML that came out as text
    assert re.search(r"refused:\n(- .*\n)*- mean IoU 0\.\d+ is below 0\.550", shown.text)
    for line in (
        "ImportExampleGen: examples from the cache",
        "Trainer: model from the cache",
        "Evaluator: evaluation made",
        "verdict: BLESSED",
        "model_fp16.tflite",
    ):
        assert line in shown.text
    [pushed] = (checkout / "output/notebooks/pipeline/serving").glob("*/saved_model.pb")
    assert f"pushed: {pushed.parent}" in shown.text
    assert shown.pictures == 3


def test_inference(
    run: Run, of_the_run: dict[str, object], trained: Workplace, server: "ServingEmulator"
) -> None:
    shown = run("03-inference", **of_the_run, SERVING_URL=server.url)
    *_, newest = trained.pushed()
    assert f"{server.url} answered with version {newest.name}" in shown.text
    assert "Without a Vertex Endpoint" in shown.text
    rows = re.findall(r"^\d +100\.00% +100\.00% +(\d+\.\d\d)%$", shown.text, re.M)
    assert len(rows) == 6
    assert min(map(float, rows)) > 95
    assert shown.pictures == 3


def test_inference_without_a_server(run: Run, of_the_run: dict[str, object]) -> None:
    shown = run("03-inference", **of_the_run, SERVING_URL="http://127.0.0.1:1")
    assert (
        "Without TensorFlow Serving: http://127.0.0.1:1 gave nothing, no connection; see "
        "`make serve`."
    ) in shown.text
    assert len(re.findall(r"^\d +100\.00% +(\d+\.\d\d)%$", shown.text, re.M)) == 6


def test_demo(run: Run, of_the_run: dict[str, object], trained: Workplace, checkout: Path) -> None:
    shown = run("04-demo", **of_the_run)
    assert re.search(r'<iframe src="http://127\.0\.0\.1:\d+/"', shown.text)
    assert "The file is not an image that can be read" in shown.text
    assert re.search(r"background +\d+\.\d%", shown.text)
    folder = checkout / "output/notebooks/demo"
    answers = [np.asarray(Image.open(path)) for path in folder.glob("answers/**/*.png")]
    serve = tf.saved_model.load(str(trained.pushed()[-1])).signatures["serving_default"]
    image = (folder / "cat-on-grass.jpg").read_bytes()
    [mask] = serve(image_bytes=tf.constant([image]))["mask_png_bytes"].numpy()
    expected = np.asarray(Image.open(io.BytesIO(mask)))
    assert any(np.array_equal(answer, expected) for answer in answers)


def test_demo_of_a_classifier(run: Run, checkout: Path, tmp_path: Path) -> None:
    folder = tmp_path / "serving" / "1"
    module = Brightest()
    tf.saved_model.save(module, folder, {"serving_default": module.serving_default})
    write_provenance(folder)
    shown = run("04-demo", SERVING_DIR=folder.parent)
    assert f"the newest pushed model, of classification: {folder}" in shown.text
    assert re.search(r'<iframe src="http://127\.0\.0\.1:\d+/"', shown.text)
    assert "The file is not an image that can be read" in shown.text
    assert re.search(r"green +\d+\.\d%", shown.text)
    assert shown.pictures == 1


def test_lineage(
    run: Run, of_the_run: dict[str, object], trained: Workplace, drawn_pets: Path
) -> None:
    shown = run("05-lineage", **of_the_run)
    found = digest(drawn_pets)
    assert f"digest:  {found}\ndataset.json now: {found}" in shown.text
    assert f"folder:  {drawn_pets}" in shown.text
    first, *_ = run_ids(trained.pipeline_root / "metadata.sqlite")
    assert f"run: {first}" in shown.text
    for name in ("ImportExampleGen", "Transform", "Trainer", "Evaluator", "Pusher", "git commit"):
        assert name in shown.text


@pytest.mark.slow
def test_own_images(run: Run, checkout: Path) -> None:
    shown = run("06-your-own-images", **REFUSED)
    assert "has the values 1 2 3" in shown.text
    assert "own.toml, yours to change" in shown.text
    assert re.search(r"'class 1': '\d+\.\d%'", shown.text)
    assert shown.pictures == 6
    made = checkout / "output/notebooks/own-images"
    assert list(made.glob("output/own/serving/*/saved_model.pb"))
    assert not (checkout / "own.toml").exists()


@pytest.mark.parametrize("name", ["03-inference", "04-demo", "05-lineage"])
def test_that_there_is_no_model_yet_is_told(run: Run, workplace: Workplace, name: str) -> None:
    settings = {"PIPELINE_ROOT": workplace.pipeline_root, "SERVING_DIR": workplace.serving_dir}
    with pytest.raises(CellExecutionError) as caught:
        run(name, **settings)
    assert (caught.value.ename, caught.value.evalue) == (
        "SystemExit",
        f"No model was pushed to {workplace.serving_dir} yet: run the pipeline first, as "
        "`make demo` does.",
    )


def test_make_opens_them_for_root_as_well(tmp_path: Path) -> None:
    environment = {**os.environ, "HOME": str(tmp_path), "BROWSER": "true %s"}
    with subprocess.Popen(
        ["make", "notebooks"],
        cwd=REPOSITORY,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as started:
        assert started.stderr
        try:
            assert any("is running at" in line for line in started.stderr)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(started.pid, signal.SIGKILL)


def test_every_notebook_is_run_here() -> None:
    run_here = re.findall(r'run\("([\w-]+)"', Path(__file__).read_text())
    assert set(run_here) == {path.stem for path in NOTEBOOKS}


@pytest.mark.parametrize("folder", [".", "notebooks", "tests/notebooks"])
def test_a_notebook_finds_the_repository(folder: str) -> None:
    [source] = {preamble(path) for path in NOTEBOOKS}
    done = subprocess.run(
        [sys.executable, "-P", "-c", f"{source}\nimport serving\nprint(os.getcwd())"],
        cwd=REPOSITORY / folder,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{REPOSITORY}\n"


def test_no_outputs_are_kept() -> None:
    command = [sys.executable, "-m", "nbstripout", "--verify", *map(str, NOTEBOOKS)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
