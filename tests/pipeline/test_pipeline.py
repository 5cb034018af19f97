import json
from pathlib import Path

import pytest
from absl import flags
from absl.testing import flagsaver
from tfx.orchestration.local.local_dag_runner import LocalDagRunner
from tfx.orchestration.metadata import Metadata
from tfx.orchestration.pipeline import Pipeline, RunOptions
from tfx.orchestration.portable.mlmd import execution_lib
from tfx_bsl.coders import batch_util

from components.digest import code_digest
from models.code import code_folders
from pipeline.configs import load_settings
from pipeline.engines import local_engine
from pipeline.pipeline import create_pipeline
from pipeline.recipes import load_recipe
from tests.conftest import REPOSITORY

EDGES = {
    "ImportExampleGen": set(),
    "StatisticsGen": {"ImportExampleGen"},
    "ImportSchemaGen": set(),
    "ExampleValidator": {"StatisticsGen", "ImportSchemaGen"},
    "Transform": {"ImportExampleGen", "ImportSchemaGen"},
    "Trainer": {"ImportExampleGen", "StatisticsGen", "Transform"},
    "latest_blessed_model": {"Trainer"},
    "Evaluator": {"ImportExampleGen", "Trainer", "latest_blessed_model"},
    "ModelValidator": {"ImportExampleGen", "Trainer"},
    "EdgeExporter": {"ImportExampleGen", "Trainer", "Evaluator"},
    "Pusher": {"Trainer", "Evaluator", "ModelValidator"},
}


def graph_of(**overrides: object) -> Pipeline:
    settings = load_settings(env_file="none", **overrides)
    return create_pipeline(settings.load_recipe(), local_engine(settings), settings)


def edges(graph: Pipeline) -> dict[str, set[str]]:
    return {
        component.id: {node.id for node in component.upstream_nodes}
        for component in graph.components
    }


@pytest.fixture(scope="module")
def graph() -> Pipeline:
    return graph_of()


def test_nodes_and_edges(graph) -> None:
    assert edges(graph) == EDGES


def test_a_search_stands_between_transform_and_trainer() -> None:
    graph = graph_of(tune=True, tune_trials=3, batch_size=2)
    assert edges(graph) == {
        **EDGES,
        "Tuner": {"ImportExampleGen", "Transform"},
        "Trainer": EDGES["Trainer"] | {"Tuner"},
    }
    [tuner] = [component for component in graph.components if component.id == "Tuner"]
    told = json.loads(tuner.exec_properties["custom_config"])
    assert told["tune_trials"] == 3
    assert told["training"]["batch_size"] == 2
    # A batch size that is set is not tuned.
    assert set(told["search_space"]) == set(load_recipe("scenes").search_space) - {"batch_size"}
    assert told["code_digest"] == code_digest("segmentation")


def test_publishing_comes_last_and_only_where_there_is_a_repository() -> None:
    graph = graph_of(hf_repo_id="demo/pets", hf_space_secrets={"KEY": "NAME_OF_A_VARIABLE"})
    assert edges(graph) == {
        **EDGES,
        "HFPusher": {*EDGES["Pusher"], "ImportExampleGen", "EdgeExporter", "Pusher"},
    }
    [pusher] = [component for component in graph.components if component.id == "HFPusher"]
    told = json.loads(pusher.exec_properties["custom_config"])
    assert told["hub"]["hf_space_id"] == "demo/pets"
    assert told["hub"]["hf_token_secret"] == "HF_TOKEN"
    assert told["code_digest"] == code_digest("segmentation")


def test_what_is_promoted_by_hand_is_pushed_and_not_published(tmp_path: Path) -> None:
    recipe = tmp_path / "by-hand.toml"
    recipe.write_text('base = "scenes"\nname = "by-hand"\npromotion = "manual"\n')
    graph = graph_of(recipe=str(recipe), hf_repo_id="demo/pets")
    assert edges(graph) == EDGES
    [pusher] = [component for component in graph.components if component.id == "Pusher"]
    told = json.loads(pusher.exec_properties["custom_config"])
    assert told == {"recipe": "by-hand", "promotion": "manual"}


