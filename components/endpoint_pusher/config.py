"""Where and how a Vertex Endpoint serves: its settings, and what the executor is told of them."""

from pydantic import BaseModel, Field


class EndpointConfig(BaseModel):
    """The Endpoint's part of the settings."""

    endpoint_machine_type: str | None = Field(
        None,
        description="Machine of a Vertex Endpoint, such as n1-standard-2. Unset: models are pushed "
        "to SERVING_DIR only.",
    )
    endpoint_image: str | None = Field(
        None,
        description="Container image in which the Endpoint serves a SavedModel: Vertex AI's own "
        "for TensorFlow, or one of yours that keeps to the same contract.",
    )
    endpoint_max_replicas: int = Field(1, gt=0, description="Machines under full load.")
    endpoint_traffic: int = Field(
        100,
        gt=0,
        le=100,
        description="Percentage of the requests that a new model answers; what served before "
        "answers the rest.",
    )


class Deployment(BaseModel):
    """What the executor is told.

    Attributes:
        project: of Google Cloud.
        region: likewise.
        name: id of the endpoint and of the model in the registry.
        image: in which the model is served.
        machine_type: on which.
        max_replicas: machines under full load; there is always one.
        traffic: percentage of the requests that a new model answers.
        service_account: that the container acts as; the project's when None.
        encryption_key: of Cloud KMS, for model and endpoint; Google's when None.
    """

    project: str
    region: str
    name: str = Field(pattern=r"^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$")
    image: str
    machine_type: str
    max_replicas: int = 1
    traffic: int = 100
    service_account: str | None = None
    encryption_key: str | None = None
