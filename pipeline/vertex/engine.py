"""What is Vertex AI's own in the graph: places, Beam's runner, the Trainer's machines."""

import functools
from collections.abc import Callable
from typing import Any

import tfx.components
from tfx.dsl.components.common.resolver import Resolver
from tfx.dsl.input_resolution.strategies.latest_blessed_model_strategy import (
    LatestBlessedModelStrategy,
)
from tfx.extensions.google_cloud_ai_platform import constants
from tfx.extensions.google_cloud_ai_platform.trainer import executor as vertex_trainer
from tfx.types import standard_artifacts
from tfx.types.channel import BaseChannel, Channel

from components.endpoint_pusher.component import Pusher as EndpointPusher
from components.endpoint_pusher.config import Deployment, container
from components.vertex_trainer.component import Trainer
from pipeline.configs import Settings
from pipeline.engines import LOCAL_BEAM_ARGS, Engine, filesystem, folder_pusher
from pipeline.vertex.names import DATAFLOW_LABEL_ARGUMENT
from pipeline.vertex.recorded import environment
from pipeline.vertex.requirements import require


def vertex_engine(settings: Settings) -> Engine:
    """Artifacts in Cloud Storage, metadata kept by the service.

    Asks nothing of the network, and needs no credentials.

    Raises:
        ValueError: with everything that is missing or wrong in the settings, and the cure.
    """
    require(settings)
    return Engine(
        pipeline_root=settings.pipeline_root.rstrip("/"),
        metadata_connection_config=None,
        beam_pipeline_args=_dataflow_args(settings) if settings.use_dataflow else LOCAL_BEAM_ARGS,
        trainer=functools.partial(_training_job, settings)
        if settings.training_machine_type
        else tfx.components.Trainer,
        blessed_model=_latest_blessed_model,
        pusher=_pusher(settings),
    )


def _latest_blessed_model(
    candidate: BaseChannel, model: BaseChannel, pushed_model: BaseChannel
) -> Resolver:
    """Vertex AI's own way to resolve it, which knows of no candidate.

    TFX compiles none but the query for a ModelBlessing; `spec.amended` makes it one for what was
    pushed.
    """
    return Resolver(
        strategy_class=LatestBlessedModelStrategy,
        model=model,
        model_blessing=Channel(type=standard_artifacts.ModelBlessing),
    )


def _pusher(settings: Settings) -> Callable[..., Any]:
    base_directory, recipe = settings.serving_dir.rstrip("/"), settings.load_recipe()
    if not settings.endpoint_machine_type or recipe.promotion == "manual":
        return folder_pusher(settings, base_directory)
    deployment = Deployment(
        project=settings.google_cloud_project or "",
        region=settings.google_cloud_region,
        name=settings.name_pipeline()[:63].rstrip("-"),
        recipe=recipe.name,
        container=container(settings, settings.pipeline_image or ""),
        machine_type=settings.endpoint_machine_type,
        max_replicas=settings.endpoint_max_replicas,
        traffic=settings.endpoint_traffic,
        service_account=settings.service_account,
        encryption_key=settings.encryption_key,
    )
    custom_config = {"deployment": deployment.model_dump(mode="json")}
    return functools.partial(
        EndpointPusher,
        push_destination=filesystem(base_directory),
        custom_config=custom_config,
    )


def _dataflow_args(settings: Settings) -> list[str]:
    options = {
        "--service_account_email": settings.service_account,
        "--worker_machine_type": settings.dataflow_machine_type,
        "--disk_size_gb": settings.dataflow_disk_gb,
        "--max_num_workers": settings.dataflow_max_workers,
        "--subnetwork": settings.dataflow_subnetwork,
        "--dataflow_kms_key": settings.encryption_key,
    }
    return [
        "--runner=DataflowRunner",
        f"--project={settings.google_cloud_project}",
        f"--region={settings.google_cloud_region}",
        f"--temp_location={settings.pipeline_root.rstrip('/')}/dataflow",
        f"--sdk_container_image={settings.pipeline_image}",
        "--experiments=use_runner_v2",
        DATAFLOW_LABEL_ARGUMENT,
        *(f"{option}={value}" for option, value in options.items() if value is not None),
    ]


def _training_job(settings: Settings, custom_config: dict[str, Any], **arguments: Any) -> Trainer:
    """Return a Trainer that waits for a job of Vertex Training, which does the training."""
    machine: dict[str, Any] = {"machine_type": settings.training_machine_type}
    if settings.training_accelerator:
        machine["accelerator_type"] = settings.training_accelerator
        machine["accelerator_count"] = settings.training_accelerator_count

    env = {"env": variables} if (variables := environment(settings)) else {}

    def pool(replicas: int) -> dict[str, Any]:
        return {
            "machine_spec": machine,
            "replica_count": replicas,
            "container_spec": {"image_uri": settings.pipeline_image, **env},
        }

    replicas = settings.training_replicas
    # The first pool is the chief's; TF_CONFIG tells the others, which makes them train together.
    job_spec: dict[str, Any] = {
        "worker_pool_specs": [pool(1), *([pool(replicas - 1)] if replicas > 1 else [])]
    }
    if settings.service_account:
        job_spec["service_account"] = settings.service_account
    if settings.vpc_network:
        job_spec["network"] = settings.vpc_network
    # What a machine that is taken away has done is not lost: all go on from the last epoch.
    job_spec["scheduling"] = {"restart_job_on_worker_restart": True}
    if settings.training_spot:
        job_spec["scheduling"]["strategy"] = "SPOT"
    training: dict[str, Any] = {
        "project": settings.google_cloud_project,
        "display_name": f"{settings.name_pipeline()}-trainer",
        "job_spec": job_spec,
    }
    if settings.encryption_key:
        training["encryption_spec"] = {"kms_key_name": settings.encryption_key}
    return Trainer(
        custom_config={
            **custom_config,
            constants.ENABLE_VERTEX_KEY: True,
            constants.VERTEX_REGION_KEY: settings.google_cloud_region,
            vertex_trainer.TRAINING_ARGS_KEY: training,
        },
        **arguments,
    )