def test_lakefs_comes_between_serving_and_publishing() -> None:
    graph = graph_of(lakefs_repository="models", hf_repo_id="demo/pets")
    taken = {*EDGES["Pusher"], "ImportExampleGen", "EdgeExporter"}
    assert edges(graph) == {
        **EDGES,
        "LakeFSPusher": {*taken, "Pusher"},
        "HFPusher": {*taken, "LakeFSPusher"},
    }
    alone = edges(graph_of(lakefs_repository="models"))
    assert alone == {**EDGES, "LakeFSPusher": {*taken, "Pusher"}}
    [pusher] = [component for component in graph.components if component.id == "LakeFSPusher"]
    told = json.loads(pusher.exec_properties["custom_config"])
    assert told["lakefs"]["lakefs_secret_key_secret"] == "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY"
    assert told["recipe"] == "scenes"


def test_found_hyperparameters_stand_in_for_the_search(best_hyperparameters: Path) -> None:
    graph = graph_of(hyperparameters=str(best_hyperparameters))
    assert edges(graph) == {
        **EDGES,
        "imported_hyperparameters": set(),
        "Trainer": EDGES["Trainer"] | {"imported_hyperparameters"},
    }


def test_a_changed_file_of_hyperparameters_is_another_artifact(
    best_hyperparameters: Path, tmp_path: Path
) -> None:
    (tmp_path / "pipeline").mkdir()
    [file] = best_hyperparameters.iterdir()
    content = file.read_text()
    contents = (content, content, content.replace("16", "4"), content)
    only = RunOptions(
        from_nodes=["imported_hyperparameters"], to_nodes=["imported_hyperparameters"]
    )
    identities: list[tuple[int, str]] = []
    for content in contents:
        file.write_text(content)
        graph = graph_of(
            hyperparameters=str(best_hyperparameters), pipeline_root=str(tmp_path / "pipeline")
        )
        LocalDagRunner().run(graph, only)
        with Metadata(graph.metadata_connection_config) as store:
            [execution] = store.store.get_executions()[len(identities) :]
            [artifact] = execution_lib.get_output_artifacts(store, execution.id)[
                "best_hyperparameters"
            ]
            identities.append((artifact.id, artifact.uri))
    (first, uri), *others = identities
    assert uri == str(best_hyperparameters)
    assert [identity == first for identity, _ in others] == [True, False, True]


def test_pixels_are_not_materialised(graph) -> None:
    [transform] = [component for component in graph.components if component.id == "Transform"]
    assert "transform_graph" in transform.outputs
    assert "transformed_examples" not in transform.outputs


@flagsaver.flagsaver
def test_statistics_alone_are_taken_of_so_many_bytes_at_a_time(graph) -> None:
    by_bytes = []
    for component in graph.components:  # one after the other in one process, as on this machine
        if arguments := getattr(component.executor_spec, "beam_pipeline_args", []):
            flags.FLAGS(["step", *arguments], known_only=True)
            if "element_size_fn" in batch_util.GetBatchElementsKwargs(batch_size=None):
                by_bytes.append(component.id)
    assert by_bytes == ["StatisticsGen"]


def test_changed_code_is_another_cache_key(monkeypatch, tmp_path: Path) -> None:
    own, other = tmp_path / "segmentation", tmp_path / "other"
    own.mkdir()
    other.mkdir()
    monkeypatch.setattr("components.digest.code_folders", lambda task: ([tmp_path], [other]))
    digests = set()
    for path in (tmp_path / "train.py", own / "unet.py", other / "net.py"):
        path.write_text("filters = 1")
        digests.add(code_digest("segmentation"))
    assert len(digests) == 2  # an edit of another task retrains nothing
    models = REPOSITORY / "models"
    assert code_folders("segmentation") == ([models], [models / "classification"])
