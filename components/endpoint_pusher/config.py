"""Where and how a Vertex Endpoint serves: its settings, and what the executor is told of them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

_MODEL = "segmentation"  # TensorFlow Serving's name for the one model that it serves
_REST_PORT = 8501


class EndpointConfig(BaseModel):
    """The Endpoint's part of the settings."""

    model_config = ConfigDict(title="A Vertex Endpoint")

    endpoint_machine_type: str | None = Field(
        None,
        description="Machine of a Vertex Endpoint, such as n1-standard-2. Unset: models are pushed "
        "to SERVING_DIR only.",
    )
    endpoint_image: str | None = Field(
        None,
        description="Container image, in Artifact Registry, in which the Endpoint serves a "
        "SavedModel. Default: PIPELINE_IMAGE, with this project's own server.",
    )
    endpoint_server: Literal["vertex", "tensorflow-serving"] = Field(
        "vertex",
        description="What ENDPOINT_IMAGE has: vertex, a server that keeps to Vertex AI's contract, "
        "as Google's own images for TensorFlow do; tensorflow-serving, a copy of the image "
        "tensorflow/serving.",
    )
    endpoint_max_replicas: int = Field(1, gt=0, description="Machines under full load.")
    endpoint_traffic: int = Field(
        100,
        gt=0,
        le=100,
        description="Percentage of the requests that a new model answers; what served before "
        "answers the rest.",
    )


class Container(BaseModel):
    """In what a model is served, as Vertex AI is told; what is empty keeps to its contract.

    Attributes:
        image: in Artifact Registry.
        command: that starts the server; the image's own when empty.
        args: of the command; `$(NAME)` is a variable that Vertex AI sets.
        env: variables of the server.
        port: where it answers over HTTP.
        predict_route: path of predictions.
        health_route: path that answers 200 once the model is loaded.
        reads_versions: whether the server looks for the SavedModel in a folder that is named by a
            number, below the one that it is given.
    """

    image: str
    command: list[str] = []
    args: list[str] = []
    env: dict[str, str] = {}
    port: int | None = None
    predict_route: str = ""
    health_route: str = ""
    reads_versions: bool = False


def container(settings: EndpointConfig, own_image: str) -> Container:
    """Say how a model is served.

    Args:
        settings: of the Endpoint.
        own_image: this project's, whose server keeps to Vertex AI's contract.
    """
    image = settings.endpoint_image
    if image is None:
        return Container(image=own_image, command=["python", "-m", "pipeline", "serve"])
    if settings.endpoint_server == "vertex":
        return Container(image=image)
    return Container(
        image=image,
        command=["tensorflow_model_server"],
        args=[
            f"--rest_api_port={_REST_PORT}",
            f"--model_name={_MODEL}",
            "--model_base_path=$(AIP_STORAGE_URI)",
            # What is registered never changes: the folder is read once, not every second.
            "--file_system_poll_wait_seconds=0",
        ],
        env={"TF_CPP_MIN_LOG_LEVEL": "1"},
        port=_REST_PORT,
        predict_route=f"/v1/models/{_MODEL}:predict",
        health_route=f"/v1/models/{_MODEL}",
        reads_versions=True,
    )


class Deployment(BaseModel):
    """What the executor is told.

    Attributes:
        project: of Google Cloud.
        region: likewise.
        name: id of the endpoint and of the model in the registry.
        recipe: whose models they hold; a label of both.
        container: in which the model is served.
        machine_type: on which.
        max_replicas: machines under full load; there is always one.
        traffic: percentage of the requests that a new model answers.
        service_account: that the container acts as; the project's when None.
        encryption_key: of Cloud KMS, for model and endpoint; Google's when None.
    """

    project: str
    region: str
    name: str = Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")
    recipe: str
    container: Container
    machine_type: str
    max_replicas: int = 1
    traffic: int = 100
    service_account: str | None = None
    encryption_key: str | None = None
