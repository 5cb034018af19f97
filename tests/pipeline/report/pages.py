"""Reports as tests read them."""

import html.parser
import re
from pathlib import Path

from pipeline.runs import history
from pipeline.runs.history import Run
from tests.conftest import Workplace

_VOID = {"meta", "link", "img"}


class Page(html.parser.HTMLParser):
    """A page's elements in order, its text and, by their box's label, its tables' cells.

    Attributes:
        elements: (name, attributes) of every element.
        text: all text outside of the style and of scripts.
        tables: rows of cell texts, by the label of the box around the table.
        unclosed: names of the elements that were never closed, or not in their order.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.text = ""
        self.tables: dict[str, list[list[str]]] = {}
        self.unclosed: list[str] = []
        self._label = ""
        self.feed(path.read_text())
        self.text = re.sub(r"\s+", " ", self.text)
        self.tables = {
            label: [[re.sub(r"\s+", " ", cell).strip() for cell in row] for row in rows]
            for label, rows in self.tables.items()
        }

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        self.elements.append((tag, attributes))
        if tag not in _VOID:
            self.unclosed.append(tag)
        if attributes.get("role") == "region":
            self._label = attributes["aria-label"]
        if tag == "tr":
            self.tables.setdefault(self._label, []).append([])
        if tag in ("th", "td"):
            self.tables[self._label][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if self.unclosed and self.unclosed[-1] == tag:
            self.unclosed.pop()

    def handle_data(self, data: str) -> None:
        if {"style", "script"} & set(self.unclosed):
            return
        self.text += data
        if "th" in self.unclosed or "td" in self.unclosed:
            self.tables[self._label][-1][-1] += data

    def having(self, tag: str) -> list[dict[str, str]]:
        """Attributes of every element of a name."""
        return [attributes for name, attributes in self.elements if name == tag]


def run_of(workplace: Workplace) -> Run:
    """The workplace's newest run."""
    return history.load_run(workplace.pipeline_root / "metadata.sqlite")


def report_of(workplace: Workplace) -> Path:
    """The report that the workplace's runner wrote of its first run."""
    return min((workplace.pipeline_root / "reports").glob("*.html"))
