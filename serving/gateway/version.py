"""What a version of a model can do, whatever it is made of."""

from collections.abc import Sequence
from typing import Protocol

from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap

from serving.gateway.asked import Answer
from serving.gateway.batching import Upload


class Version(Protocol):
    """A version in memory; threads may share one.

    Attributes:
        number: of the version.
        task: what it does; None where the model does not say.
        class_names: by class id; empty where the model does not say.
        signatures: of the model.
    """

    number: int
    task: str | None
    class_names: tuple[str, ...]
    signatures: SignatureDefMap

    def check(self, file: bytes, /) -> Upload | str:
        """Return an image as one to ask about, or why it is none."""

    def predict(self, files: Sequence[bytes], /) -> list[Answer]:
        """Answer images; one that the model refuses is answered with the reason alone.

        Args:
            files: that `check` has nothing to say of.
        """
