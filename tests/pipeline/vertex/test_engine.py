"""What the Vertex engine makes of settings, and what it refuses."""

import json

import pytest
from apache_beam.options.pipeline_options import GoogleCloudOptions, PipelineOptions, WorkerOptions
from apache_beam.portability.api import beam_runner_api_pb2
from apache_beam.runners.dataflow.internal.apiclient import Job
from tfx.orchestration.pipeline import Pipeline

from components.settings import SettingsError
from pipeline.configs import load_settings
from pipeline.engines import LOCAL_BEAM_ARGS, local_engine
from pipeline.pipeline import create_pipeline
from pipeline.vertex.engine import vertex_engine
from tests.pipeline.test_pipeline import edges
from tests.pipeline.vertex.conftest import IMAGE, KEY, NETWORK, VERTEX


def graph_of(**overrides: object) -> Pipeline:
    settings = load_settings(env_file="none", **{**VERTEX, **overrides})
    return create_pipeline(settings.load_recipe(), vertex_engine(settings), settings)


def training_job(graph: Pipeline) -> dict:
    [trainer] = [component for component in graph.components if component.id == "Trainer"]
    return json.loads(trainer.exec_properties["custom_config"])["ai_platform_training_args"]


BATCHES = "--notfxio_use_byte_size_batching"


@pytest.mark.parametrize(
    "overrides",
    [
        {},
        {"hf_repo_id": "demo/pets"},
        {"lakefs_repository": "models", "hf_repo_id": "demo/pets"},
        {"tune": True},
        {"training_machine_type": "n1-standard-8", "google_cloud_project": "demo-project"},
        {"use_dataflow": True, "google_cloud_project": "demo-project"},
        {"recipe": "cifar10", "tune": True, "hf_repo_id": "demo/cifar10"},
    ],
    ids=str,
)
def test_both_engines_have_the_same_nodes_and_edges(overrides: dict[str, object]) -> None:
    settings = load_settings(env_file="none", **overrides)
    local = create_pipeline(settings.load_recipe(), local_engine(settings), settings)
    assert edges(graph_of(**overrides)) == edges(local)


def test_everything_lies_in_the_bucket() -> None:
    graph = graph_of()
    assert graph.pipeline_info.pipeline_root == "gs://demo-bucket/pipeline"
    assert graph.beam_pipeline_args == [*LOCAL_BEAM_ARGS, BATCHES]


def test_dataflow_runs_the_data_steps_in_the_same_image() -> None:
    graph = graph_of(
        use_dataflow=True,
        google_cloud_project="demo-project",
        google_cloud_region="europe-west4",
        service_account="runner@demo-project.iam.gserviceaccount.com",
    )
    assert set(graph.beam_pipeline_args) == {
        "--runner=DataflowRunner",
        "--project=demo-project",
        "--region=europe-west4",
        "--temp_location=gs://demo-bucket/pipeline/dataflow",
        f"--sdk_container_image={IMAGE}",
        "--experiments=use_runner_v2",
        "--labels=vertex-pipeline-job={{$.pipeline_job_name}}",
        "--service_account_email=runner@demo-project.iam.gserviceaccount.com",
        BATCHES,
    }


def test_beam_reads_whose_job_it_is_and_what_workers_it_may_have() -> None:
    graph = graph_of(
        use_dataflow=True,
        google_cloud_project="demo-project",
        dataflow_machine_type="n1-highmem-4",
        dataflow_disk_gb=60,
        dataflow_max_workers=8,
    )
    # As the service fills the placeholder in.
    told = [text.replace("{{$.pipeline_job_name}}", "pets-1") for text in graph.beam_pipeline_args]
    job = Job(PipelineOptions(told), beam_runner_api_pb2.Pipeline()).proto
    assert dict(job.labels) == {"vertex-pipeline-job": "pets-1"}
    workers = PipelineOptions(told).view_as(WorkerOptions)
    assert (workers.machine_type, workers.disk_size_gb, workers.max_num_workers) == (
        "n1-highmem-4",
        60,
        8,
    )


