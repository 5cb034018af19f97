"""The Tuner's callback, run by TFX's own executor on real TFRecords."""

import json
import math
from pathlib import Path

import pytest
from keras_tuner.engine.trial import TrialStatus
from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.executor import Executor
from tfx.types import artifact_utils, standard_artifacts

from models import train
from models.config import TrainingConfig
from models.hyperparameters import Choice, Range, SearchSpace, apply_hyperparameters
from models.tuning import Oracle
from tests.models.drawn_pets import pets, write_shard

TRAIN_IMAGES, VAL_IMAGES = 10, 5
SPACE: SearchSpace = {
    "learning_rate": Range(low=1e-3, high=1e-2, scale="log"),
    "batch_size": Choice(values=(2, 4)),
    "augmentation": Range(low=0, high=1),
}


@pytest.fixture(scope="module")
def examples(shared) -> standard_artifacts.Examples:
    """An artifact as ExampleGen makes it."""

    def write(folder: Path) -> None:
        for split, count, seed in (("train", TRAIN_IMAGES, 0), ("eval", VAL_IMAGES, 500)):
            (folder / f"Split-{split}").mkdir()
            drawn = [pet.example() for pet in pets(count, seed=seed)]
            write_shard(folder / f"Split-{split}" / "data_tfrecord-00000-of-00001.gz", drawn)

    artifact = standard_artifacts.Examples()
    artifact.uri = str(shared("models-examples", write))
    artifact.split_names = artifact_utils.encode_split_names(["train", "eval"])
    return artifact


def search(
    folder: Path,
    examples: standard_artifacts.Examples,
    transform_graph: str,
    config: TrainingConfig,
    space: SearchSpace,
    trials: int,
) -> tuple[dict, list[dict]]:
    """Runs TFX's Tuner; returns what it wrote: the best hyperparameters and each trial's result."""
    graph = standard_artifacts.TransformGraph()
    graph.uri = transform_graph
    best, results = standard_artifacts.HyperParameters(), standard_artifacts.TunerResults()
    best.uri, results.uri = str(folder / "best"), str(folder / "results")
    custom_config = {
        "training": config.model_dump(mode="json"),
        "search_space": {name: values.model_dump(mode="json") for name, values in space.items()},
        "tune_trials": trials,
    }
    Executor(Executor.Context(tmp_dir=str(folder / "temporary"), unique_id="1")).Do(
        {"examples": [examples], "transform_graph": [graph]},
        {"best_hyperparameters": [best], "tuner_results": [results]},
        {
            "tuner_fn": "models.tuning.tuner_fn",
            "train_args": '{"splits": ["train"]}',
            "eval_args": '{"splits": ["eval"]}',
            "custom_config": json.dumps(custom_config),
        },
    )
    return (
        json.loads((folder / "best" / "best_hyperparameters.txt").read_text()),
        json.loads((folder / "results" / "tuner_results.json").read_text()),
    )


@pytest.fixture(scope="module")
def found(tmp_path_factory, examples, transform_graph, config) -> tuple[dict, list[dict]]:
    folder = tmp_path_factory.mktemp("search")
    return search(folder, examples, transform_graph, config, SPACE, trials=2)


def test_the_best_is_the_trial_of_the_highest_score(found: tuple[dict, list[dict]]) -> None:
    best, results = found
    assert len(results) == 2
    top = max(results, key=lambda result: result["score"])
    assert best["values"] == {name: top[name] for name in best["values"]}
    assert all(0 < result["score"] < 1 for result in results)


def test_every_trial_lies_in_the_space_and_the_first_is_the_recipes(
    found: tuple[dict, list[dict]], config: TrainingConfig
) -> None:
    first, second = sorted(found[1], key=lambda result: result["trial_id"])
    assert (first["learning_rate"], first["batch_size"]) == (2e-3, 4)
    assert second["learning_rate"] != 2e-3
    for result in (first, second):
        assert result["recipe"] == config.recipe
        assert all(result[name] in values for name, values in SPACE.items())


