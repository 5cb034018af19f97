"""What a benchmark finds: a table for the terminal, and a file."""

import json
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

from rich.console import Console
from rich.table import Table


class Figure(TypedDict):
    """One comparison.

    Attributes:
        name: what was measured.
        unit: of `ours` and `peer`; more is better.
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
    """Sums up measurements that were taken in turn, one of each a round.

    Args:
        name: what was measured.
        unit: of the measurements; more is better.
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


def table(figures: Sequence[Figure]) -> Table:
    """The figures, one row each."""
    rows = Table(title="Benchmarks: medians of the rounds", title_justify="left")
    for column in ("measured", "unit", "ours", "peer", "ratio", "rounds"):
        text = column in ("measured", "unit")
        rows.add_column(column, justify="left" if text else "right", overflow="fold")
    rows.add_column("peer is", overflow="fold")
    for row in figures:
        rows.add_row(
            row["name"],
            row["unit"],
            f"{row['ours']:,.1f}",
            f"{row['peer']:,.1f}",
            f"{row['ratio']:.2f}",
            str(row["rounds"]),
            row["peer_name"],
        )
    return rows


def print_table(figures: Sequence[Figure]) -> None:
    """Prints the figures to the terminal."""
    Console().print(table(figures))


def write(figures: Sequence[Figure], path: Path) -> None:
    """Writes the figures as a JSON list, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        unfinished.write_text(json.dumps(list(figures), indent=2) + "\n")
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
