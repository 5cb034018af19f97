"""The only definition of the graph."""

from typing import Any

import tfx.components

# isort: split
import tensorflow_data_validation as tfdv  # which comes in after TFX alone
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.components.common.importer import Importer
from tfx.orchestration.pipeline import Pipeline
from tfx.proto import example_gen_pb2, trainer_pb2
from tfx.types import standard_artifacts
from tfx.types.channel import Channel

from components.digest import code_digest
from components.edge_exporter.component import EdgeExporter
from components.evaluator.component import Evaluator
from components.example_gen.component import ImportExampleGen
from components.hf_pusher.component import HFPusher
from components.lakefs_pusher.component import LakeFSPusher
from components.model_validator.component import ModelValidator
from components.schema_gen.component import ImportSchemaGen
from models import preprocessing
from models.registry import load_task
from models.task import Task
from pipeline import evaluation
from pipeline.configs import Settings
from pipeline.engines import Engine
from pipeline.recipe import Recipe
from pipeline.schema import examples_schema
from pipeline.tuned import imported_hyperparameters

# TFX sets this flag of TFX-BSL for its whole process; steps on Vertex AI take it without a value.
# Statistics are of 20 MB of records at a time: of up to 1,000 records they took the more memory the
# more there were. A model would not find room for so many images, so other steps take as many as
# they work off in a second.
_BATCHES_BY_BYTES = "tfxio_use_byte_size_batching"


