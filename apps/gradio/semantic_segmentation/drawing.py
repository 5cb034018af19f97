"""Draws what a model found: masks in colour, overlays, and the page's HTML about them."""

import base64
import html
import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from images import ImageFault, Picture
from segmentation import Segmentation

Palette = Sequence[tuple[int, int, int]]
Pixels = npt.NDArray[np.uint8]

# Long sides, in pixels, of what is only looked at.
VIEW = 1280
_CARD = 480

INVITATION = '<p class="invitation">Choose an image, paste one, or click an example.</p>'
CSS = """
.heading h1 { font-size: 1.6rem; font-weight: 700; margin: 0.5rem 0; }
.heading a { text-decoration: underline; }
.invitation {
  display: grid; place-items: center; min-height: 200px; padding: 1rem; text-align: center;
  border: 2px dashed var(--border-color-primary); border-radius: var(--block-radius);
}
.overlay { display: grid; margin: 0; }
.overlay img { grid-area: 1 / 1; width: 100%; max-height: 65vh; object-fit: contain; }
.overlay .mask { opacity: var(--mask-opacity, 0.5); image-rendering: pixelated; }
.findings { width: 100%; border-collapse: collapse; }
.findings tr + tr { border-top: 1px solid var(--border-color-primary); }
.findings td { padding: 0.5rem 0.4rem; text-align: left; overflow-wrap: anywhere; }
.findings .share { width: 35%; }
.findings .share div { height: 0.7rem; border: 1px solid #8888; border-radius: 3px; }
.findings .number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
.swatch {
  display: inline-block; width: 0.9em; height: 0.9em; margin-right: 0.5em;
  border: 1px solid #8888; border-radius: 3px; vertical-align: -0.05em;
}
.cards { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(14rem, 1fr)); }
.card { align-self: start; overflow-wrap: anywhere; }
.card h2 { font-weight: 600; margin-top: 0.4rem; }
.remark { margin: 0.5rem 0 0; font-size: 0.9em; }
"""


def escape(text: str) -> str:
    """Makes any text safe within HTML, and within the templates that Gradio fills in."""
    return html.escape(text).replace("{", "&#123;").replace("$", "&#36;").replace("`", "&#96;")


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
        said = [shares, f"{found.milliseconds:.0f} ms", *picture.notices]
    lines = "".join(f'<p class="remark">{escape(line)}</p>' for line in said)
    return f'<article class="card">{view}<h2>{escape(name)}</h2>{lines}</article>'


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
    remarks = (f"{width} x {height} pixels in {found.milliseconds:.0f} ms.", *picture.notices)
    paragraphs = "".join(f'<p class="remark">{escape(remark)}</p>' for remark in remarks)
    return f'<table class="findings">{rows}</table>{paragraphs}'


def heading(model: str, origin: str, url: str | None) -> str:
    """The page's title, and which model it shows."""
    source = escape(origin)
    if url is not None:
        source = f'<a href="{escape(url)}" target="_blank" rel="noopener">{source}</a>'
    return (
        '<div class="heading"><h1>Semantic segmentation</h1>'
        f"<p>Serving {source}: {escape(model)}.</p></div>"
    )


def _data_url(image: Image.Image, encoding: str) -> str:
    encoded = io.BytesIO()
    image.save(encoded, encoding, quality=90)
    content = base64.b64encode(encoded.getvalue()).decode()
    return f"data:image/{encoding.lower()};base64,{content}"
