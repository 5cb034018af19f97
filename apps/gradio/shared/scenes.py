"""Draws the examples of an app that was given none."""

from pathlib import Path

from PIL import Image, ImageDraw, ImageFilter

# Background above, background below, fur and dark fur; RGB.
_SCENES = {
    "cat-on-grass": ("#a8d3ee", "#6f9f4f", "#d98236", "#7a4518"),
    "dog-on-sand": ("#f2d9b1", "#c9a36a", "#5b4636", "#2c211a"),
    "cat-at-dusk": ("#51437a", "#2d3a4f", "#c9c4bd", "#6e6a66"),
}


def draw_scenes(folder: Path) -> list[Path]:
    """Write the scenes as JPEG files of 480 x 360 pixels, the same ones every time."""
    paths = []
    for name, colours in _SCENES.items():
        paths.append(folder / f"{name}.jpg")
        _draw(*colours, floppy="dog" in name).save(paths[-1], quality=92)
    return paths


def _draw(sky: str, ground: str, fur: str, dark: str, floppy: bool) -> Image.Image:
    """Return a pet that sits before a horizon; its ears hang or stand."""
    scene = Image.new("RGB", (480, 360), sky)
    draw = ImageDraw.Draw(scene)
    draw.rectangle((0, 215, 480, 360), ground)
    draw.ellipse((160, 180, 330, 345), fur)  # body
    draw.arc((285, 235, 395, 340), 200, 80, fur, 18)  # tail
    for side in (-1, 1):
        x = 235 + side * 48
        if floppy:
            draw.ellipse((x + side * 12 - 20, 75, x + side * 12 + 20, 170), dark)
        else:
            draw.polygon([(x - 28, 105), (x + 28, 105), (x + side * 20, 35)], dark)
    draw.ellipse((170, 65, 300, 195), fur)  # head
    for x in (210, 260):
        draw.ellipse((x - 9, 112, x + 9, 132), "#1c1c1c")
        draw.ellipse((x - 5, 115, x, 120), "white")
    draw.ellipse((224, 145, 246, 160), dark)
    for x in (190, 255):
        draw.ellipse((x, 315, x + 48, 350), dark)  # paws
    return scene.filter(ImageFilter.GaussianBlur(1.2))
