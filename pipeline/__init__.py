"""The graph: what runs, in which order, on which engine."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
