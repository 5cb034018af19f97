"""How the report writes a value: the template's filters."""

import base64
import math
import re
from datetime import timedelta
from typing import Any

from markupsafe import Markup

_NOTHING = "\N{EN DASH}"
_OUTCOMES = {"COMPLETE": "done", "CACHED": "reused", "FAILED": "failed"}


def figure(value: float | None) -> str:
    """Three decimals; a dash where there is nothing to judge by."""
    return _NOTHING if value is None or math.isnan(value) else f"{value:.3f}"


def signed(value: float) -> str:
    """Three decimals with a sign; a true minus, which is as wide as the plus."""
    return _NOTHING if math.isnan(value) else f"{value:+.3f}".replace("-", "\N{MINUS SIGN}")


def percent(share: float) -> str:
    """Return a share, 0..1, in percent with one decimal."""
    return f"{100 * share:.1f} %"


def pixels(count: float) -> str:
    """Return a number of pixels, shortened: `1.24 M`."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if count >= size:
            return f"{count / size:#.3g}".rstrip(".") + f" {unit}"
    return f"{count:.0f}"


def duration(value: timedelta) -> str:
    """For example `2 min 5 s`; with tenths below a minute."""
    seconds = value.total_seconds()
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


def setting(value: Any) -> str:
    """Return a setting's value; a list's with commas between, a list's in a list with spaces."""
    if not isinstance(value, list):
        return str(value)
    return ", ".join(
        " ".join(map(str, part)) if isinstance(part, list) else str(part) for part in value
    )


def short(digest: str) -> str:
    """Return a digest's first digits, with what follows it."""
    digits, comma, rest = digest.partition(",")
    return digits[:12] + comma + rest


def sentence(text: str) -> str:
    """Return a clause as a sentence."""
    return text[:1].upper() + text[1:].removesuffix(".") + "."


def title_of(key: str) -> str:
    """Return a figure's key in words: `mean_iou` as `Mean IoU`."""
    return sentence(key.replace("_", " ").replace("iou", "IoU")).removesuffix(".")


def outcome(state: str) -> str:
    """MLMD's state of an execution, for a reader."""
    return _OUTCOMES.get(state, "not finished")


def data_uri(jpeg: bytes) -> str:
    """Return a picture inside the page."""
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode()


def sections(page: Markup) -> list[tuple[str, str]]:
    """Id and title of each section of a page."""
    return re.findall(r'<h2 id="(\w+)">([^<]+)</h2>', page)


FILTERS = {
    function.__name__: function
    for function in (
        figure,
        signed,
        percent,
        pixels,
        duration,
        setting,
        short,
        sentence,
        title_of,
        outcome,
        data_uri,
        sections,
    )
}
