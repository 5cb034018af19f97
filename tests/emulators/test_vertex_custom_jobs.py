"""Custom jobs of Vertex AI's emulator, as TFX's Trainer and google-cloud-aiplatform send them."""

import json
import time

import pytest
from google.cloud import aiplatform
from google.cloud.aiplatform import initializer, utils
from google.cloud.aiplatform_v1 import types

from tests.emulators.child import Refused
from tests.emulators.submitting import IMAGE
from tests.emulators.vertex import VertexEmulator

State = types.JobState
# Says in a file of its own what a replica was told.
REPORT = """
import json, os, sys
names = ("CLUSTER_SPEC", "TF_CONFIG", "AIP_MODEL_DIR", "CLOUD_ML_PROJECT_ID", "GREETING")
told = {name: os.environ.get(name) for name in names}
cluster = json.loads(told["CLUSTER_SPEC"] or "{}")
number = cluster.get("task", {"type": "alone", "index": 0})
print(sys.argv[2:])
with open(f"{sys.argv[1]}/{number['type']}-{number['index']}.json", "w") as target:
    json.dump(told, target)
"""


def pool(program: str, *arguments: str, **changes) -> dict:
    return {
        "machine_spec": {"machine_type": "n1-standard-4"},
        "replica_count": 1,
        "container_spec": {
            "image_uri": IMAGE,
            "command": ["python", "-c", program],
            "args": list(arguments),
        },
        **changes,
    }


def create(*pools: dict, **changes) -> str:
    """Sends a job as TFX's Trainer does, and returns its name."""
    client = initializer.global_config.create_client(utils.JobClientWithOverride)
    spec = {"worker_pool_specs": list(pools), **changes.pop("job_spec", {})}
    return client.create_custom_job(
        parent="projects/demo-project/locations/us-central1",
        custom_job={"display_name": "training", "job_spec": spec, **changes},
    ).name


def cancel(name: str) -> None:
    aiplatform.CustomJob.get(name).cancel()


def delete(name: str) -> None:
    aiplatform.CustomJob.get(name).delete()


def names(filter: str) -> list[str]:
    return [job.display_name for job in aiplatform.CustomJob.list(filter=filter)]


def ended(vertex: VertexEmulator, name: str):
    return vertex.wait(name.rpartition("/")[2], kind="customJobs")


def test_one_replica(vertex, cloud, bucket, tmp_path):
    output = {"base_output_directory": {"output_uri_prefix": f"{bucket}/out"}}
    worker = pool(REPORT, str(tmp_path), "--epochs", "3")
    worker["container_spec"]["env"] = [{"name": "GREETING", "value": "hello"}]
    name = cloud(create, worker, job_spec=output)
    job = ended(vertex, name)
    assert (job.state, job.error.message) == (State.JOB_STATE_SUCCEEDED, "")
    assert json.loads((tmp_path / "alone-0.json").read_text()) == {
        "CLUSTER_SPEC": None,
        "TF_CONFIG": None,
        "AIP_MODEL_DIR": f"{bucket}/out/model/",
        "CLOUD_ML_PROJECT_ID": "demo-project",
        "GREETING": "hello",
    }
    log = vertex.folder / "logs" / name.rpartition("/")[2] / "workerpool0-0.log"
    assert log.read_text() == "['--epochs', '3']\n"


def test_several_replicas(vertex, cloud, tmp_path):
    # The chief waits for what the others have to say: its end is theirs.
    chief = f"""{REPORT}
import time
while len(os.listdir(sys.argv[1])) < 4:
    time.sleep(0.02)
"""
    report = tmp_path / "report"
    report.mkdir()
    evaluator = pool(f"{REPORT}\nimport time; time.sleep(600)", str(report))
    name = cloud(
        create,
        pool(chief, str(report)),
        pool(REPORT, str(report), replica_count=2),
        {},
        evaluator,
    )
    assert ended(vertex, name).state == State.JOB_STATE_SUCCEEDED
    told = {path.stem: json.loads(path.read_text()) for path in report.iterdir()}
    cluster = json.loads(told["workerpool1-1"]["CLUSTER_SPEC"])
    config = json.loads(told["workerpool1-1"]["TF_CONFIG"])
    assert cluster["task"] == {"type": "workerpool1", "index": 1}
    assert config["task"] == {"type": "worker", "index": 1}
    found = {role: len(addresses) for role, addresses in config["cluster"].items()}
    assert found == {"chief": 1, "worker": 2, "evaluator": 1}
    assert config["cluster"]["worker"] == cluster["cluster"]["workerpool1"]


