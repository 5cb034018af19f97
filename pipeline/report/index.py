"""The page that lists all runs of a PIPELINE_ROOT, with their reports."""

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from pipeline.report.templates import templates
from pipeline.results.listing import Listed
from pipeline.runs.store import file_stem


def render(runs: Sequence[Listed], root: Path) -> str:
    """Make the page.

    Args:
        runs: the oldest first.
        root: PIPELINE_ROOT, whose folder `reports` has the reports of runs that left one.

    Returns:
        HTML that asks the browser for nothing beside itself.
    """
    newest_first = list(reversed(runs))
    reports = {
        one.run: quote(f"{file_stem(one.run)}.html")
        for one in runs
        if (root / "reports" / f"{file_stem(one.run)}.html").is_file()
    }
    script = (Path(__file__).parent / "index.js").read_text(encoding="utf-8")
    digest = hashlib.sha256(script.encode()).digest()
    return (
        templates()
        .get_template("index.html.jinja")
        .render(
            root=root,
            runs=newest_first,
            blessed=sum(one.verdict == "blessed" for one in runs),
            titles=list(dict.fromkeys(title for one in newest_first for title in one.figures)),
            reports=reports,
            script=Markup(script),
            script_digest=base64.b64encode(digest).decode(),
        )
    )
