"""One labelled image as a serialized `tf.train.Example`.

The message is encoded here, and not with TensorFlow's own class, because importing TensorFlow
takes longer than converting a thousand photos, on every worker again. The wire format is the
stable one of https://protobuf.dev/programming-guides/encoding/ and the tests read every record
back with TensorFlow.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

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
        """Return a serialized tf.train.Example; equal images give equal bytes."""
        return _serialize(
            breed=self.breed.encode(),
            image=self.image,
            label=self.label,
            name=self.name.encode(),
            species=self.species.encode(),
        )


@dataclasses.dataclass(frozen=True)
class ClassifiedImage:
    """An encoded image with its class.

    Attributes:
        name: unique in its set.
        image: JPEG or PNG bytes that TensorFlow can decode, upright, 1 or 3 channels of 8 bits.
        label: class id, at least 0.
    """

    name: str
    image: bytes
    label: int

    def serialize(self) -> bytes:
        """Return a serialized tf.train.Example; equal images give equal bytes."""
        return _serialize(image=self.image, label=self.label, name=self.name.encode())


def read_image(record: bytes) -> bytes:
    """Return the encoded image of a serialized tf.train.Example, whoever wrote it.

    Args:
        record: the example.

    Raises:
        ValueError: it has no feature `image`, or is no example.
    """
    with contextlib.suppress(IndexError):
        for features in _payloads(record, 1):
            for entry in _payloads(features, 1):
                if b"image" in _payloads(entry, 1):
                    [feature] = _payloads(entry, 2)
                    [values] = _payloads(feature, 1)
                    [image] = _payloads(values, 1)
                    return image
    raise ValueError("the record holds no image")


def _serialize(**features: bytes | int) -> bytes:
    """Encode features of one value each, which are named in the order of the alphabet."""
    # Example{1: Features{1: map<1: name, 2: Feature>}}
    entries = (
        _field(1, name.encode()) + _field(2, _feature(value)) for name, value in features.items()
    )
    return _field(1, b"".join(_field(1, entry) for entry in entries))


def _feature(value: bytes | int) -> bytes:
    # Feature{1: BytesList{1: value}} or Feature{3: Int64List{1: packed values}}
    if isinstance(value, bytes):
        return _field(1, _field(1, value))
    return _field(3, _field(1, _varint(value)))


def _field(number: int, payload: bytes) -> bytes:
    """Encode a length-delimited protobuf field (wire type 2)."""
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    encoded = bytearray()
    while value > 0x7F:
        encoded.append(value & 0x7F | 0x80)
        value >>= 7
    encoded.append(value)
    return bytes(encoded)


def _payloads(message: bytes, number: int) -> Iterator[bytes]:
    """Yield what the length-delimited fields of a number hold.

    Raises:
        IndexError: the message ends too early.
        ValueError: it is none.
    """
    at = 0
    while at < len(message):
        key, at = _read_varint(message, at)
        if key & 7 != 2:
            raise ValueError("expected length-delimited fields alone")
        length, at = _read_varint(message, at)
        if key >> 3 == number:
            yield message[at : at + length]
        at += length


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    """Return the number that begins at a byte, and where the next one begins."""
    value = shift = 0
    while message[at] > 0x7F:
        value |= (message[at] & 0x7F) << shift
        shift += 7
        at += 1
    return value | message[at] << shift, at + 1
