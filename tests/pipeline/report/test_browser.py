"""The page in a real browser, light and dark, wide and narrow."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import Workplace
from tests.pipeline.report.pages import report_of

WIDTHS = {"wide": 1280, "narrow": 360}
# Every element that shows text of its own: the least contrast of that text with what is painted
# behind it (WCAG 2.2), what is half transparent mixed in.
LEAST_CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const paint = colour => { canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1); };
  const luminance = () => {
    const [r, g, b] = [...canvas.getImageData(0, 0, 1, 1).data].map(v => v / 255).map(
      v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = element => {
    if (element.parentElement) behind(element.parentElement);
    paint(getComputedStyle(element).backgroundColor);
  };
  const texts = [...document.querySelectorAll("body *")].filter(element =>
    [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim()));
  return texts.map(element => {
    behind(element);
    const back = luminance();
    const style = getComputedStyle(element);
    canvas.globalAlpha = Number(style.opacity);
    paint(element.closest("svg") ? style.fill : style.color);
    canvas.globalAlpha = 1;
    const front = luminance();
    const contrast = (Math.max(front, back) + 0.05) / (Math.min(front, back) + 0.05);
    return [contrast, element.textContent.trim().slice(0, 60)];
  }).reduce((least, one) => one[0] < least[0] ? one : least);
}"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_hostile_names_are_shown_and_do_nothing(
    browser: Browser, hostile: Workplace, scheme: str, width: str, tmp_path: Path
) -> None:
    check(browser, report_of(hostile), scheme, width, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_default_run_is_shown(
    browser: Browser, trained: Workplace, scheme: str, width: str, tmp_path: Path
) -> None:
    check(browser, report_of(trained), scheme, width, tmp_path)


def check(browser: Browser, report: Path, scheme: str, width: str, folder: Path) -> None:
    """Opens a report and looks at it; the screenshot stays in the test's folder."""
    viewport = {"width": WIDTHS[width], "height": 900}
    with browser.new_context(color_scheme=scheme, viewport=viewport) as context:
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto(report.as_uri())
        page.screenshot(path=folder / f"{scheme}-{width}.png", full_page=True)

        assert said == []
        assert [url for url in requests if not url.startswith("data:")] == [report.as_uri()]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        sizes = page.eval_on_selector_all("img", "all => all.map(img => img.naturalWidth)")
        assert sizes
        assert min(sizes) > 0
        assert brightness(page) > 200 if scheme == "light" else brightness(page) < 60
        contrast, text = page.evaluate(LEAST_CONTRAST)
        assert contrast >= 4.5, text


def brightness(page: Page) -> float:
    """Of the page's background, 0..255."""
    return page.evaluate(
        "getComputedStyle(document.body).backgroundColor.match(/\\d+/g)"
        ".slice(0, 3).reduce((sum, v) => sum + Number(v), 0) / 3"
    )
