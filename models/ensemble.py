"""Several networks that answer as one."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from models import calibration, train
from models.provenance import read_provenance


def load_network(path: str, name: str) -> keras.Model:
    """Make the network of an exported model again, with calibrated logits where it has some.

    Args:
        path: folder of the SavedModel, which this version of the project has exported.
        name: of the network, by which it is told from others.

    Returns:
        float32 [N, S, S, 3] in 0..255 to logits, of one view.

    Raises:
        ValueError: the model is of another network than its provenance says.
    """
    trained = read_provenance(path)
    network = train.build_network(trained)
    values = tf.saved_model.load(path).values
    for variable, value in zip(network.variables, values, strict=True):
        variable.assign(value)
    if "temperature" in trained.training:
        offsets = calibration.find_offsets(trained)
        network = calibration.rescale(network, offsets, trained.training["temperature"])
    return keras.Model(network.inputs, network.outputs[0], name=name)


def average(networks: Sequence[keras.Model]) -> keras.Model:
    """Make a network that averages the logits of others.

    Of classes, that is the geometric mean of their probabilities, the logarithmic opinion pool:
    Heskes, "Selecting weighting factors in logarithmic opinion pools", NeurIPS 1997.

    Args:
        networks: of different names; float32 [N, S, S, 3] in 0..255 to logits of the same shape.

    Raises:
        ValueError: their logits differ in shape.
    """
    images = keras.Input(networks[0].input_shape[1:], name="image")
    shapes = {network.output_shape for network in networks}
    if len(shapes) > 1:
        raise ValueError("The networks answer in different shapes, which no average can be of.")
    logits = sum(network(images) for network in networks) / len(networks)
    return keras.Model(images, logits, name="average")
