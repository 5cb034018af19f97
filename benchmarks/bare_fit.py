"""The peer of a training: `keras.Model.fit` and nothing else, in a process of its own.

    python -m benchmarks.bare_fit CONFIG.json PIXELS.npz

The network, its optimiser, loss and metric are the Trainer's; the pixels are in memory, decoded.
Neither TFX nor tf.Transform is imported. Prints images a second, and the seconds of the fit.
"""

import functools
import json
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

# Before TensorFlow is imported: its notices about the machine are nothing to act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

from models import precision, registry
from models.callbacks import Throughput
from models.config import TrainingConfig
from models.segmentation.losses import CrossEntropyDice


def main(arguments: Sequence[str]) -> int:
    """Run the command line; return its exit code."""
    given, pixels = map(Path, arguments)
    config = TrainingConfig.model_validate_json(given.read_text())
    with np.load(pixels) as arrays:
        images, masks = arrays["images"].astype(np.float32), arrays["masks"]
    keras.utils.set_random_seed(config.seed)
    model = precision.build(
        functools.partial(
            registry.build_model,
            config.task,
            config.model,
            config.image_size,
            config.num_outputs,
            config.encoder_weights,
            config.encoder,
        )
    )
    model.compile(
        keras.optimizers.AdamW(config.learning_rate, weight_decay=config.weight_decay),
        CrossEntropyDice(),
        metrics=[keras.metrics.MeanIoU(config.num_outputs, sparse_y_pred=False, name="mean_iou")],
        jit_compile=False,
    )
    throughput = Throughput()
    whole = len(images) // config.batch_size * config.batch_size  # as many steps as the Trainer
    began = time.perf_counter()
    model.fit(
        images[:whole],
        masks[:whole],
        batch_size=config.batch_size,
        epochs=config.epochs,
        callbacks=[throughput],
        verbose=0,
    )
    figures = {
        "images_per_second": throughput.images_per_second(config.batch_size),
        "seconds": time.perf_counter() - began,
        "steps": int(model.optimizer.iterations),
    }
    print(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