def test_a_training_of_several_spot_machines() -> None:
    job = training_job(
        graph_of(
            google_cloud_project="demo-project",
            service_account="runner@demo-project.iam.gserviceaccount.com",
            training_machine_type="n1-standard-8",
            training_accelerator="NVIDIA_TESLA_T4",
            training_accelerator_count=2,
            training_replicas=3,
            training_spot=True,
        )
    )
    assert job["project"] == "demo-project"
    spec = job["job_spec"]
    assert spec["service_account"] == "runner@demo-project.iam.gserviceaccount.com"
    assert spec["scheduling"]["strategy"] == "SPOT"
    chief, workers = spec["worker_pool_specs"]
    assert (chief["replica_count"], workers["replica_count"]) == (1, 2)
    assert chief["machine_spec"] == {
        "machine_type": "n1-standard-8",
        "accelerator_type": "NVIDIA_TESLA_T4",
        "accelerator_count": 2,
    }
    assert workers["container_spec"] == {"image_uri": IMAGE}


def test_network_and_key_reach_training_and_dataflow() -> None:
    graph = graph_of(
        google_cloud_project="demo-project",
        training_machine_type="n1-standard-8",
        use_dataflow=True,
        vpc_network=NETWORK,
        dataflow_subnetwork="regions/us-central1/subnetworks/workers",
        encryption_key=KEY,
    )
    job = training_job(graph)
    assert job["job_spec"]["network"] == NETWORK
    assert job["encryption_spec"] == {"kms_key_name": KEY}
    options = PipelineOptions(graph.beam_pipeline_args)
    assert options.view_as(WorkerOptions).subnetwork == "regions/us-central1/subnetworks/workers"
    assert options.view_as(GoogleCloudOptions).dataflow_kms_key == KEY


def test_the_key_reaches_the_endpoint() -> None:
    graph = graph_of(
        google_cloud_project="demo-project",
        endpoint_machine_type="n1-standard-2",
        endpoint_image=IMAGE,
        encryption_key=KEY,
    )
    [pusher] = [component for component in graph.components if component.id == "Pusher"]
    told = json.loads(pusher.exec_properties["custom_config"])["deployment"]
    assert told["encryption_key"] == KEY


@pytest.mark.parametrize(
    ("server", "port"), [("vertex", None), ("tensorflow-serving", 8501)], ids=str
)
def test_the_pusher_is_told_how_the_image_serves(server: str, port: int | None) -> None:
    image = "europe-docker.pkg.dev/demo-project/images/serving:1"
    graph = graph_of(
        google_cloud_project="demo-project",
        endpoint_machine_type="n1-standard-2",
        endpoint_image=image,
        endpoint_server=server,
    )
    [pusher] = [component for component in graph.components if component.id == "Pusher"]
    told = json.loads(pusher.exec_properties["custom_config"])["deployment"]["container"]
    assert (told["image"], told["port"]) == (image, port)


