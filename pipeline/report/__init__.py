"""A run's report: one HTML file, made from the run's own artifacts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.runs.history import Run


def write_report(run: Run, pipeline_root: Path) -> Path:
    """Writes a run's report, whole or not at all; an earlier one is replaced.

    Args:
        run: finished, failed or still going on; what is not there yet is said to be missing.
        pipeline_root: the report goes into its folder `reports`.

    Returns:
        The file.
    """
    from pipeline.report.page import render  # takes long, and other pages do without
    from pipeline.runs.store import file_stem

    path = pipeline_root / "reports" / f"{file_stem(run.run_id)}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_suffix(".tmp")
    incoming.write_text(render(run), encoding="utf-8")
    return incoming.replace(path)
