"""Draws what a model found: masks in colour, overlays, and the page's HTML about them."""

import base64
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
import numpy.typing as npt
from PIL import Image

import page
from images import ImageFault, Picture
from page import download, escape, remarks
from segmentation import Segmentation

Palette = Sequence[tuple[int, int, int]]
Pixels = npt.NDArray[np.uint8]

ZIP_NAME = "masks.zip"
_KINDS = {".png": "image/png", ".jpg": "image/jpeg"}
# Long sides, in pixels, of what is only looked at.
VIEW = 1280
_CARD = 480

CSS = (
    page.CSS
    + """
.overlay { display: grid; margin: 0; }
.overlay > *, .overlay::after { grid-area: 1 / 1; }
.overlay img { width: 100%; max-height: 65vh; object-fit: contain; }
.overlay .mask {
  opacity: var(--mask-opacity, 0.5); image-rendering: pixelated;
  clip-path: inset(0 0 0 var(--before, 0%));
}
.overlay::after {
  content: ""; width: 2px; margin-left: var(--before, 0%); background: #fff;
  box-shadow: 0 0 2px #000; pointer-events: none;
}
.overlay input { align-self: end; width: 100%; margin: 0 0 0.3rem; cursor: ew-resize; }
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


@dataclass(frozen=True)
class Look:
    """How classes are shown.

    Attributes:
        palette: colours by class id.
        background: ids of the classes that are first seen without their colour.
    """

    palette: Palette
    background: Sequence[int]


def colour(mask: Pixels, palette: Palette) -> Image.Image:
    """Return a mask, uint8 [height, width], as a palette image; its values stay the class ids."""
    image = Image.fromarray(mask)
    image.putpalette([level for rgb in palette for level in rgb])
    return image


def overlay(pixels: Pixels, mask: Pixels, look: Look, side: int) -> str:
    """Return an image under the masks of its classes, and a slider between the image and them.

    The masks' opacity is the CSS property `--mask-opacity`; whether that of class 3 is seen,
    `--class-3`.

    Args:
        pixels: uint8 [height, width, 3], RGB.
        mask: class ids, uint8 [height, width].
        look: of the classes.
        side: long side in pixels to which both are brought down.
    """
    image, small = _shrunk(pixels, mask, side)
    masks = "".join(
        f'<img class="mask" alt="" src="{_data_url(_only(small, number, look.palette), "PNG")}"'
        f' style="display: var(--class-{number}, '
        f'{"none" if number in look.background else "block"})">'
        for number in np.unique(small).tolist()
    )
    return (
        '<figure class="overlay">'
        f'<img alt="The image" src="{_data_url(image, "JPEG")}">{masks}'
        '<input type="range" min="0" max="100" value="0" aria-label="Before and after" '
        "oninput=\"this.parentElement.style.setProperty('--before', this.value + '%')\">"
        "</figure>"
    )


def files(name: str, picture: Picture, found: Segmentation, look: Look) -> dict[str, bytes]:
    """Return what is saved of an image, under names that begin as its own: mask and both."""
    image, small = _shrunk(picture.pixels, found.mask, VIEW)
    colours = np.asarray(look.palette, np.uint16)[small]
    shown = ~np.isin(small, look.background)[..., np.newaxis]
    pixels = np.asarray(image)
    both = np.where(shown, (pixels + colours) // 2, pixels).astype(np.uint8)
    stem = PurePath(name).stem
    return {
        f"{stem}-mask.png": _encoded(colour(found.mask, look.palette), "PNG"),
        f"{stem}-overlay.jpg": _encoded(Image.fromarray(both), "JPEG"),
    }


def _shrunk(pixels: Pixels, mask: Pixels, side: int) -> tuple[Image.Image, Pixels]:
    image = Image.fromarray(pixels)
    image.thumbnail((side, side))
    return image, np.asarray(Image.fromarray(mask).resize(image.size, Image.Resampling.NEAREST))


def _only(mask: Pixels, number: int, palette: Palette) -> Image.Image:
    """Return a class in its colour, and nothing elsewhere."""
    image = Image.fromarray((mask == number).astype(np.uint8))
    image.putpalette([0, 0, 0, *palette[number]])
    image.info["transparency"] = 0
    return image


def card(name: str, answer: tuple[Picture, Segmentation] | ImageFault, look: Look) -> str:
    """Return a file's name with its overlay and shares, or with why there are none."""
    view = ""
    if isinstance(answer, ImageFault):
        said = [f"\N{WARNING SIGN} {answer}"]
    else:
        picture, found = answer
        view = overlay(picture.pixels, found.mask, look, _CARD)
        shares = ", ".join(f"{key} {share:.0%}" for key, share in found.shares.items())
        said = [shares, f"{found.milliseconds:.1f} ms", *picture.notices]
    return f'<article class="card">{view}<h2>{escape(name)}</h2>{remarks(said)}</article>'


def legend(name: str, picture: Picture, found: Segmentation, look: Look) -> str:
    """Return the classes with their colours and shares, links to save, and remarks."""
    rows = "".join(
        f'<tr><td><span class="swatch" style="background: rgb{tuple(rgb)}"></span>{escape(name)}'
        '</td><td class="share">'
        f'<div style="width: {share:.2%}; background: rgb{tuple(rgb)}"></div></td>'
        f'<td class="number">{share:.1%}</td></tr>'
        for (name, share), rgb in zip(found.shares.items(), look.palette, strict=True)
    )
    height, width = found.mask.shape
    took = f"{width} x {height} pixels in {found.milliseconds:.1f} ms."
    saved = " · ".join(
        download(file, _KINDS[PurePath(file).suffix], content, f"Download {file}")
        for file, content in files(name, picture, found, look).items()
    )
    return (
        f'<table class="findings">{rows}</table><p class="remark">{saved}</p>'
        f"{remarks((took, *picture.notices))}"
    )


def cards(
    results: Iterable[tuple[str, tuple[Picture, Segmentation] | ImageFault]], look: Look
) -> str:
    """Return a card for each file, and a link that saves masks and overlays as ZIP."""
    shown, packed = [], io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number, (name, answer) in enumerate(results, 1):
            shown.append(card(name, answer, look))
            if isinstance(answer, ImageFault):
                continue
            for file, content in files(name, answer[0], answer[1], look).items():
                # Several files may have one name.
                taken = file in archive.namelist()
                archive.writestr(f"{number}-{file}" if taken else file, content)
        empty = not archive.namelist()
    saved = (
        "" if empty else download(ZIP_NAME, "application/zip", packed.getvalue(), "Download as ZIP")
    )
    return f'<p class="remark">{saved}</p><div class="cards">{"".join(shown)}</div>'


def _data_url(image: Image.Image, encoding: str) -> str:
    content = base64.b64encode(_encoded(image, encoding)).decode()
    return f"data:image/{encoding.lower()};base64,{content}"


def _encoded(image: Image.Image, encoding: str) -> bytes:
    encoded = io.BytesIO()
    image.save(encoded, encoding, quality=90)
    return encoded.getvalue()
