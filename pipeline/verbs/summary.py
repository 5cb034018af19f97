"""Adds a page to a summary, as GitHub shows one of each step."""

from collections.abc import Callable
from pathlib import Path

from pipeline.terminal import fail


def append(summary: Path, page: Callable[[int], str]) -> None:
    """Append a page; what cannot be written down changes nothing of how a run ended.

    Args:
        summary: the file.
        page: makes the page, for as many bytes as there is room for.
    """
    from pipeline.vertex import markdown

    try:
        with summary.open("a", encoding="utf-8") as file:
            file.write(f"\n{page(markdown.LIMIT - summary.stat().st_size)}")
    except OSError as error:
        fail(f"The summary {summary} cannot be written to: {error.strerror}.", 0)
