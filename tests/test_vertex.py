"""From TFX's command line to a served and published model, on emulated Google Cloud."""

import functools
import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from components.artifacts.evaluations import load_evaluation
from pipeline.vertex.recorded import RECORDER
from tests.conftest import PIPELINE_NAME, REPOSITORY, Walk, Workplace
from tests.emulators.hub import HubEmulator
from tests.github.cloud import BUCKET, HUB_TOKEN, PROJECT, cloud
from tests.github.images import image_tag
from tests.github.player import Played
from tests.github.repositories import repository_copy
from tests.pipeline.lineage.rows import row, rows
from tests.pipeline.test_pipeline import EDGES
from tests.pipeline.vertex.verbs import verb
from tests.services.mlflow_server import MLflow
from tests.warm.commands import python

VERTEX_COMMANDS = """\
tfx pipeline create --pipeline-path=kubeflow_runner.py --engine=vertex
tfx pipeline compile --pipeline-path=kubeflow_runner.py --engine=vertex
tfx run create --pipeline-name=segformer-training-pipeline --engine=vertex \\
  --project=$GOOGLE_CLOUD_PROJECT --region=$GOOGLE_CLOUD_REGION
"""
GREETING = "value of the team's greeting"
PASSWORD = "value of MLflow's password"
RECIPE = "tests/recipes/smoke.toml"
# What both TFX's commands and the workflow are told, beside what names places.
MACHINES = {
    "TRAINING_MACHINE_TYPE": "n1-standard-8",
    "ENDPOINT_MACHINE_TYPE": "n1-standard-2",
    "ENDPOINT_IMAGE": f"us-docker.pkg.dev/demo-project/images/serving@sha256:{'b' * 64}",
    "HF_SPACE_SECRETS": json.dumps({"GREETING": f"projects/{PROJECT}/secrets/greeting"}),
}
MLFLOW_SECRETS = {
    f"MLFLOW_{name.upper()}_SECRET": f"projects/{PROJECT}/secrets/mlflow-{name}"
    for name in ("username", "password")
}
OFFLINE = {
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "GOOGLE_APPLICATION_CREDENTIALS": "none",
}
STEPS = EDGES.keys() - {"latest_blessed_model"} | {"HFPusher", RECORDER}
RESOLVERS = {
    "latest_blessed_model-model-blessing-resolver",
    "latest_blessed_model-model-resolver",
}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="session")
def cloud_run(shared: Callable[[str, Callable[[Path], None]], Path], few_pets: Path) -> Path:
    """The pipeline run twice: by TFX's commands, and then by the workflow.

    In the folder are what the commands printed (`tfx.txt`), how the workflow was played
    (`played.pickle`), the states of the emulators (`vertex`, `hub`, `buckets`), and the rehearsals'
    logs (`rehearsals`). Both are recorded in MLflow (`runs.json`, the first one first).
    """
    from tests.emulators.vertex.rehearsing import rehearsed

    def run(folder: Path) -> None:
        workplace = Workplace(folder)
        repository = repository_copy(REPOSITORY, folder / "team")
        runner = functools.partial(rehearsed, folder / "rehearsals", python=python())
        with cloud(folder, runner) as there, MLflow(folder / "mlflow") as mlflow:
            tracking = {"MLFLOW_TRACKING_URI": mlflow.endpoint, **MLFLOW_SECRETS}
            there.gcs.secrets.add(f"projects/{PROJECT}/secrets/greeting", GREETING)
            for name, value in (("username", "team"), ("password", PASSWORD)):
                there.gcs.secrets.add(f"projects/{PROJECT}/secrets/mlflow-{name}", value)
            there.gcs.upload_tree(few_pets, f"{BUCKET}/data")
            # The image that the workflow would build is there.
            digest = there.registry.push_empty("segmentation/pipeline", image_tag(repository))
            settings = {
                **there.variables,
                **MACHINES,
                **tracking,
                "RECIPE": RECIPE,
                "PIPELINE_ROOT": f"{BUCKET}/pipeline",
                "DATA_ROOT": f"{BUCKET}/data",
                "SERVING_DIR": f"{BUCKET}/serving/{RECIPE}",
                "PIPELINE_IMAGE": f"{there.registry.host}/{PROJECT}/segmentation/pipeline@{digest}",
                "SERVICE_ACCOUNT": there.gcs.account.email,
            }
            create, compile, start = VERTEX_COMMANDS.replace("\\\n", "").splitlines()
            printed = ""
            for command, given in (
                (create, {**settings, **OFFLINE}),
                (compile, {**settings, **OFFLINE}),
                (start, {**settings, **there.vertex.environment}),
            ):
                done = workplace.run(command, **given)
                printed += done.stdout + done.stderr
                assert done.returncode == 0, printed
            (folder / "tfx.txt").write_text(printed)
            [job] = there.vertex.jobs
            there.vertex.wait(job.name.rpartition("/")[2], timeout=600)
            player = there.player(repository, **MACHINES, **tracking)
            played = player.play("train.yml", "train", inputs={"recipe": RECIPE})
            (folder / "played.pickle").write_bytes(pickle.dumps(played))
            (folder / "runs.json").write_text(json.dumps(mlflow.runs()[::-1]))
            there.gcs.save(folder / "buckets")

    return shared("cloud_run", run)


