"""TensorFlow Serving on loopback, as far as clients and rollouts see it.

Real: the SavedModel, which TensorFlow runs; models.config, read by TensorFlow Serving's own protos;
gRPC, by its own servicers. Emulated: the REST layer, loading and the rule for labels, after
TensorFlow Serving's sources. Absent: batching, warm-up, metrics, any API but predict, status and
metadata.
"""

from .emulator import ServingEmulator

__all__ = ["ServingEmulator"]
