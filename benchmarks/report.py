"""What a benchmark finds: a table for the terminal, and a file."""

import json
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypedDict

from rich.console import Console
from rich.table import Table


class Figure(TypedDict):
    """One comparison.

    Attributes:
        name: what was measured.
        unit: of `ours` and `peer`. Of what comes by the second or by the megabyte more is better;
            of seconds, ms, MB and exponents less.
        ours: median over the rounds.
        peer: the peer's median over the same rounds.
        peer_name: what we are compared with.
        ratio: median over the rounds of ours / peer, taken round by round.
        rounds: how often both were measured, in turn.
    """

    name: str
    unit: str
    ours: float
    peer: float
    peer_name: str
    ratio: float
    rounds: int


def figure(
    name: str, unit: str, ours: Sequence[float], peer: Sequence[float], peer_name: str
) -> Figure:
    """Sum up measurements that were taken in turn, one of each a round.

    Args:
        name: what was measured.
        unit: of the measurements.
        ours: one measurement a round.
        peer: one measurement a round, as many.
        peer_name: what we are compared with.
    """
    ratios = [one / other for one, other in zip(ours, peer, strict=True)]
    return Figure(
        name=name,
        unit=unit,
        ours=statistics.median(ours),
        peer=statistics.median(peer),
        peer_name=peer_name,
        ratio=statistics.median(ratios),
        rounds=len(ratios),
    )


def merge(known: Sequence[Figure], found: Sequence[Figure]) -> list[Figure]:
    """Put figures in the place of those of the same names, and new ones at the end."""
    by_name = {row["name"]: row for row in (*known, *found)}
    return list(by_name.values())


def table(figures: Sequence[Figure], machine: str = "") -> Table:
    """Return the figures, one row each.

    Args:
        figures: what was measured.
        machine: where and when, for the title.
    """
    title = "Benchmarks: medians of the rounds" + (f"; {machine}" if machine else "")
    rows = Table(title=title, title_justify="left")
    for column in ("measured", "unit", "ours", "peer", "ratio", "rounds"):
        text = column in ("measured", "unit")
        rows.add_column(column, justify="left" if text else "right", overflow="fold")
    rows.add_column("peer is", overflow="fold")
    for row in figures:
        rows.add_row(
            row["name"],
            row["unit"],
            _number(row["ours"]),
            _number(row["peer"]),
            f"{row['ratio']:.2f}",
            str(row["rounds"]),
            row["peer_name"],
        )
    return rows


def _number(value: float) -> str:
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def print_table(figures: Sequence[Figure], machine: str = "") -> None:
    """Print the figures to the terminal."""
    Console().print(table(figures, machine))


def read(path: Path) -> Any:
    """Return what `write` wrote; None where there is no such file."""
    return json.loads(path.read_text()) if path.exists() else None


def write(content: Any, path: Path) -> None:
    """Write JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