@pytest.fixture
def played(cloud_run: Path) -> Played:
    """How the workflow was played."""
    return pickle.loads((cloud_run / "played.pickle").read_bytes())


@pytest.fixture
def vertex(cloud_run: Path, gcs, runner, tmp_path: Path) -> Iterator:
    """Vertex AI as the runs left it."""
    from tests.emulators.vertex import VertexEmulator

    with VertexEmulator(shutil.copytree(cloud_run / "vertex", tmp_path / "v"), gcs, runner) as left:
        yield left


def states(job) -> dict[str, str]:
    from google.cloud.aiplatform_v1 import types

    return {
        task.task_name: types.PipelineTaskDetail.State(task.state).name
        for task in job.job_detail.task_details[1:]  # the first is the graph's own
    }


def test_the_commands_end_in_a_served_and_published_model(cloud_run: Path, vertex) -> None:
    first, _ = vertex.jobs
    errors = [task.error.message for task in first.job_detail.task_details]
    assert states(first) == dict.fromkeys(STEPS | RESOLVERS, "SUCCEEDED"), errors
    [training] = vertex.custom_jobs
    assert training.display_name == f"{PIPELINE_NAME}-trainer"
    [model], [endpoint] = vertex.models, vertex.endpoints
    [deployed] = endpoint.deployed_models
    assert endpoint.traffic_split == {deployed.id: 100}
    assert deployed.model_version_id == model.version_id == "1"
    version = cloud_run / "buckets" / model.artifact_uri.removeprefix("gs://")
    assert model.artifact_uri.startswith(f"{BUCKET}/serving/")
    with HubEmulator(cloud_run / "hub", users={"demo": HUB_TOKEN}) as hub:
        published = hub.content("models", "demo/pets", "main", "saved_model.pb")
    assert published == (version / "saved_model.pb").read_bytes()


def test_the_same_by_the_workflow_is_answered_by_the_cache(played: Played, vertex) -> None:
    """Down to the Evaluator, which now has a blessed model to judge by."""
    logs = {step.name: step.log for step in played.steps.values()}
    assert played.conclusion == "success", logs
    assert "is there." in logs["Build the image"]
    printed = logs["Wait for the verdict"]
    _, second = vertex.jobs
    assert second.labels["commit"] == played.commit
    judged = {"Evaluator", "EdgeExporter", "Pusher", "HFPusher", RECORDER}
    cached = dict.fromkeys(STEPS - judged, "SKIPPED")
    assert states(second) == {**cached, **dict.fromkeys(RESOLVERS | judged, "SUCCEEDED")}
    for step in STEPS - judged:
        assert f"{step} cached" in printed
    assert "Blessed.\nPushed to projects/" in printed
    assert "\nPublished http://127.0.0.1:" in printed
    for what in ("## Blessed", "| Published | <a href=", "| Mean IoU | 0.", "| Demo | <a href="):
        assert what in played.summary


def test_both_jobs_are_runs_in_mlflow(cloud_run: Path, played: Played, vertex) -> None:
    """One that trained, and one that the cache answered, with the same figures of the model."""
    runs = json.loads((cloud_run / "runs.json").read_text())
    jobs = [job.name.rpartition("/")[2] for job in vertex.jobs]
    tags, metrics, params = (
        [{one["key"]: one["value"] for one in run["data"].get(kind, [])} for run in runs]
        for kind in ("tags", "metrics", "params")
    )
    assert [run["info"]["status"] for run in runs] == ["FINISHED", "FINISHED"]
    assert [told["tfx_run_id"] for told in tags] == jobs
    assert [told["trained_by"] for told in tags] == [jobs[0], jobs[0]]
    assert [told["blessed"] for told in tags] == ["true", "true"]
    assert tags[1]["git_commit"] == played.commit and tags[1]["engine"] == "vertex"
    assert tags[0]["model_digest"] == tags[1]["model_digest"] != ""
    for told in tags:
        assert told["model_uri"].startswith(f"{BUCKET}/serving/")
    assert (params[0]["epochs"], params[0]["examples.train"]) == ("1", "24")
    assert params[0] == params[1]
    for name in ("loss", "val_loss", "training.steps", "evaluation.mean_iou", "duration.Trainer"):
        assert metrics[0][name] is not None
    ours = [name for name in metrics[0] if not name.startswith("duration.")]
    assert {name: metrics[1][name] for name in ours} == {name: metrics[0][name] for name in ours}
    [submitted] = [step.log for step in played.steps.values() if step.name == "Submit"]
    assert runs[1]["info"]["run_id"] in submitted.partition("MLflow: ")[2].splitlines()[0]


