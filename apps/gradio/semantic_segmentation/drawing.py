"""Draws what a model found: masks in colour, overlays, and the page's HTML about them."""

import base64
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

import page
from images import ImageFault, Picture
from page import escape, remarks
from segmentation import Segmentation

Palette = Sequence[tuple[int, int, int]]
Pixels = npt.NDArray[np.uint8]

# Long sides, in pixels, of what is only looked at.
VIEW = 1280
_CARD = 480

CSS = (
    page.CSS
    + """
.overlay { display: grid; margin: 0; }
.overlay img { grid-area: 1 / 1; width: 100%; max-height: 65vh; object-fit: contain; }
.overlay .mask { opacity: var(--mask-opacity, 0.5); image-rendering: pixelated; }
.findings .share { width: 35%; }
.findings .share div { height: 0.7rem; border: 1px solid #8888; border-radius: 3px; }
.swatch {
  display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.5em;
  border: 1px solid #8888; border-radius: 3px; vertical-align: -0.05em;
}
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); }
.card { align-self: start; overflow-wrap: anywhere; }
.card h2 { font-weight: 600; margin-top: 0.4rem; }
"""
)


def colour(mask: Pixels, palette: Palette) -> Image.Image:
    """A mask, uint8 [height, width], as palette image: its values are still the class ids."""
    image = Image.fromarray(mask)
    image.putpalette([level for rgb in palette for level in rgb])
    return image


def overlay(pixels: Pixels, mask: Pixels, palette: Palette, side: int) -> str:
    """An image under its mask, whose opacity is the CSS property `--mask-opacity`.

    Args:
        pixels: uint8 [height, width, 3], RGB.
        mask: class ids, uint8 [height, width].
        palette: colours by class id.
        side: long side in pixels to which both are brought down.
    """
    image, coloured = Image.fromarray(pixels), colour(mask, palette)
    image.thumbnail((side, side))
    coloured = coloured.resize(image.size, Image.Resampling.NEAREST)
    return (
        '<figure class="overlay">'
        f'<img alt="The image" src="{_data_url(image, "JPEG")}">'
        f'<img class="mask" alt="Its mask" src="{_data_url(coloured, "PNG")}">'
        "</figure>"
    )


def card(name: str, answer: tuple[Picture, Segmentation] | ImageFault, palette: Palette) -> str:
    """A file's name with its overlay and shares, or with why there are none."""
    view = ""
    if isinstance(answer, ImageFault):
        said = [f"\N{WARNING SIGN} {answer}"]
    else:
        picture, found = answer
        view = overlay(picture.pixels, found.mask, palette, _CARD)
        shares = ", ".join(f"{key} {share:.0%}" for key, share in found.shares.items())
        said = [shares, f"{found.milliseconds:.1f} ms", *picture.notices]
    return f'<article class="card">{view}<h2>{escape(name)}</h2>{remarks(said)}</article>'


def legend(picture: Picture, found: Segmentation, palette: Palette) -> str:
    """The classes with their colours and shares, the time taken, and what there is to know."""
    rows = "".join(
        f'<tr><td><span class="swatch" style="background: rgb{tuple(rgb)}"></span>{escape(name)}'
        '</td><td class="share">'
        f'<div style="width: {share:.2%}; background: rgb{tuple(rgb)}"></div></td>'
        f'<td class="number">{share:.1%}</td></tr>'
        for (name, share), rgb in zip(found.shares.items(), palette, strict=True)
    )
    height, width = found.mask.shape
    took = f"{width} x {height} pixels in {found.milliseconds:.1f} ms."
    return f'<table class="findings">{rows}</table>{remarks((took, *picture.notices))}'


def _data_url(image: Image.Image, encoding: str) -> str:
    encoded = io.BytesIO()
    image.save(encoded, encoding, quality=90)
    content = base64.b64encode(encoded.getvalue()).decode()
    return f"data:image/{encoding.lower()};base64,{content}"
