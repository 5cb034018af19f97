"""What viewers show of an image file, where Pillow alone reads it otherwise.

Converters and the demo read files by it. In a Space it lies beside the demo's own modules, so that
it imports nothing of the project.
"""

from PIL import ExifTags, Image

PNG_DEPTH = 24  # place of the byte of a PNG that says how many bits a level has
# Turns of what is stored, by EXIF's orientation.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def read_orientation(image: Image.Image) -> int:
    """EXIF's orientation as viewers read it, which look for it before the pixels and nowhere else.

    Pillow's own `getexif` also takes what XMP, a text or the end of the file says.

    Args:
        image: opened and not loaded, for loading turns a TIFF.
    """
    if image.format == "TIFF":
        return image.getexif().get(ExifTags.Base.Orientation, 1)
    exif = Image.Exif()
    try:
        exif.load(image.info.get("exif", b""))
        return exif.get(ExifTags.Base.Orientation, 1)
    except Exception:  # of EXIF data that are broken, whatever Pillow's reader comes to
        return 1


def turn_upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn a loaded image as its orientation says; keep its format, which `transpose` forgets."""
    if image.format == "TIFF" or orientation not in TURNS:
        return image
    upright = image.transpose(TURNS[orientation])
    upright.format = image.format
    return upright


def scale_transparent_level(image: Image.Image, depth: int) -> None:
    """Bring a PNG's transparent level or colour to the depth of its pixels, as Pillow does not.

    Of levels of 16 bits, Pillow keeps the upper 8 in colour, and all in grey.

    Args:
        image: a loaded PNG; its `info` is changed.
        depth: bits of a level in the file, its byte PNG_DEPTH.
    """
    transparent = image.info.get("transparency")
    if isinstance(transparent, tuple) and depth == 16:
        image.info["transparency"] = tuple(level >> 8 for level in transparent)
    elif transparent is not None and image.mode == "L" and depth in (2, 4):
        image.info["transparency"] = transparent * (255 // (2**depth - 1))
