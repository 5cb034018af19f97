"""Vertex AI's part of the settings."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class VertexConfig(BaseModel):
    """Where on Google Cloud the graph runs, and on what machines."""

    model_config = ConfigDict(title="Vertex AI")

    google_cloud_project: str | None = Field(
        None,
        pattern=r"^[a-z][a-z0-9-]{4,28}[a-z0-9]$",
        description="Project of Google Cloud.",
    )
    google_cloud_region: str = Field(
        "us-central1", pattern=r"^[a-z]+-[a-z]+[0-9]+$", description="Region of Google Cloud."
    )
    pipeline_image: Annotated[str, Field(pattern=r"^[^\s@]+@sha256:[0-9a-f]{64}$")] | None = Field(
        None,
        description="Container image of every step, by digest: NAME@sha256:… A tag may move, and "
        "what Vertex has cached would then be of another image.",
    )
    service_account: str | None = Field(
        None,
        pattern=r"^[^@\s]+@[^@\s]+\.iam\.gserviceaccount\.com$",
        description="Service account that the steps act as. Default: the project's.",
    )
    vpc_network: str | None = Field(
        None,
        pattern=r"^projects/[0-9]+/global/networks/[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        description="Network that steps and training are peered with: "
        "projects/NUMBER/global/networks/NAME. Unset: none.",
    )
    encryption_key: str | None = Field(
        None,
        pattern=r"^projects/[^/\s]+/locations/[^/\s]+/keyRings/[^/\s]+/cryptoKeys/[^/\s]+$",
        description="Key of Cloud KMS for jobs, models and Endpoint: "
        "projects/PROJECT/locations/REGION/keyRings/RING/cryptoKeys/KEY. Default: Google's.",
    )
    use_dataflow: bool = Field(False, description="Run the data steps on Dataflow.")
    dataflow_machine_type: str | None = Field(
        None,
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)+$",
        description="Machine of Dataflow's workers, such as n1-standard-4. Default: its own "
        "choice.",
    )
    dataflow_disk_gb: int | None = Field(
        None, gt=0, description="Disk of each of Dataflow's workers, GB. Default: its own choice."
    )
    dataflow_max_workers: int | None = Field(
        None, gt=0, description="The most workers of each Dataflow job. Default: its own choice."
    )
    dataflow_subnetwork: str | None = Field(
        None,
        pattern=r"^(https://www\.googleapis\.com/compute/v1/projects/[^/\s]+/)?"
        r"regions/[^/\s]+/subnetworks/[^/\s]+$",
        description="Subnetwork of Dataflow's workers: regions/REGION/subnetworks/NAME, or its "
        "whole URL where another project shares it. Default: the network `default`.",
    )
    training_machine_type: str | None = Field(
        None,
        description="Machine of Vertex Training, such as n1-standard-8. Unset: the Trainer trains "
        "in its own step.",
    )
    training_accelerator: str | None = Field(
        None, description="GPU of the Trainer, such as NVIDIA_TESLA_T4."
    )
    training_accelerator_count: int = Field(1, gt=0, description="GPUs of each machine.")
    training_replicas: int = Field(
        1, gt=0, description="Machines that train together; more than one on Vertex Training only."
    )
    training_spot: bool = Field(
        False, description="Train on spot machines; what is taken away goes on from its last epoch."
    )
