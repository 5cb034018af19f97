"""Tells by a file's structure alone that TensorFlow decodes what Pillow decodes.

Of damaged JPEG and PNG files, some are decoded by Pillow and not by TensorFlow: those in which a
marker, a checksum or the end is not where it belongs. In a file without such a fault both go on
alike, whatever the pixels have become.
"""

from __future__ import annotations

import re
import zlib

_PNG = b"\x89PNG\r\n\x1a\n"
_JPEG_END = b"\xff\xd9"
_SCAN = 0xDA
# Tables, comments, and frames and scans that every decoder knows: of 8 bits, coded by Huffman.
_PLAIN = {0xC0, 0xC1, 0xC2, 0xC4, _SCAN, 0xDB, 0xDD, 0xFE, *range(0xE0, 0xF0)}
_APPENDED = {0xFE, *range(0xE0, 0xF0)}  # which come before the first scan, or never
_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7]")  # no stuffed byte, and no restart within a scan


def is_intact(data: bytes) -> bool:
    """Tell whether every part of a JPEG or PNG is in its place, from its first to its last byte.

    Args:
        data: a file of any kind; only a plain JPEG or a PNG can be intact.
    """
    return _is_intact_png(data) if data.startswith(_PNG) else _is_intact_jpeg(data)


def _is_intact_png(data: bytes) -> bool:
    at, kind = len(_PNG), b""
    while kind != b"IEND":
        length = int.from_bytes(data[at : at + 4], "big")
        body, checksum = data[at + 4 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        if checksum != zlib.crc32(body).to_bytes(4, "big"):
            return False
        kind = body[:4]
        at += 12 + length
    return at == len(data)


def _is_intact_jpeg(data: bytes) -> bool:
    if not data.startswith(b"\xff\xd8"):
        return False
    at, scanned = 2, False
    while (marker := data[at : at + 2]) != _JPEG_END:
        known = len(marker) == 2 and marker[0] == 0xFF and marker[1] in _PLAIN
        if not known or (scanned and marker[1] in _APPENDED):
            return False
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker[1] == _SCAN:
            scanned = True
            if not (found := _NEXT_MARKER.search(data, at)):
                return False
            at = found.start()
    return at + len(_JPEG_END) == len(data)
