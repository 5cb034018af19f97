"""What a run on Vertex AI needs to be set."""

import re
from collections.abc import Iterator

from models.backbones.weights import IMAGENET, NONE
from pipeline.configs import Settings
from pipeline.vertex.machines import check_accelerator
from pipeline.vertex.names import LONGEST_LABEL
from tfrecords.errors import listed

# `tfx run create` adds a hyphen and 14 digits to the pipeline's name.
_LONGEST_LABELLED = LONGEST_LABEL - 15
_OF_DATAFLOW = (
    "dataflow_machine_type",
    "dataflow_disk_gb",
    "dataflow_max_workers",
    "dataflow_subnetwork",
)
_PLACES = ("pipeline_root", "data_root", "serving_dir")
_BUCKET_PATH = re.compile(r"gs://[a-z0-9][a-z0-9._-]{1,61}[a-z0-9](/.+)?")

_PULLED = re.compile(r"([a-z0-9-]+-docker\.pkg\.dev|([a-z]+\.)?gcr\.io)/")
_PREBUILT = re.compile(r"[a-z]+-docker\.pkg\.dev/vertex-ai(-restricted)?/")


def require(settings: Settings) -> None:
    """Look at the settings alone, not at what they name.

    Raises:
        ValueError: with everything that is missing or wrong, and the cure.
    """
    problems = list(_problems(settings))
    if problems:
        raise ValueError(listed("The pipeline cannot run on Vertex AI:", problems))


def require_what_tfx_submits(settings: Settings) -> None:
    """Refuse what `tfx run create`, which reads the compiled job, does not submit with it.

    Raises:
        ValueError: it is set.
    """
    lost = [name.upper() for name in ("vpc_network", "encryption_key") if getattr(settings, name)]
    if lost:
        raise ValueError(
            f"`tfx run create` submits a job without {' and '.join(lost)}; submit it with "
            "`visionpipe submit`, or unset what it would lack."
        )


def _problems(settings: Settings) -> Iterator[str]:
    for name in _PLACES:
        value = getattr(settings, name)
        if not _BUCKET_PATH.fullmatch(value):
            yield (
                f"{name.upper()}={value} is no place in Cloud Storage; set it to gs://BUCKET/FOLDER."
            )
    if settings.hyperparameters and not settings.hyperparameters.startswith("gs://"):
        yield (
            f"HYPERPARAMETERS={settings.hyperparameters} is on this machine; copy it to Cloud "
            "Storage and name it as gs://BUCKET/FOLDER."
        )
    recipe = settings.load_recipe()
    weights = recipe.encoder_weights
    if weights not in (IMAGENET, NONE) and not weights.startswith("gs://"):
        yield (
            f"ENCODER_WEIGHTS={weights} is on this machine; copy it to Cloud Storage and name it "
            f"as gs://BUCKET/PATH, or set {IMAGENET} or {NONE}."
        )
    try:
        check_accelerator(
            settings.training_machine_type,
            settings.training_accelerator,
            settings.training_accelerator_count,
        )
    except ValueError as error:
        yield str(error)
    if not settings.pipeline_image:
        yield "PIPELINE_IMAGE is not set; name the steps' container image by its digest."
    if not settings.google_cloud_project:
        for name in ("use_dataflow", "training_machine_type", "endpoint_machine_type"):
            if getattr(settings, name):
                yield f"{name.upper()} needs GOOGLE_CLOUD_PROJECT, which is not set."
    yield from _network_problems(settings)
    if not settings.use_dataflow:
        for name in _OF_DATAFLOW:
            if getattr(settings, name):
                yield f"{name.upper()} needs USE_DATAFLOW, which is not set."
    elif len(name := settings.name_pipeline()) > _LONGEST_LABELLED:
        yield (
            f"PIPELINE_NAME={name} has {len(name)} characters; with USE_DATAFLOW it has "
            f"{_LONGEST_LABELLED} at most, for the job's id, which begins with it, is a label of "
            "the Dataflow jobs."
        )
    yield from _image_problems(settings)
    if settings.mlflow_names_user:
        yield (
            "MLFLOW_TRACKING_URI has a user in it, which every job would show: put user and "
            "password into Secret Manager, and set MLFLOW_USERNAME_SECRET and "
            "MLFLOW_PASSWORD_SECRET to projects/PROJECT/secrets/SECRET."
        )
    if settings.training_replicas > 1 and not settings.training_machine_type:
        yield (
            f"TRAINING_REPLICAS={settings.training_replicas} needs Vertex Training: set "
            "TRAINING_MACHINE_TYPE."
        )


def _network_problems(settings: Settings) -> Iterator[str]:
    """Yield what would not be in the network or under the key that all is to be in and under."""
    region = settings.google_cloud_region
    if settings.vpc_network and settings.use_dataflow and not settings.dataflow_subnetwork:
        yield (
            "VPC_NETWORK with USE_DATAFLOW needs DATAFLOW_SUBNETWORK, which is not set: name the "
            "network's subnetwork in which the workers run."
        )
    if settings.vpc_network and settings.endpoint_machine_type:
        yield (
            "VPC_NETWORK does not go with ENDPOINT_MACHINE_TYPE: an Endpoint in a network serves "
            "one model only, so that no new one can take over; unset one of both."
        )
    for name, part in (("dataflow_subnetwork", "regions"), ("encryption_key", "locations")):
        value = getattr(settings, name)
        if value and f"{part}/{region}/" not in value:
            yield (
                f"{name.upper()}={value} is not in {region}, where the jobs run; name one of "
                "GOOGLE_CLOUD_REGION."
            )


def _image_problems(settings: Settings) -> Iterator[str]:
    image = settings.endpoint_image
    if not image:
        if settings.endpoint_server == "tensorflow-serving":
            yield (
                "ENDPOINT_SERVER=tensorflow-serving needs ENDPOINT_IMAGE, which is not set: name a "
                "copy of the image tensorflow/serving, or unset both for this project's server."
            )
        return
    if not _PULLED.match(image):
        yield (
            f"ENDPOINT_IMAGE={image} is not in Artifact Registry, from which alone an Endpoint "
            "takes images; copy it there and name it as "
            "REGION-docker.pkg.dev/PROJECT/REPOSITORY/NAME."
        )
    if settings.endpoint_server == "tensorflow-serving" and _PREBUILT.match(image):
        yield (
            f"ENDPOINT_IMAGE={image} is Google's own and keeps to Vertex AI's contract; set "
            "ENDPOINT_SERVER=vertex, or name a copy of the image tensorflow/serving."
        )
