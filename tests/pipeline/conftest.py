"""What the tests of `pipeline/` share: the Evaluator on models whose answers are known."""

from collections.abc import Callable
from pathlib import Path

import pytest
import tensorflow as tf
from tfx.utils import path_utils

from benchmarks.bench_evaluator import evaluate
from pipeline.recipe import Recipe
from tests.pipeline.answering import Answering


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Model artifacts: the candidate, and a baseline from before there were boundary counts."""
    root = tmp_path_factory.mktemp("models")
    modules = {
        "candidate": Answering("candidate"),
        "baseline": Answering("baseline", without="boundary_counts"),
    }

    def exported(name: str) -> Path:
        path = path_utils.serving_model_path(str(root / name))
        if not Path(path).exists():
            module = modules[name]
            tf.saved_model.save(module, path, signatures={"from_examples": module.evaluate})
        return root / name

    return exported


@pytest.fixture
def evaluated(model: Callable[[str], Path], tmp_path: Path) -> Callable[..., Path]:
    """Runs the Evaluator on examples; returns the folder of its `evaluation` and `blessing`."""

    def output(gated: Recipe, examples: list[bytes], baseline: str | None = None) -> Path:
        shards = tmp_path / "examples" / "Split-eval"
        shards.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(shards / "data-00000-of-00001.gz"), "GZIP") as writer:
            for record in examples:
                writer.write(record)
        last_blessed = model(baseline) if baseline else None
        return evaluate(gated, shards.parent, tmp_path / "output", model("candidate"), last_blessed)

    return output
