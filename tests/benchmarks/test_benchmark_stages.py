"""The pipeline that the stages are measured in: the user's, with a gate that stands open."""

import json

from benchmarks import stages
from pipeline.configs import load_settings


def test_settings_hold_beside_the_open_gate() -> None:
    settings = load_settings(env_file="none", model="unet_light", epochs=1)
    graph = stages.pipeline(settings)
    [trainer] = [node for node in graph.components if node.id == "Trainer"]
    training = json.loads(trainer.exec_properties["custom_config"])["training"]
    assert (training["model"], training["epochs"]) == ("unet_light", 1)
