"""A small model, for all tests that need one: one Transform graph, one network, one export.

TensorFlow takes seconds to import, which is why only the fixtures do.
"""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import keras
    import tensorflow_transform as tft

    from models.config import TrainingConfig
    from tests.models.drawn_pets import Pet

# The suite's fixture that makes a folder once for all of pytest's worker processes.
Shared = Callable[[str, Callable[[Path], None]], Path]


@pytest.fixture(scope="session")
def config() -> "TrainingConfig":
    """A small training of the three pet classes, of the network that compiles fastest."""
    from tests.models.small_model import CONFIG

    return CONFIG


@pytest.fixture(scope="session")
def transform_graph(shared: Shared) -> str:
    """Folder of a transform graph, analysed by tf.Transform as the Transform component does."""
    from tests.models.small_model import write_transform_graph

    return str(shared("models-transform", write_transform_graph) / "graph")


@pytest.fixture(scope="session")
def transform_output(transform_graph: str) -> "tft.TFTransformOutput":
    """The transform graph, opened."""
    import tensorflow_transform as tft

    return tft.TFTransformOutput(transform_graph)


@pytest.fixture(scope="session")
def network(shared: Shared) -> "keras.Model":
    """An untrained U-Net from a fixed seed that predicts every class somewhere."""
    from tests.models.small_model import build_network, write_weights

    model = build_network()
    model.load_weights(shared("models-network", write_weights) / "network.weights.h5")
    return model


@pytest.fixture(scope="session")
def saved_model(
    network: "keras.Model",
    transform_output: "tft.TFTransformOutput",
    config: "TrainingConfig",
    shared: Shared,
) -> Path:
    """The network exported behind the transform graph."""
    from models import signatures

    config = config.model_copy(update={"model": "unet"})

    def export(folder: Path) -> None:
        signatures.export(network, transform_output, config, {"steps": 0}, str(folder / "model"))

    return shared("models-export", export) / "model"


@pytest.fixture(scope="session")
def drawn() -> "list[Pet]":
    """A dozen pets."""
    from tests.models.drawn_pets import pets

    return pets(12)
