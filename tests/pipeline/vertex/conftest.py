"""What the tests of `pipeline/vertex/` share: settings of a run on Google Cloud, evaluations."""

from collections.abc import Callable
from pathlib import Path

import pytest

IMAGE = "us-docker.pkg.dev/demo-project/images/pipeline@sha256:" + "a" * 64
KEY = "projects/demo-project/locations/us-central1/keyRings/ring/cryptoKeys/key"
NETWORK = "projects/123456789012/global/networks/vpc"
VERTEX = {
    "pipeline_root": "gs://demo-bucket/pipeline",
    "data_root": "gs://demo-bucket/data",
    "serving_dir": "gs://demo-bucket/serving",
    "pipeline_image": IMAGE,
}


@pytest.fixture(scope="session")
def evaluations(
    answering_model: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """What the Evaluator wrote of a model that it blessed, and of one that it refused."""
    from tests.pipeline.vertex.judged_steps import evaluate_both  # and so TensorFlow

    root = tmp_path_factory.mktemp("evaluations")
    evaluate_both(root, answering_model)
    return root
