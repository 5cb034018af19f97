"""`python -m pipeline lineage --engine=vertex` on jobs of an emulated Vertex AI."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator
from tests.emulators.submitting import IMAGE
from tests.emulators.vertex import VertexEmulator
from tests.pipeline.lineage.rows import row, rows, squeezed
from tests.pipeline.vertex.judged_steps import (
    EDGE,
    STEPS,
    URLS,
    Steps,
    outputs,
    put_out,
    spec,
)
from tests.pipeline.vertex.verbs import Done, job_file, verb

COMMIT = "0123456789abcdef0123456789abcdef01234567"
REVISION = "37939412c6e399ca6efbe69b35dc3ca027544f61"
ENDPOINT = "projects/1/locations/us-central1/endpoints/pets"
PARAMETERS = {
    "data_root": {"stringValue": "gs://team/data"},
    "model": {"stringValue": "unet"},
    "epochs": {"intValue": "6"},
    "learning_rate": {"doubleValue": 0.004},
}
CONFIG = (
    '{"code_digest": "c0de", "training": {"recipe": "pets", "batch_size": 8, '
    '"class_names": ["pet", "background", "border"], '
    + ", ".join(
        f"\"{name}\": {quote}{{{{$.inputs.parameters['{name}']}}}}{quote}"
        for name, quote in (("model", '"'), ("epochs", ""), ("learning_rate", ""))
    )
    + "}}"
)


@pytest.fixture
def steps() -> Steps:
    return Steps(names=("ImportExampleGen", *STEPS))


@pytest.fixture
def runner(steps: Steps) -> Steps:
    """What the emulator runs jobs by; see the fixture `vertex`."""
    return steps


@pytest.fixture
def judged(steps: Steps, gcs: GcsEmulator, bucket: str, evaluations: Path) -> Callable[..., None]:
    """Has the steps of a job put out what they do of a model that is blessed or refused."""

    def put(name: str, job_id: str) -> None:
        folder = f"{bucket}/root/123/{job_id}"
        gcs.upload_tree(evaluations / name / "evaluation", f"{folder}/evaluation")
        steps.outputs = outputs(folder, name == "blessed")
        images = {"images_train": 600.0, "images_eval": 120.0, "images_calibration": 60.0}
        counted = {"digest": f"digest of {job_id}", **images}
        examples = put_out(f"{folder}/ImportExampleGen_1/examples", **counted)
        steps.outputs["ImportExampleGen"] = {"examples": [examples]}
        steps.outputs["Trainer"] = {"model": [put_out(f"{folder}/Trainer_2/model")]}
        if name == "blessed":
            [published] = steps.outputs["HFPusher"]["pushed_model"]
            published["metadata"] |= {"tag": f"v-{job_id}", "revision": REVISION}

    return put


@pytest.fixture
def submit(child: ChildProcess, vertex: VertexEmulator, tmp_path: Path) -> Callable[..., None]:
    """Submits a job, and waits for its end."""
    job = spec(("ImportExampleGen", *STEPS))
    types = {"stringValue": "STRING", "intValue": "INT", "doubleValue": "DOUBLE"}
    definitions = {
        name: {"type": types[kind]} for name, value in PARAMETERS.items() for kind in value
    }
    job["root"]["inputDefinitions"] = {"parameters": definitions}
    constant = {"runtimeValue": {"constantValue": {"stringValue": CONFIG}}}
    given = {name: {"componentInputParameter": name} for name in PARAMETERS}
    job["root"]["dag"]["tasks"]["Trainer"]["inputs"] = {
        "parameters": {"custom_config": constant, **given}
    }
    path = Path(job_file(tmp_path, job))
    whole = json.loads(path.read_text())
    whole["runtimeConfig"]["parameters"] = PARAMETERS
    whole["labels"] = {"commit": f"{COMMIT}-modified"}
    path.write_text(json.dumps(whole))

    def submitted(job_id: str) -> None:
        done = child(verb, "submit", "--spec", path, "--job-id", job_id)
        assert done.status == 0, done.error
        vertex.wait(job_id)

    return submitted


@pytest.fixture
def lineage(child: ChildProcess, vertex: VertexEmulator) -> Callable[..., Done]:
    def asked(name: str, *flags: str, **settings: object) -> Done:
        arguments = ("lineage", "--engine", "vertex", name, *flags)
        return child(verb, *arguments, **{"pipeline_name": "pets", **settings})

    return asked


def test_the_whole_chain_of_a_published_model(
    judged: Callable[..., None], submit: Callable[..., None], lineage: Callable[..., Done], bucket
) -> None:
    judged("blessed", "pets-1")
    submit("pets-1")
    done = lineage("pets-1")
    assert (done.status, done.error) == (0, "")
    folder = f"{bucket}/root/123/pets-1"
    begun = row(done.output, "begun")
    assert rows(done.output) == [
        ("data", "gs://team/data"),
        ("data digest", "digest of pets-1"),
        ("images, train", "600"),
        ("images, eval", "120"),
        ("images, calibration", "60"),
        ("trained by run", "pets-1"),
        ("begun", begun),
        ("git commit", f"{COMMIT}, modified"),
        ("image", IMAGE),
        ("recipe", "pets"),
        ("architecture", "unet"),
        ("settings", "batch_size 8, epochs 6, learning_rate 0.004"),
        ("learning code", "c0de"),
        ("model", f"{folder}/Trainer_2/model"),
        ("mean IoU", "1.000"),
        ("IoU, pet", "1.000"),
        ("IoU, background", "1.000"),
        ("IoU, border", "1.000"),
        ("verdict", "blessed"),
        ("edge model", EDGE),
        ("pushed to", f"{folder}/serving/1"),
        ("published", URLS["url"]),
        ("tag", "v-pets-1"),
        ("revision", REVISION),
        ("demo", URLS["space_url"]),
    ]
    for name in (
        "projects/demo-project/locations/us-central1/pipelineJobs/pets-1",
        f"{folder}/serving/1",
        "1",
        f"{folder}/Trainer_2/model",
        "v-pets-1",
        "v-pe",
        REVISION,
        REVISION[:7],
    ):
        assert rows(lineage(name).output) == rows(done.output), name


def test_a_reused_trainer_is_followed_to_the_job_that_trained(
    judged: Callable[..., None],
    submit: Callable[..., None],
    lineage: Callable[..., Done],
    steps: Steps,
    vertex: VertexEmulator,
) -> None:
    judged("blessed", "pets-1")
    [pushed] = steps.outputs["Pusher"]["pushed_model"]
    saved_model = pushed["metadata"].pop("pushed_destination")
    pushed["metadata"] |= {"saved_model": saved_model, "pushed_destination": ENDPOINT}
    steps.errors = {"EdgeExporter": "no memory"}  # after it was judged
    submit("pets-1")
    steps.errors, steps.cached = {}, {"ImportExampleGen", "Trainer", "Evaluator"}
    submit("pets-2")
    found = rows(lineage("pets-2").output)
    assert [value for name, value in found if name.endswith("by run")] == ["pets-1", "pets-2"]
    assert [name for name, _ in found].count("git commit") == 2
    assert ("data digest", "digest of pets-1") in found
    assert {("pushed to", saved_model), ("served by", ENDPOINT)} < set(found)
    assert rows(lineage("v-pets-1").output) == found

    failed = lineage("pets-1").output
    assert row(failed, "trained by run") == "pets-1"
    assert row(failed, "verdict") == "blessed: EdgeExporter failed: no memory"
    assert row(failed, "pushed to") == "nowhere"

    vertex.store.remove(vertex.job("pets-1").name)  # as jobs are deleted
    left = rows(lineage("pets-2").output)
    assert {("trained by run", "pets-1"), ("git commit", "not recorded")} < set(left)
    assert ("reused by run", "pets-2") in left


def test_a_refused_model_with_the_reasons(
    judged: Callable[..., None], submit: Callable[..., None], lineage: Callable[..., Done]
) -> None:
    judged("refused", "pets-1")
    submit("pets-1")
    output = lineage("pets-1").output
    reason = "refused: border IoU 0.000 is below 0.900; "
    assert squeezed(row(output, "verdict")).startswith(squeezed(reason))
    assert row(output, "pushed to") == "nowhere"
    assert "published" not in dict(rows(output))
    told = json.loads(lineage("pets-1", "--json").output)
    assert (told["verdict"], told["pushed"], told["publication"]) == ("refused", "", {})
    assert told["reasons"][0] == "border IoU 0.000 is below 0.900"
    assert told["examples"]["digest"] == "digest of pets-1"


def test_a_job_that_failed_before_there_was_a_model(
    submit: Callable[..., None], lineage: Callable[..., Done], steps: Steps
) -> None:
    steps.errors = {"Trainer": "The disk is full"}
    submit("pets-1")
    output = lineage("pets-1").output
    assert row(output, "run") == "pets-1"
    assert row(output, "model") == "none was trained"
    assert row(output, "verdict") == "not judged: Trainer failed: The disk is full"
    assert row(output, "data digest") == "not recorded"


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("v-0c8f0b8ef5ee", {}, "v-0c8f0b8ef5ee is no job, and no folder, version, tag or revision"),
        ("pets", {}, "pets may be any of these, so give more of the name: pets-1 (run pets-1), pe"),
        ("v-pets-1", {"pipeline_name": "cats"}, "has of the pipeline cats; set PIPELINE_NAME"),
        ("pets-1", {"google_cloud_project": ""}, "GOOGLE_CLOUD_PROJECT is not set"),
    ],
)
def test_a_mistake(
    submit: Callable[..., None],
    lineage: Callable[..., Done],
    name: str,
    settings: dict[str, str],
    message: str,
) -> None:
    submit("pets-1")
    submit("pets-2")
    done = lineage(name, **settings)
    assert (done.status, done.output) == (2, "")
    assert message in done.error