def create_pipeline(recipe: Recipe, engine: Engine, settings: Settings) -> Pipeline:
    """Build the graph, the same for every engine.

    Args:
        recipe: what is trained on what, and the gate.
        engine: what differs between the places where the graph runs.
        settings: names and places.

    Raises:
        ValueError: the settings name hyperparameters that cannot be used.
    """
    code = {"code_digest": code_digest(recipe.task)}
    data_version = settings.data_version or ""
    training = recipe.training_config().model_copy(update={"data_version": data_version})

    example_gen = ImportExampleGen(
        input_base=settings.data_root,
        input_config=example_gen_pb2.Input(
            splits=[
                example_gen_pb2.Input.Split(name=name, pattern=pattern)
                for name, pattern in recipe.split_patterns.items()
            ]
        ),
        data_version=data_version,
    )
    statistics_gen = tfx.components.StatisticsGen(
        examples=example_gen.outputs["examples"],
        stats_options=tfdv.StatsOptions(schema=encoded_images(load_task(recipe.task))),
    ).with_beam_pipeline_args([f"--{_BATCHES_BY_BYTES}"])
    schema_gen = ImportSchemaGen(
        schema=examples_schema(recipe.slices, load_task(recipe.task).label_type)
    )
    example_validator = tfx.components.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    transform = tfx.components.Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="models.preprocessing.preprocessing_fn",
        materialize=False,  # materialised pixels would take twenty times the JPEGs' room
        disable_statistics=True,  # there is nothing to learn from histograms of pixels
        custom_config={"image_size": training.image_size, "task": training.task, **code},
    )
    training_properties = {"training": training.model_dump(mode="json"), **code}
    splits: dict[str, Any] = {
        "train_args": trainer_pb2.TrainArgs(splits=["train"]),
        "eval_args": trainer_pb2.EvalArgs(splits=["eval"]),
    }
    hyperparameters = _imported(settings, recipe)
    if settings.tune:
        hyperparameters = tfx.components.Tuner(
            tuner_fn="models.tuning.tuner_fn",
            examples=example_gen.outputs["examples"],
            transform_graph=transform.outputs["transform_graph"],
            **splits,
            custom_config={
                **training_properties,
                **recipe.model_dump(mode="json", include={"search_space", "tune_trials"}),
            },
        )
    trainer = engine.trainer(
        run_fn="models.train.run_fn",
        examples=example_gen.outputs["examples"],
        statistics=statistics_gen.outputs["statistics"],
        transform_graph=transform.outputs["transform_graph"],
        hyperparameters=hyperparameters and hyperparameters.outputs["best_hyperparameters"],
        **splits,
        custom_config={
            **training_properties,
            "checkpoints": f"{engine.pipeline_root}/checkpoints",
        },
    )
    blessed_model = engine.blessed_model(
        candidate=trainer.outputs["model"],
        model=Channel(type=standard_artifacts.Model),
        pushed_model=Channel(type=standard_artifacts.PushedModel),
    ).with_id("latest_blessed_model")
    blessed_model.add_upstream_node(trainer)
    evaluator = Evaluator(
        examples=example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=blessed_model.outputs["model"],
        eval_config=evaluation.eval_config(recipe),
    )
    model_validator = ModelValidator(
        model=trainer.outputs["model"], examples=example_gen.outputs["examples"], **code
    )
    edge_exporter = EdgeExporter(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        evaluation=evaluator.outputs["evaluation"],
        examples=example_gen.outputs["examples"],
        limits=recipe.gate.edge,
        **code,
    )
    pusher = engine.pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=model_validator.outputs["blessing"],
    )
    # Each waits for the one before: what cannot be served is not kept, nor shown.
    pushers: list[BaseNode] = [pusher]
    if settings.lakefs_repository:
        lakefs_pusher = LakeFSPusher(
            model=trainer.outputs["model"],
            model_blessing=evaluator.outputs["blessing"],
            infra_blessing=model_validator.outputs["blessing"],
            evaluation=evaluator.outputs["evaluation"],
            examples=example_gen.outputs["examples"],
            edge_model=edge_exporter.outputs["edge_model"],
            config=settings,
            recipe=recipe.name,
            **code,
        )
        lakefs_pusher.add_upstream_node(pushers[-1])
        pushers.append(lakefs_pusher)
    if settings.hf_repo_id and recipe.promotion == "auto":
        hf_pusher = HFPusher(
            model=trainer.outputs["model"],
            model_blessing=evaluator.outputs["blessing"],
            infra_blessing=model_validator.outputs["blessing"],
            evaluation=evaluator.outputs["evaluation"],
            examples=example_gen.outputs["examples"],
            config=settings,
            edge_model=edge_exporter.outputs["edge_model"],
            data_root=settings.data_root,
            task=recipe.task,
            **code,
        )
        hf_pusher.add_upstream_node(pushers[-1])
        pushers.append(hf_pusher)
    return Pipeline(
        pipeline_name=settings.name_pipeline(),
        pipeline_root=engine.pipeline_root,
        components=[
            example_gen,
            statistics_gen,
            schema_gen,
            example_validator,
            transform,
            *([hyperparameters] if hyperparameters else []),
            trainer,
            blessed_model,
            evaluator,
            model_validator,
            edge_exporter,
            *pushers,
        ],
        enable_cache=True,
        metadata_connection_config=engine.metadata_connection_config,
        beam_pipeline_args=[*engine.beam_pipeline_args, f"--no{_BATCHES_BY_BYTES}"],
    )


def encoded_images(task: Task) -> schema_pb2.Schema:
    """Tell TFDV what is no text: of that it would keep every value, which is all of the data."""
    schema = schema_pb2.Schema()
    names = [preprocessing.IMAGE, *([preprocessing.LABEL] if task.label_type == "bytes" else [])]
    for name in names:
        schema.feature.add(name=name, type=schema_pb2.BYTES).image_domain.SetInParent()
    return schema


def _imported(settings: Settings, recipe: Recipe) -> BaseNode | None:
    """Take the place of the Tuner where the settings name what one found before.

    TFX recognises an imported artifact by its path and properties: without the digest among them,
    a changed file would be answered with the model that was trained with the old one.
    """
    found = imported_hyperparameters(settings, recipe)
    if found is None:
        return None
    return Importer(
        source_uri=found.folder,
        artifact_type=standard_artifacts.HyperParameters,
        custom_properties={"digest": found.digest},
        output_key="best_hyperparameters",
    ).with_id("imported_hyperparameters")
