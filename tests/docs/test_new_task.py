"""docs/new-task.md, followed: a task without classes, whose metric is better the lower it is."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf

from models.reference.statistics import read_reference
from tests.conftest import Workplace

_FIGURE = re.compile(r"mean absolute error\W+(0\.\d{3})")


@pytest.mark.slow
def test_the_page(follow: Callable[..., str], checkout: Path, workplace: Workplace) -> None:
    output = follow("docs/new-task.md", "A new task")
    assert "blessed" in output
    figure = float(_FIGURE.search(output)[1])
    assert figure < 0.05
    root = checkout / "output" / "brightness"
    [report] = (root / "pipeline" / "reports").glob("2*.html")
    text = report.read_text()
    for said in (
        "Mean absolute error",
        f"{figure:.3f}",
        "in truth 0.",
        "validation images",
    ):
        assert said in text, said
    assert "By class" not in text and "Confusion" not in text
    [version] = (root / "serving").iterdir()
    serve = tf.saved_model.load(str(version)).signatures["serving_default"]
    black = tf.io.encode_png(tf.zeros([9, 7, 3], tf.uint8))
    white = tf.io.encode_png(tf.fill([9, 7, 3], tf.constant(255, tf.uint8)))
    dark, bright = serve(image_bytes=tf.stack([black, white]))["brightness"].numpy()
    assert dark < 0.2 and bright > 0.8
    assert read_reference(str(version)).answers["brightness of the answer"].mean > 0
    [edge] = (root / "pipeline").glob("EdgeExporter/edge_model/*/Format-Serving/model.tflite")
    assert edge.stat().st_size < 100_000

    # A ceiling that it does not keep under refuses it.
    recipe = checkout / "brightness.toml"
    strict = recipe.read_text().replace("mean_absolute_error = 0.05", "mean_absolute_error = 1e-6")
    recipe.write_text(strict)
    done = workplace.run(
        f"cd {checkout} && PATH=$PWD/.venv/bin:$PATH python local_runner.py",
        RECIPE="brightness.toml",
        DATA_ROOT="data/brightness",
        PIPELINE_ROOT="output/brightness/pipeline",
        SERVING_DIR="output/brightness/serving",
        COLUMNS=200,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"refused: mean absolute error {figure:.3f} is above 0.000" in done.stdout