def test_the_trainer_reaches_what_the_best_trial_scored(
    found: tuple[dict, list[dict]],
    examples: standard_artifacts.Examples,
    transform_graph: str,
    config: TrainingConfig,
    tmp_path: Path,
) -> None:
    best, results = found
    other = max(results, key=lambda result: result["trial_id"])  # not the configuration's own
    best = {**best, "values": {name: other[name] for name in best["values"]}}
    arguments = FnArgs(
        train_files=[f"{examples.uri}/Split-train/*"],
        eval_files=[f"{examples.uri}/Split-eval/*"],
        transform_output=transform_graph,
        serving_model_dir=str(tmp_path / "model"),
        model_run_dir=str(tmp_path),
        hyperparameters=best,
        custom_config={
            "training": config.model_dump(mode="json"),
            "checkpoints": str(tmp_path / "checkpoints"),
            "code_digest": "",
        },
    )
    arguments.num_examples = {"train": TRAIN_IMAGES, "eval": VAL_IMAGES}
    train.run_fn(arguments)
    history = json.loads((tmp_path / train.FIGURES).read_text())["history"]
    assert max(history["val_mean_iou"]) == other["score"]
    provenance = json.loads((tmp_path / "model/assets.extra/provenance.json").read_text())
    del provenance["training"]
    assert TrainingConfig(**provenance) == apply_hyperparameters(config, best) != config


def test_a_trial_that_diverges_loses(
    tmp_path: Path, examples, transform_graph: str, config: TrainingConfig
) -> None:
    space: SearchSpace = {"learning_rate": Choice(values=(2e-3, 1e30))}
    best, results = search(tmp_path, examples, transform_graph, config, space, trials=2)
    assert [result["learning_rate"] for result in results] == [2e-3]
    assert best["values"]["learning_rate"] == 2e-3


def test_a_search_of_which_nothing_is_left_ends_in_a_sentence(
    tmp_path: Path, examples, transform_graph: str, config: TrainingConfig
) -> None:
    hopeless = config.model_copy(update={"learning_rate": 1e30})
    space: SearchSpace = {"learning_rate": Choice(values=(1e30,))}
    message = "None of 1 trials of recipe drawn ended with a score; .* The training diverged: "
    with pytest.raises(ValueError, match=message) as caught:
        search(tmp_path, examples, transform_graph, hopeless, space, trials=1)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "best").exists()


def test_a_network_that_cannot_be_built_ends_the_search_in_words(
    tmp_path: Path, examples, transform_graph: str, config: TrainingConfig
) -> None:
    unknown = config.model_copy(update={"model": "unett"})
    with pytest.raises(ValueError, match=r"^MODEL=unett is unknown; .* Did you mean unet\?$"):
        search(tmp_path, examples, transform_graph, unknown, SPACE, trials=2)


def explore(config: TrainingConfig, folder: Path) -> list[dict]:
    """Lets the oracle seek the peak of a function at rate 3e-4, batch 16; returns what it tried."""
    space: SearchSpace = {
        "learning_rate": Range(low=1e-5, high=1e-1, scale="log"),
        "batch_size": Choice(values=(4, 8, 16, 32)),
    }
    oracle = Oracle(space, config, trials=10)
    oracle._set_project_dir(folder, "search")
    oracle.verbose = 0
    tried = []
    while (trial := oracle.create_trial("tuner")).status == TrialStatus.RUNNING:
        values = trial.hyperparameters.values
        far = math.log10(values["learning_rate"] / 3e-4) ** 2
        score = math.exp(-far - math.log2(values["batch_size"] / 16) ** 2 / 4)
        oracle.update_trial(trial.trial_id, {"val_mean_iou": score})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
        tried.append({**values, "score": score})
    return tried


def test_the_search_is_seeded_and_finds_a_peak(config: TrainingConfig, tmp_path: Path) -> None:
    seeded = config.model_copy(update={"seed": 0})  # which KerasTuner takes for no seed
    first = explore(seeded, tmp_path / "first")
    assert first == explore(seeded, tmp_path / "second")
    assert len(first) == 10
    best = max(first, key=lambda tried: tried["score"])
    assert best["batch_size"] == 16
    assert 1e-4 < best["learning_rate"] < 1e-3