def test_without_an_image_the_pipelines_own_serves() -> None:
    graph = graph_of(google_cloud_project="demo-project", endpoint_machine_type="n1-standard-2")
    [pusher] = [component for component in graph.components if component.id == "Pusher"]
    told = json.loads(pusher.exec_properties["custom_config"])["deployment"]["container"]
    assert told["image"] == VERTEX["pipeline_image"]
    assert told["command"] == ["python", "-m", "pipeline", "serve"]
    assert not told["port"] and not told["predict_route"]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            {"endpoint_machine_type": "n1-standard-2", "endpoint_server": "tensorflow-serving"},
            "ENDPOINT_SERVER=tensorflow-serving needs ENDPOINT_IMAGE",
        ),
        ({"pipeline_root": "output"}, "PIPELINE_ROOT=output is no place in Cloud Storage"),
        ({"data_root": "gs:///data"}, "DATA_ROOT=gs:///data is no place in Cloud Storage"),
        ({"serving_dir": "gs://"}, "SERVING_DIR=gs:// is no place in Cloud Storage"),
        ({"pipeline_image": None}, "PIPELINE_IMAGE is not set"),
        ({"use_dataflow": True}, "USE_DATAFLOW needs GOOGLE_CLOUD_PROJECT"),
        (
            {"mlflow_tracking_uri": "https://team:pass@mlflow.example"},
            "MLFLOW_TRACKING_URI has a user in it, which every job would show: put user and",
        ),
        ({"dataflow_machine_type": "n1-standard-4"}, "DATAFLOW_MACHINE_TYPE needs USE_DATAFLOW"),
        (
            {"vpc_network": NETWORK, "use_dataflow": True},
            "VPC_NETWORK with USE_DATAFLOW needs DATAFLOW_SUBNETWORK",
        ),
        (
            {"vpc_network": NETWORK, "endpoint_machine_type": "n1-standard-2"},
            "VPC_NETWORK does not go with ENDPOINT_MACHINE_TYPE",
        ),
        (
            {"encryption_key": KEY, "google_cloud_region": "europe-west4"},
            "ENCRYPTION_KEY=.* is not in europe-west4, where the jobs run",
        ),
        (
            {"use_dataflow": True, "dataflow_subnetwork": "regions/us-east1/subnetworks/workers"},
            "DATAFLOW_SUBNETWORK=.* is not in us-central1, where the jobs run",
        ),
        (
            {"dataflow_subnetwork": "regions/us-central1/subnetworks/workers"},
            "DATAFLOW_SUBNETWORK needs USE_DATAFLOW",
        ),
        ({"dataflow_disk_gb": 60}, "DATAFLOW_DISK_GB needs USE_DATAFLOW"),
        ({"dataflow_max_workers": 8}, "DATAFLOW_MAX_WORKERS needs USE_DATAFLOW"),
        (
            {"use_dataflow": True, "pipeline_name": "p" * 49},
            "PIPELINE_NAME=p+ has 49 characters; with USE_DATAFLOW it has 48 at most",
        ),
        ({"training_machine_type": "n1"}, "TRAINING_MACHINE_TYPE needs GOOGLE_CLOUD_PROJECT"),
        ({"training_replicas": 2}, "TRAINING_REPLICAS=2 needs Vertex Training"),
        ({"hyperparameters": "output/found"}, "HYPERPARAMETERS=output/found is on this machine"),
        ({"encoder_weights": "my.h5"}, "ENCODER_WEIGHTS=my.h5 is on this machine"),
        ({"training_accelerator": "T4"}, "TRAINING_ACCELERATOR=T4 is unknown"),
        (
            {"endpoint_image": "tensorflow/serving:2.21.0"},
            "ENDPOINT_IMAGE=tensorflow/serving:2.21.0 is not in Artifact Registry",
        ),
        (
            {
                "endpoint_image": "us-docker.pkg.dev/vertex-ai/prediction/tf2-cpu.2-15:latest",
                "endpoint_server": "tensorflow-serving",
            },
            "tf2-cpu.2-15:latest is Google's own .* set ENDPOINT_SERVER=vertex",
        ),
    ],
)
def test_what_is_missing_is_named(overrides: dict[str, object], message: str) -> None:
    settings = load_settings(env_file="none", **{**VERTEX, **overrides})
    with pytest.raises(ValueError, match=message):
        vertex_engine(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("pipeline_image", "gcr.io/demo/image:latest"),
        ("google_cloud_project", "Demo Project"),
        ("google_cloud_region", "europe"),
        ("service_account", "me"),
        ("vpc_network", "vpc"),
        ("vpc_network", "projects/demo-project/global/networks/vpc"),
        ("encryption_key", "key"),
        ("dataflow_subnetwork", "workers"),
        ("dataflow_max_workers", "0"),
    ],
)
def test_a_value_that_the_service_would_refuse(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name.upper()):
        load_settings(env_file="none", **{**VERTEX, name: value})