def test_what_was_published_is_followed_to_its_data_and_the_job_that_trained(
    cloud_run: Path, few_pets: Path, played: Played, vertex, gcs, child
) -> None:
    buckets = cloud_run / "buckets"
    gcs.make_bucket(BUCKET.removeprefix("gs://"))
    for evaluation in buckets.glob("*/pipeline/*/*/Evaluator_*/evaluation"):
        gcs.upload_tree(evaluation, f"gs://{evaluation.relative_to(buckets)}")
    first, second = (job.name.rpartition("/")[2] for job in vertex.jobs)
    done = child(verb, "lineage", "--engine=vertex", second)
    assert (done.status, done.error) == (0, "")
    found = rows(done.output)
    assert [value for name, value in found if name.endswith("by run")] == [first, second]
    # The TFX command line leaves the job's labels out.
    assert [v for name, v in found if name == "git commit"] == ["not recorded", played.commit]
    assert row(done.output, "data") == f"{BUCKET}/data"
    digest = json.loads((few_pets / "dataset.json").read_text())["digest"]
    assert row(done.output, "data digest") == digest
    assert (row(done.output, "images, train"), row(done.output, "images, eval")) == ("24", "8")
    assert "epochs 1, " in row(done.output, "settings")
    assert 0 < float(row(done.output, "mean IoU")) < 1  # what it is, the next test compares
    assert row(done.output, "verdict") == "blessed"
    [model], [endpoint] = vertex.models, vertex.endpoints
    assert row(done.output, "pushed to") == model.artifact_uri
    assert row(done.output, "served by") == endpoint.name
    published = child(verb, "lineage", "--engine=vertex", row(done.output, "tag"))
    assert row(published.output, "trained by run") == first
    assert row(published.output, "revision") == row(done.output, "revision")


def test_both_engines_judge_alike(cloud_run: Path, walk: Walk) -> None:
    """One seed: the same figures to 1e-6, whatever is different between the engines."""
    runs = cloud_run / "buckets" / BUCKET.removeprefix("gs://") / "pipeline"
    there, _ = sorted(runs.glob("*/*/Evaluator_*/evaluation"))
    evaluations = (walk.workplace.pipeline_root / "Evaluator" / "evaluation").iterdir()
    here = min(evaluations, key=lambda path: int(path.name))
    rehearsed, local = (figures(path) for path in (there, here))
    assert len(local) > 30
    assert rehearsed.keys() == local.keys()
    for name, value in local.items():
        assert rehearsed[name] == pytest.approx(value, abs=1e-6, nan_ok=True), name


def figures(evaluation: Path) -> dict[tuple[str, ...], float]:
    """All figures of all slices."""
    slices = load_evaluation(str(evaluation)).slices
    return {
        (part.feature, part.value, key): value
        for parts in slices.values()
        for part in parts
        for key, value in part.figures.items()
        if isinstance(value, float)
    }


def test_no_secret_is_left_anywhere(cloud_run: Path) -> None:
    """Specs, metadata, logs, what was printed, stored and published."""
    secrets = [HUB_TOKEN, GREETING, PASSWORD]
    sources = {"team", "workspace"}  # which hold this file
    searched = [
        path
        for path in cloud_run.rglob("*")
        if path.is_file() and not sources & set(path.relative_to(cloud_run).parts)
    ]
    assert any(path.name == "Trainer.log" for path in searched)
    assert any(path.name == "pipeline.json" for path in searched)
    for path in searched:
        content = path.read_bytes()
        assert not any(secret.encode() in content for secret in secrets), path


def test_a_broken_module_path_is_told_before_the_first_step(
    workplace: Workplace, cloud_run: Path
) -> None:
    [compiled] = (cloud_run / "tfx" / "vertex").rglob("pipeline.json")
    job = json.loads(compiled.read_text())
    trainer = job["pipelineSpec"]["root"]["dag"]["tasks"]["Trainer"]
    run_fn = trainer["inputs"]["parameters"]["run_fn"]["runtimeValue"]["constantValue"]
    assert run_fn == {"stringValue": "models.train.run_fn"}
    run_fn["stringValue"] = "models.trian.run_fn"
    data = workplace.folder / "store" / "gcs" / BUCKET.removeprefix("gs://") / "data"
    data.mkdir(parents=True)
    (data / "train-0.tfrecord").touch()
    broken = workplace.folder / "broken.json"
    broken.write_text(json.dumps(job))
    done = workplace.run(
        f"python -m pipeline rehearse --spec {broken} --store {workplace.folder}/store"
    )
    assert done.returncode == 2
    assert "Task Trainer has run_fn=models.trian.run_fn, but there is no module" in done.stderr
    assert "Traceback" not in done.stderr
