"""The pictures and charts of a report, as files of their own."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path

_PICTURE = re.compile(r'<img src="data:image/(?P<kind>\w+);base64,(?P<data>[^"]+)"[^>]*>')
_CHART = re.compile(r'<svg class="chart"(?P<rest>.*?</svg>)', re.DOTALL)


def figures(page: str) -> Iterator[tuple[str, bytes]]:
    """Take them out of a page.

    Args:
        page: a report, in HTML.

    Yields:
        Name and content of a file, in the order of the page.
    """
    style = (Path(__file__).parent / "page.css").read_text(encoding="utf-8")
    for number, chart in enumerate(_CHART.finditer(page), 1):
        opening, _, content = chart["rest"].partition(">")
        image = (
            f'<svg xmlns="http://www.w3.org/2000/svg" class="chart"{opening}>'
            f"<style>{style}</style>{content}"
        )
        yield f"chart-{number:02}.svg", image.encode()
    for number, picture in enumerate(_PICTURE.finditer(page), 1):
        yield f"picture-{number:02}.{picture['kind']}", base64.b64decode(picture["data"])
