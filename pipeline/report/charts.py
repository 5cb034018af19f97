"""Charts as SVG text; their colours are the page's own, by class name."""

import math
from collections.abc import Callable, Mapping, Sequence

from markupsafe import Markup, escape

# Of a line chart, in the units of its viewBox.
_WIDTH, _HEIGHT = 360, 200
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 12, 22, 40
_TICKS = 4
# The least that is seen of a bar, in percent of its track.
_SLIVER = 0.6


def line_chart(lines: Mapping[str, Sequence[float]], label: str, marked: int | None) -> Markup:
    """Values by epoch.

    Args:
        lines: by name; the name, as a CSS class, gives the line its colour. A value that is not
            finite interrupts its line.
        label: what a reader who does not see the chart is told.
        marked: epoch, counted from 0, at which a vertical line stands; None for no such line.
    """
    values = [value for line in lines.values() for value in line if math.isfinite(value)]
    epochs = max(map(len, lines.values()))
    ticks = _nice_ticks(min(values, default=0.0), max(values, default=1.0))
    low, high = ticks[0], ticks[-1]

    def x(epoch: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (epoch / (epochs - 1) if epochs > 1 else 0.5)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * (value - low) / (high - low)

    parts = []
    for tick in ticks:
        parts.append(_line("grid", _LEFT, y(tick), _WIDTH - _RIGHT, y(tick)))
        parts.append(_text("end", _LEFT - 6, y(tick) + 4, f"{tick:.4g}"))
    for epoch in _epoch_ticks(epochs):
        parts.append(_text("middle", x(epoch), _HEIGHT - _BOTTOM + 16, str(epoch + 1)))
    parts += _axis_titles("epoch", "")
    if marked is not None:
        parts.append(_line("marked", x(marked), _TOP, x(marked), _HEIGHT - _BOTTOM))
    for name, line in lines.items():
        for run in _finite_runs(line):
            points = [(x(epoch), y(value)) for epoch, value in run]
            path = "M" + "L".join(f"{across:.1f},{down:.1f}" for across, down in points)
            parts.append(Markup('<path class="line {}" d="{}"/>').format(name, path))
            across, down = points[-1]
            dot = '<circle class="dot {}" cx="{:.1f}" cy="{:.1f}" r="3"/>'
            parts.append(Markup(dot).format(name, across, down))
    return _chart(parts, label)


def reliability_chart(bins: Sequence[Sequence[float]], label: str) -> Markup:
    """Tell how often a model is right, by how sure it is.

    Args:
        bins: of equal width from 0 to 1, each with its number of examples, the sum of their
            confidences and how many of them are right; an empty one has no bar.
        label: what a reader who does not see the chart is told.
    """
    place, parts = _unit_square(), _unit_grid("probability", "share right")
    for number, (count, _, right) in enumerate(bins):
        if count:
            left, top = place(number / len(bins), right / count)
            end, bottom = place((number + 1) / len(bins), 0)
            rect = '<rect class="right" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>'
            parts.append(Markup(rect).format(left + 1, top, end - left - 2, bottom - top))
    parts.append(_line("marked", *place(0, 0), *place(1, 1)))
    return _chart(parts, label)


def curve_chart(
    points: Sequence[tuple[float, float]],
    marked: tuple[float, float],
    axes: tuple[str, str],
    label: str,
) -> Markup:
    """Return a curve in the unit square.

    Args:
        points: across and up, 0..1 each, in the order of the curve.
        marked: the point on or near it that gets a dot.
        axes: titles, across and up.
        label: what a reader who does not see the chart is told.
    """
    place = _unit_square()
    parts = _unit_grid(*axes)
    path = "M" + "L".join("{:.1f},{:.1f}".format(*place(*point)) for point in points)
    parts.append(Markup('<path class="line validation" d="{}"/>').format(path))
    x, y = place(*marked)
    dot = '<circle class="dot validation" cx="{:.1f}" cy="{:.1f}" r="5"/>'
    parts.append(Markup(dot).format(x, y))
    return _chart(parts, label)


def _unit_square() -> Callable[[float, float], tuple[float, float]]:
    """Places a point of 0..1 by 0..1 in the viewBox."""
    across, down = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
    return lambda x, y: (_LEFT + across * x, _HEIGHT - _BOTTOM - down * y)


def _unit_grid(across: str, up: str) -> list[Markup]:
    """Lines at every quarter of the height, numbers at both axes, and the axes' titles."""
    place, parts = _unit_square(), _axis_titles(across, up)
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = place(tick, tick)
        parts.append(_line("grid", _LEFT, y, _WIDTH - _RIGHT, y))
        parts.append(_text("end", _LEFT - 6, y + 4, f"{tick:g}"))
        parts.append(_text("middle", x, _HEIGHT - _BOTTOM + 16, f"{tick:g}"))
    return parts


def _axis_titles(across: str, up: str) -> list[Markup]:
    """Below the middle of the lower axis, and above the upright one."""
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return [_text("middle", middle, _HEIGHT - 4, across), _text("start", 0, 12, up)]


def _chart(parts: Sequence[Markup], label: str) -> Markup:
    opening = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">')
    return opening.format(_WIDTH, _HEIGHT, label) + Markup("").join(parts) + Markup("</svg>")


def bar(begin: float, end: float, marks: Mapping[str, float] | None = None) -> Markup:
    """Return a bar on a track from 0 to 1, for a number that stands beside it as text.

    Args:
        begin: where the bar begins, 0..1.
        end: where it ends, 0..1.
        marks: places of small upright lines by their CSS class, 0..1.
    """
    begin, end = (min(max(place, 0.0), 1.0) if place == place else 0.0 for place in (begin, end))
    width = max(100 * (end - begin), _SLIVER) if end > begin else 0.0
    parts = [
        Markup('<rect class="track" width="100" height="8"/>'),
        Markup('<rect class="fill" x="{:.2f}" width="{:.2f}" height="8"/>').format(
            min(100 * begin, 100 - width), width
        ),
    ]
    for name, place in (marks or {}).items():
        mark = '<rect class="mark {}" x="{:.2f}" width="0.8" height="8"/>'
        parts.append(Markup(mark).format(name, min(max(100 * place, 0.0), 99.2)))
    opening = '<svg class="bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">'
    return Markup(opening) + Markup("").join(parts) + Markup("</svg>")


def sparkline(values: Sequence[float], label: str) -> Markup:
    """Return a line without axes, as high as a line of text; nothing where no value is finite.

    Args:
        values: by epoch. One that is not finite interrupts the line.
        label: what a reader who does not see it is told.
    """
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return Markup("")
    low, span = min(finite), (max(finite) - min(finite)) or 1.0
    step = 96 / max(len(values) - 1, 1)
    parts = []
    for run in _finite_runs(values):
        points = [(2 + step * epoch, 18 - 16 * (value - low) / span) for epoch, value in run]
        path = "M" + "L".join(f"{across:.1f},{down:.1f}" for across, down in points)
        parts.append(Markup('<path d="{}"/>').format(path))
    across, down = points[-1]
    parts.append(Markup('<circle cx="{:.1f}" cy="{:.1f}" r="2"/>').format(across, down))
    opening = Markup('<svg class="spark" viewBox="0 0 100 20" role="img" aria-label="{}">')
    return opening.format(label) + Markup("").join(parts) + Markup("</svg>")


def _nice_ticks(low: float, high: float) -> list[float]:
    """About `_TICKS` round numbers whose first and last enclose `low` and `high`."""
    if low == high:
        low, high = low - (abs(low) / 2 or 0.5), high + (abs(high) / 2 or 0.5)
    rough = (high - low) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = power * next(round_ for round_ in (1, 2, 2.5, 5, 10) if round_ * power >= rough)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [step * number for number in range(first, last + 1)]


def _epoch_ticks(epochs: int) -> range:
    return range(0, epochs, max(1, math.ceil(epochs / 8)))


def _finite_runs(line: Sequence[float]) -> list[list[tuple[int, float]]]:
    """(epoch, value) of every stretch of finite values."""
    runs: list[list[tuple[int, float]]] = [[]]
    for epoch, value in enumerate(line):
        if math.isfinite(value):
            runs[-1].append((epoch, value))
        else:
            runs.append([])
    return [run for run in runs if run]


def _line(name: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    line = '<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'
    return Markup(line).format(name, x1, y1, x2, y2)


def _text(anchor: str, x: float, y: float, content: str) -> Markup:
    text = '<text text-anchor="{}" x="{:.1f}" y="{:.1f}">{}</text>'
    return Markup(text).format(anchor, x, y, escape(content))
