"""The page that lists all runs."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from pipeline.report import index
from pipeline.results.listing import Listed
from tests.conftest import Workplace
from tests.hostile import HOSTILE_BREED, HOSTILE_NAME
from tests.pipeline.report.pages import Page, report_of, run_of


def listed(day: int, value: float | None, **others: object) -> Listed:
    fields = {
        "run": f"2026-11-0{day}T10:00:00.5",
        "begun": datetime(2026, 11, day, 10).astimezone(),
        "verdict": "blessed" if value else "Trainer: failed",
        "metric": "mean_iou" if value else "",
        "value": value,
        "figures": {"Mean IoU": value} if value else {},
        "curve": (0.1, float("nan"), value) if value else (),
        "model": "unet",
        "data": "0123abcd",
        "duration": timedelta(minutes=2 * day),
        "changed": (),
        **others,
    }
    return Listed(**fields)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A page of four runs, of which the second has a report."""
    reports = tmp_path / "reports"
    reports.mkdir()
    (reports / "2026-11-02T10-00-00.5.html").write_text("<title>The report</title>")
    runs = [
        listed(1, 0.5),
        listed(2, 0.9, model=HOSTILE_NAME, data=HOSTILE_BREED),
        listed(3, None),
        listed(4, 0.7),
    ]
    (reports / "index.html").write_text(index.render(runs, tmp_path))
    return reports


def test_the_newest_run_is_first_and_names_are_text(folder: Path) -> None:
    page = Page(folder / "index.html")
    header, *rows = page.tables["Runs"]
    titles = ["Run", "Verdict", "Mean IoU", "By epoch", "Model", "Data", "Took"]
    assert header == titles
    assert [row[0][:10] for row in rows] == [f"2026-11-0{day}" for day in (4, 3, 2, 1)]
    assert [row[2] for row in rows] == ["0.700", "\N{EN DASH}", "0.900", "0.500"]
    assert rows[2][4:6] == [HOSTILE_NAME, HOSTILE_BREED]
    assert [a["href"] for a in page.having("a")] == ["2026-11-02T10-00-00.5.html"]
    assert len(page.having("svg")) == 3
    assert page.unclosed == []
    [policy] = [m["content"] for m in page.having("meta") if "http-equiv" in m]
    assert policy.startswith("default-src 'none';") and "script-src 'sha256-" in policy


def test_it_is_sorted_by_a_click_and_fits_a_phone(browser: Browser, folder: Path) -> None:
    with browser.new_context(viewport={"width": 390, "height": 800}) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto((folder / "index.html").as_uri())
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

        def order(heading: str) -> list[str]:
            page.get_by_role("button", name=heading).click()
            cells = "[...document.querySelectorAll('tbody th')].map(th => th.innerText[9])"
            return page.evaluate(cells)

        assert order("Mean IoU") == ["2", "4", "1", "3"]
        assert order("Mean IoU") == ["1", "4", "2", "3"]
        assert order("Verdict") == ["3", "1", "4", "2"]
        assert order("Run") == ["4", "3", "2", "1"]
        assert order("Run") == ["1", "2", "3", "4"]
        assert page.get_attribute("th >> nth=0", "aria-sort") == "ascending"
        page.get_by_role("link").click()
        assert page.title() == "The report"
        assert said == []


def test_a_run_writes_it_beside_its_report(hostile: Workplace) -> None:
    report = report_of(hostile)
    page = Page(report.with_name("index.html"))
    _, row = page.tables["Runs"]
    assert row[1] == "refused"
    assert row[2] == f"{run_of(hostile).metrics()['mean_iou']:.3f}"
    assert [a["href"] for a in page.having("a")] == [report.name]
    assert re.fullmatch("[0-9a-f]{8}", row[-2])
