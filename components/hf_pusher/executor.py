"""Publishes on the Hub what the Evaluator and the ModelValidator have blessed."""

import dataclasses
import json
import os
import tempfile
from pathlib import Path
from typing import Any

from absl import logging
from tfx import types
from tfx.components.pusher import executor as pusher_executor
from tfx.dsl.io import fileio
from tfx.types import standard_component_specs
from tfx.utils import io_utils

from components.artifacts import examples as labelled
from components.artifacts.evaluations import load_evaluation
from components.artifacts.samples import load_samples
from components.edge_exporter.staging import stage_edge_model
from components.hf_pusher.answers import HubError
from components.hf_pusher.config import HubConfig
from components.hf_pusher.model_card import Data, Facts, write_pages
from components.hf_pusher.publish import Publication, Publisher
from components.pushing import note_outcome
from models.provenance import read_provenance
from tfrecords.dataset import read_info
from tfrecords.errors import DataError

PUBLICATION = "publication.json"

Inputs = dict[str, list[types.Artifact]]


class Executor(pusher_executor.Executor):
    """TFX's Pusher, with the Hub as destination.

    What it reads may lie on any file system of TFX's; it writes to its own artifact only.
    """

    def Do(self, input_dict: Inputs, output_dict: Inputs, exec_properties: dict[str, Any]) -> None:
        """Publish the model if it is blessed; see HFPusher for inputs and outputs.

        Raises:
            HubError: it was not published, or its Space was not; running again completes it.
        """
        self._log_startup(input_dict, output_dict, exec_properties)
        [pushed_model] = output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed_model)
            return
        told = json.loads(exec_properties[standard_component_specs.CUSTOM_CONFIG_KEY])
        config = HubConfig.model_validate(told["hub"])
        with tempfile.TemporaryDirectory() as folder:
            workspace = Path(folder)
            publisher = Publisher(config, workspace)  # a missing token is said first
            model, samples = workspace / "model", workspace / "examples"
            self._stage(input_dict, told, config, model, samples)
            publication = publisher.publish(model, samples)
        self._mark(pushed_model, publication)

    def _stage(
        self,
        inputs: Inputs,
        told: dict[str, Any],
        config: HubConfig,
        model: Path,
        samples: Path,
    ) -> None:
        """Gathers what is published in two local folders."""
        model_path = self.GetModelPath(inputs)
        if not fileio.exists(os.path.join(model_path, "saved_model.pb")):
            raise HubError(f"{model_path} holds no SavedModel; run the Trainer again.")
        io_utils.copy_dir(model_path, str(model))
        edge = stage_edge_model(inputs, model)
        [examples] = inputs[standard_component_specs.EXAMPLES_KEY]
        [evaluation] = inputs[standard_component_specs.EVALUATION_KEY]
        found = load_samples(str(model), examples, features=[])
        shown = {title: group[0] for title, group in found.groups.items() if group}
        samples.mkdir()
        for title, sample in shown.items():
            (samples / f"{title.lower()}.jpg").write_bytes(sample.image)
        facts = Facts(
            repo_id=config.hf_repo_id or "",
            license=config.hf_license,
            trained=read_provenance(str(model)),
            code_digest=told["code_digest"],
            evaluation=load_evaluation(evaluation.uri),
            data=_data(examples, told["data_root"]),
            samples=shown,
            edge=edge,
        )
        write_pages(model, facts)

    def _mark(self, pushed_model: types.Artifact, publication: Publication) -> None:
        what = "Published" if publication.changed else "Already published, nothing was sent:"
        logging.info("%s %s, served by %s", what, publication.url, publication.space_url)
        self._MarkPushed(pushed_model, pushed_destination=publication.url)
        note_outcome(pushed_model, dataclasses.asdict(publication))
        content = json.dumps(dataclasses.asdict(publication), indent=2)
        io_utils.write_string_file(os.path.join(pushed_model.uri, PUBLICATION), content)


def _data(examples: types.Artifact, data_root: str) -> Data:
    """Describe the examples by `dataset.json`, if that is of the very same ones."""
    found = labelled.summary(examples)
    data = Data(digest=found["digest"], counts=found["counts"])
    try:
        info = read_info(data_root)
    except DataError as error:
        logging.warning("The card does not say where the data come from: %s", error)
        return data
    if info.digest != data.digest:
        logging.warning(
            "%s has changed since: the card does not say where the data come from.", data_root
        )
        return data
    return dataclasses.replace(
        data, source=info.source, licence=info.licence, hub_dataset=info.hub_dataset
    )
