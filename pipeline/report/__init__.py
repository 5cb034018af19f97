"""A run's report, and the list of all runs: HTML files, made from the runs' own artifacts."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.runs.history import Run

_REPORTS = "reports"  # the folder below PIPELINE_ROOT


def write_report(run: Run, pipeline_root: Path) -> Path:
    """Write a run's report, whole or not at all; an earlier one is replaced.

    Args:
        run: finished, failed or still going on; what is not there yet is said to be missing.
        pipeline_root: the report goes into its folder `reports`.

    Returns:
        The file.
    """
    from pipeline.report.page import render  # takes long, and other pages do without
    from pipeline.runs.store import file_stem

    return _write(pipeline_root / _REPORTS / f"{file_stem(run.run_id)}.html", render(run))


def write_index(pipeline_root: Path) -> Path:
    """Write the page that lists all runs beside their reports, likewise.

    Args:
        pipeline_root: with a metadata store.

    Returns:
        The file.

    Raises:
        ValueError: there is no run.
    """
    from pipeline.report.index import render
    from pipeline.results.listing import list_runs

    runs = list_runs(pipeline_root / "metadata.sqlite")
    return _write(pipeline_root / _REPORTS / "index.html", render(runs, pipeline_root))


def _write(path: Path, page: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    incoming = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        incoming.write_text(page, encoding="utf-8")
        return incoming.replace(path)
    finally:
        incoming.unlink(missing_ok=True)
