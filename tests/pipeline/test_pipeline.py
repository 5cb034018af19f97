from pathlib import Path

import pytest

from pipeline.configs import load_settings
from pipeline.engines import local_engine
from pipeline.pipeline import code_digest, create_pipeline


@pytest.fixture(scope="module")
def graph():
    settings = load_settings(env_file="none")
    return create_pipeline(settings.load_recipe(), local_engine(settings), settings)


def test_nodes_and_edges(graph) -> None:
    edges = {
        component.id: {node.id for node in component.upstream_nodes}
        for component in graph.components
    }
    assert edges == {
        "ImportExampleGen": set(),
        "StatisticsGen": {"ImportExampleGen"},
        "ImportSchemaGen": set(),
        "ExampleValidator": {"StatisticsGen", "ImportSchemaGen"},
        "Transform": {"ImportExampleGen", "ImportSchemaGen"},
        "Trainer": {"ImportExampleGen", "StatisticsGen", "Transform"},
        "latest_blessed_model": set(),
        "Evaluator": {"ImportExampleGen", "Trainer", "latest_blessed_model"},
        "Pusher": {"Trainer", "Evaluator"},
    }


def test_pixels_are_not_materialised(graph) -> None:
    [transform] = [component for component in graph.components if component.id == "Transform"]
    assert "transform_graph" in transform.outputs
    assert "transformed_examples" not in transform.outputs


def test_changed_code_is_another_cache_key(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "unet.py").write_text("filters = 1")
    monkeypatch.setattr("models.__path__", [str(tmp_path)])
    before = code_digest()
    (tmp_path / "unet.py").write_text("filters = 2")
    assert code_digest() != before
