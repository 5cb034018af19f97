"""The pages' templates."""

from pathlib import Path

import jinja2

from pipeline.report import charts, words


def templates(*others: Path) -> jinja2.Environment:
    """Return the report's templates, with what they write values and draw charts with.

    Args:
        *others: folders of further ones.
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([Path(__file__).parent, *others]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= words.FILTERS
    for chart in (
        charts.bar,
        charts.curve_chart,
        charts.line_chart,
        charts.reliability_chart,
        charts.sparkline,
    ):
        environment.globals[chart.__name__] = chart
    return environment
