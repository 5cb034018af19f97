"""One labelled image as a serialized `tf.train.Example`.

The message is encoded here, and not with TensorFlow's own class, because importing TensorFlow
takes longer than converting a thousand photos, on every worker anew. The wire format is the
stable one of https://protobuf.dev/programming-guides/encoding/ and the tests read every record
back with TensorFlow.
"""

from __future__ import annotations

import dataclasses

CLASS_NAMES = ("pet", "background", "border")


@dataclasses.dataclass(frozen=True)
class LabelledImage:
    """An encoded image with its mask and what one slices metrics by.

    Attributes:
        name: file name without extension, unique in its set.
        breed: for example "Abyssinian" or "german_shorthaired".
        species: "cat", "dog" or, where the name does not say, "other".
        image: JPEG or PNG bytes that TensorFlow can decode, upright, 1 or 3 channels of 8 bits.
        label: PNG bytes, one 8-bit channel of the image's size holding indices of CLASS_NAMES.
    """

    name: str
    breed: str
    species: str
    image: bytes
    label: bytes

    def serialize(self) -> bytes:
        """Returns a serialized tf.train.Example; equal images give equal bytes."""
        features = {
            "breed": self.breed.encode(),
            "image": self.image,
            "label": self.label,
            "name": self.name.encode(),
            "species": self.species.encode(),
        }
        # Example{1: Features{1: map<1: name, 2: Feature{1: BytesList{1: value}}>}}
        entries = (
            _field(1, key.encode()) + _field(2, _field(1, _field(1, value)))
            for key, value in features.items()
        )
        return _field(1, b"".join(_field(1, entry) for entry in entries))


def _field(number: int, payload: bytes) -> bytes:
    """Encodes a length-delimited protobuf field (wire type 2)."""
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)
