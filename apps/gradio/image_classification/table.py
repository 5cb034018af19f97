"""The classes of several images as a table: on the page, and as CSV."""

import csv
import io
from collections.abc import Iterable

from classification import Classification
from images import ImageFault, Picture
from page import download, escape

CSV_NAME = "classes.csv"
# What a formula begins with, which a spreadsheet would run; the last four are the full-width forms.
_FORMULA = tuple("=+-@\t\r\n\0\uff1d\uff0b\uff0d\uff20")

Result = tuple[str, tuple[Picture, Classification] | ImageFault]


def table(results: Iterable[Result]) -> str:
    """HTML: a row for each file, and a link that saves them as CSV.

    Args:
        results: names of files with what was found, or with why nothing was.
    """
    found = list(results)
    rows = "".join(f"<tr><td>{escape(name)}</td>{_cells(answer)}</tr>" for name, answer in found)
    saved = download(CSV_NAME, "text/csv;charset=utf-8", _csv(found).encode(), "Download as CSV")
    return (
        '<table class="findings"><thead><tr><th scope="col">File</th><th scope="col">Class</th>'
        f'<th scope="col" class="number">Probability</th></tr></thead><tbody>{rows}</tbody></table>'
        f'<p class="remark">{saved}</p>'
    )


def _cells(answer: tuple[Picture, Classification] | ImageFault) -> str:
    if isinstance(answer, ImageFault):
        return f'<td colspan="2">\N{WARNING SIGN} {escape(str(answer))}</td>'
    _, found = answer
    share = found.probabilities[found.class_name]
    return (
        f'<td>{escape(found.decision or found.class_name)}</td><td class="number">{share:.1%}</td>'
    )


def _csv(results: Iterable[Result]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(("file", "class", "probability", "error"))
    for name, answer in results:
        if isinstance(answer, ImageFault):
            row = (name, "", "", str(answer))
        else:
            _, found = answer
            share = found.probabilities[found.class_name]
            row = (name, found.decision or found.class_name, f"{share:.4f}", "")
        writer.writerow(_as_text(cell) for cell in row)
    return text.getvalue()


def _as_text(cell: str) -> str:
    """Mark what would be a formula as text, by an apostrophe in front, as in a spreadsheet."""
    return f"'{cell}" if cell.startswith(_FORMULA) else cell
