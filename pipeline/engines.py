"""What differs between the places where the graph runs."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tfx.components
from ml_metadata.proto import metadata_store_pb2
from tfx.proto import pusher_pb2

from components.serving_pusher.component import Pusher
from pipeline.baseline import other_blessed_model
from pipeline.configs import Settings
from pipeline.runs.store import metadata_path

LOCAL_BEAM_ARGS = [
    "--runner=DirectRunner",
    # Beam's own choice, Prism, is a binary that it downloads.
    "--direct_running_mode=in_memory",
    # No container is started; but where none is named, TFX packs itself again in every step, for
    # workers elsewhere.
    "--sdk_container_image=none",
    # What Beam would infer of TFX's own graphs takes a fifth of a small step's processor time.
    "--no_pipeline_type_check",
]


@dataclass(frozen=True)
class Engine:
    """What `create_pipeline` takes from the place where its graph will run.

    Attributes:
        pipeline_root: where artifacts go.
        metadata_connection_config: the MLMD store; None where the service keeps its own.
        beam_pipeline_args: how Beam runs the data steps.
        trainer: makes the Trainer component from its arguments.
        blessed_model: makes the Resolver of the model that a `candidate` is compared with.
        pusher: makes the Pusher component from its arguments.
    """

    pipeline_root: str
    metadata_connection_config: metadata_store_pb2.ConnectionConfig | None
    beam_pipeline_args: list[str]
    trainer: Callable[..., Any]
    blessed_model: Callable[..., Any]
    pusher: Callable[..., Any]


def local_engine(settings: Settings) -> Engine:
    """Everything in this process, metadata in SQLite, models pushed to a folder."""
    return Engine(
        pipeline_root=str(Path(settings.pipeline_root).resolve()),
        # TFX's own helper makes the folder, before anything has checked that it can be made.
        metadata_connection_config=metadata_store_pb2.ConnectionConfig(
            sqlite=metadata_store_pb2.SqliteMetadataSourceConfig(
                filename_uri=str(metadata_path(settings)),
                connection_mode=metadata_store_pb2.SqliteMetadataSourceConfig.READWRITE_OPENCREATE,
            )
        ),
        beam_pipeline_args=LOCAL_BEAM_ARGS,
        trainer=tfx.components.Trainer,
        blessed_model=other_blessed_model,
        pusher=folder_pusher(settings, str(Path(settings.serving_dir).resolve())),
    )


def folder_pusher(settings: Settings, base_directory: str) -> Callable[..., Pusher]:
    """Make a Pusher from its arguments, to a folder of versions for a server to read."""
    recipe = settings.load_recipe()
    return functools.partial(
        Pusher,
        push_destination=filesystem(base_directory),
        custom_config={"recipe": recipe.name, "promotion": recipe.promotion},
    )


def filesystem(base_directory: str) -> pusher_pb2.PushDestination:
    """Return a folder of versions as the destination of a push."""
    return pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=base_directory)
    )
