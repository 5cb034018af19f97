import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from tfrecords.intact import is_intact

PHOTO = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))


def encoded(encoding: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    PHOTO.save(buffer, encoding, **options)
    return buffer.getvalue()


JPEG, PNG = encoded("JPEG"), encoded("PNG")


@pytest.mark.parametrize(
    "data",
    [
        JPEG,
        PNG,
        encoded("JPEG", progressive=True, comment=b"\xff\xd9"),
        encoded("JPEG", restart_marker_blocks=1, exif=b"Exif\0\0" + JPEG),
        encoded("PNG", dpi=(72, 72), compress_level=0),
    ],
)
def test_what_is_written_well(data: bytes) -> None:
    assert is_intact(data)


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        encoded("GIF"),
        *(JPEG[:-2], JPEG[:-1], JPEG[: len(JPEG) // 2], JPEG + b"\0", JPEG[:-2] + b"\xff"),
        *(PNG[:-12], PNG[:-1], PNG[:50], PNG + b"\0", PNG[:-1] + b"\0", PNG[:8]),
        JPEG[:-40] + b"\xff\xe5\0\x06abcd" + JPEG[-40:],  # a marker amid the scan
        JPEG.replace(b"\xff\xc0", b"\xff\xc9"),  # arithmetic coding
        JPEG.replace(b"\xff\xc0", b"\xff\xc3"),  # lossless
        PNG.replace(b"IHDR", b"IHDr"),
    ],
)
def test_what_is_not_in_its_place(data: bytes) -> None:
    assert not is_intact(data)


def test_a_chunk_with_its_checksum_is_no_damage() -> None:
    assert is_intact(PNG[:33] + chunk(b"teXt", b"note\0text") + PNG[33:])
