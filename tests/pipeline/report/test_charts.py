import math
import xml.etree.ElementTree as ET

import pytest

from pipeline.report.charts import bar, line_chart, reliability_chart

NAN = float("nan")


def chart(lines: dict[str, list[float]], marked: int | None = None) -> ET.Element:
    return ET.fromstring(line_chart(lines, "Loss & <more>", marked))


def points(path: ET.Element) -> list[tuple[float, float]]:
    return [
        (float(x), float(y))
        for x, y in (pair.split(",") for pair in path.attrib["d"][1:].split("L"))
    ]


def test_a_line_is_drawn_to_scale() -> None:
    svg = chart({"training": [0.0, 0.5, 2.0]})
    [path] = svg.iter("path")
    (x0, y0), (x1, y1), (x2, y2) = points(path)
    assert x1 - x0 == pytest.approx(x2 - x1, abs=0.2)
    assert y0 - y1 == pytest.approx((y0 - y2) / 4, abs=0.2)  # downwards is positive in SVG
    assert y0 > y2


def test_grid_lines_stand_at_round_numbers_that_enclose_the_values() -> None:
    svg = chart({"training": [0.213, 0.719]})
    ticks = [float(text.text) for text in svg.iter("text") if text.get("text-anchor") == "end"]
    assert ticks == [0.2, 0.4, 0.6, 0.8]
    grid = [line for line in svg.iter("line") if line.get("class") == "grid"]
    assert len(grid) == len(ticks)


def test_every_line_stays_within_the_box() -> None:
    svg = chart({"training": [1e6, -3.0, 7.0], "validation": [1e-9] * 3})
    _, _, width, height = map(float, svg.attrib["viewBox"].split())
    for path in svg.iter("path"):
        assert all(0 <= x <= width and 0 <= y <= height for x, y in points(path))


def test_values_that_are_no_numbers_interrupt_the_line() -> None:
    svg = chart({"training": [1.0, 2.0, NAN, 3.0, math.inf]})
    assert [len(points(path)) for path in svg.iter("path")] == [2, 1]


@pytest.mark.parametrize("values", [[0.5], [0.5, 0.5], [0.0], [NAN]])
def test_one_epoch_or_one_value_can_be_drawn(values: list[float]) -> None:
    assert len(list(chart({"training": values}).iter("circle"))) == (values[0] == values[0])


def test_many_epochs_have_few_labels() -> None:
    labels = [t.text for t in chart({"training": [1.0] * 100}).iter("text")]
    assert len(labels) < 20
    assert "1" in labels


def test_the_marked_epoch_has_its_line() -> None:
    svg = chart({"training": [3.0, 2.0, 1.0]}, marked=1)
    [mark] = [line for line in svg.iter("line") if line.get("class") == "marked"]
    [path] = svg.iter("path")
    assert float(mark.attrib["x1"]) == points(path)[1][0]


def test_the_label_is_text() -> None:
    assert chart({"training": [1.0]}).attrib["aria-label"] == "Loss & <more>"


@pytest.mark.parametrize(
    ("begin", "end", "x", "width"),
    [
        (0, 0.25, 0, 25),
        (0.5, 0.75, 50, 25),
        (0, 1.7, 0, 100),
        (-1, 0.5, 0, 50),
        (0, NAN, 0, 0),
        (0.9999, 1, 99.4, 0.6),
    ],
)
def test_a_bar_is_as_long_as_its_number(begin: float, end: float, x: float, width: float) -> None:
    svg = ET.fromstring(bar(begin, end, {"floor": 0.4}))
    track, fill, mark = svg.iter("rect")
    assert (float(fill.attrib["x"]), float(fill.attrib["width"])) == (x, width)
    assert (mark.attrib["class"], float(mark.attrib["x"])) == ("mark floor", 40)
    assert track.attrib["width"] == "100"


def test_bars_of_reliability_are_shares_of_right_answers() -> None:
    bins = [(10.0, 1.0, 5.0), (0.0, 0.0, 0.0), (4.0, 2.4, 4.0), (8.0, 7.2, 4.0)]
    svg = ET.fromstring(reliability_chart(bins, "Right & <more>"))
    assert svg.attrib["aria-label"] == "Right & <more>"
    first, third, fourth = (
        [float(rect.attrib[name]) for name in ("x", "y", "height")] for rect in svg.iter("rect")
    )
    [line] = [line for line in svg.iter("line") if line.get("class") == "marked"]
    bottom, top = float(line.attrib["y1"]), float(line.attrib["y2"])
    assert third[1] == pytest.approx(top, abs=0.1)  # all were right
    assert first[2] == fourth[2] == pytest.approx((bottom - top) / 2, abs=0.1)
    assert fourth[0] - third[0] == pytest.approx((third[0] - first[0]) / 2, abs=0.2)
    assert first[1] + first[2] == pytest.approx(bottom, abs=0.2)
