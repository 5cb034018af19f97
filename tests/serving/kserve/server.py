"""A pushed version behind KServe's own server, which speaks the protocol for real.

python server.py FOLDER_OF_VERSION MODEL prints its port. Ours is what KServe leaves to a model:
reading and writing {"b64": ...} as TensorFlow Serving does. KServe has neither labels nor versions.
"""

import base64
import socket
import sys
from typing import Any

import kserve
import tensorflow as tf
from kserve.errors import InvalidInput
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.model_repository_extension import ModelRepositoryExtension
from kserve.protocol.rest.server import RESTServer


class PushedModel(kserve.Model):
    """serving_default of a SavedModel."""

    def __init__(self, name: str, path: str) -> None:
        super().__init__(name)
        self._model = tf.saved_model.load(path)
        self.ready = True

    def predict(
        self, payload: dict[str, Any], headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        images = [base64.b64decode(row["image_bytes"]["b64"]) for row in payload["instances"]]
        try:
            answer = self._model.signatures["serving_default"](
                image_bytes=tf.constant(images, tf.string, [len(images)])
            )
        except tf.errors.InvalidArgumentError as error:
            raise InvalidInput(error.message) from error
        masks = answer["mask_png_bytes"].numpy()
        shares = answer["class_fractions"].numpy().tolist()
        return {
            "predictions": [
                {
                    "mask_png_bytes": {"b64": base64.b64encode(mask).decode()},
                    "class_fractions": row,
                }
                for mask, row in zip(masks, shares, strict=True)
            ]
        }


if __name__ == "__main__":
    folder, name = sys.argv[1:]
    plane = DataPlane(kserve.ModelRepository())
    plane.model_registry.update(PushedModel(name, folder))
    server = RESTServer("kserve.model_server:app", plane, ModelRepositoryExtension(plane), 0)
    # By itself, as kserve.ModelServer starts it, it listens on every address of the machine.
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    server.run(sockets=[listening])