def test_replica_that_fails(vertex, cloud):
    name = cloud(create, pool("import time; time.sleep(600)"), pool("raise SystemExit('no data')"))
    job = ended(vertex, name)
    assert job.state == State.JOB_STATE_FAILED
    assert job.error.message.startswith(
        "The replica workerpool1-0 exited with a non-zero status of 1. "
        "Termination reason: Error.\nno data\n"
    )


def test_command_that_is_absent(vertex, cloud):
    worker = pool("")
    worker["container_spec"]["command"] = ["no-such-command"]
    job = ended(vertex, cloud(create, worker))
    assert "The replica workerpool0-0 could not be started" in job.error.message


def test_cancel(vertex, cloud):
    name = cloud(create, pool("import time; print('ready', flush=True); time.sleep(600)"))
    log = vertex.folder / "logs" / name.rpartition("/")[2] / "workerpool0-0.log"
    while not log.exists() or log.read_text() != "ready\n":
        time.sleep(0.02)
    assert vertex.custom_jobs[0].state == State.JOB_STATE_RUNNING
    with pytest.raises(Refused, match="cancel it first"):
        cloud(delete, name)
    cloud(cancel, name)
    assert ended(vertex, name).state == State.JOB_STATE_CANCELLED
    with pytest.raises(Refused, match="JOB_STATE_CANCELLED and cannot be cancelled"):
        cloud(cancel, name)
    cloud(delete, name)
    assert not vertex.custom_jobs


def test_job_interrupted_by_the_end(gcs, runner, vertex, cloud, tmp_path):
    cloud(create, pool("import time; time.sleep(600)"))
    vertex.close()
    with VertexEmulator(tmp_path / "vertex", gcs, runner) as again:
        (job,) = again.custom_jobs
    assert job.error.message == "The emulator ended while the job ran."


def test_list(vertex, cloud):
    cloud(create, pool("pass"), display_name="one", labels={"owner": "me"})
    cloud(create, pool("pass"), display_name="two")
    assert cloud(names, "labels.owner=me") == ["one"]
    assert cloud(names, 'display_name="two"') == ["two"]


@pytest.mark.parametrize(
    ("pools", "message"),
    [
        ([], "found 0, expected 1 to 4"),
        ([pool("", replica_count=2)], "expected 1, for the first pool is the chief"),
        ([pool("", replica_count=0)], "expected 1, for the first pool is the chief"),
        ([pool(""), pool("", replica_count=0)], r"worker_pool_specs\\[1\\].replica_count: found 0"),
        ([pool("", container_spec={"command": ["true"]})], "image_uri is required"),
        ([pool("", machine_spec={})], "machine_type is required"),
        (
            [pool("", machine_spec={"machine_type": "n1", "accelerator_count": 1})],
            "accelerator_type and accelerator_count go together",
        ),
        (
            [pool("", machine_spec={"machine_type": "n1", "accelerator_type": "NVIDIA_L4"})],
            "accelerator_type and accelerator_count go together",
        ),
    ],
)
def test_spec_that_does_not_hold(vertex, cloud, pools, message):
    with pytest.raises(Refused, match=message.replace("\\\\", "\\")) as refused:
        cloud(create, *pools)
    assert refused.value.kind == "InvalidArgument"
    assert not vertex.custom_jobs


def test_service_account(gcs, vertex, cloud):
    trainer = gcs.accounts.add("custom-trainer").email
    cloud(create, pool("pass"), job_spec={"service_account": trainer})
    nobody = "nobody@demo-project.iam.gserviceaccount.com"
    with pytest.raises(Refused, match=f"act as service account {nobody}"):
        cloud(create, pool("pass"), job_spec={"service_account": nobody})
