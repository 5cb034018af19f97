"""The app in a process of its own, by its endpoints and in a real browser."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.apps.gradio.browsing import open_page, upload
from tests.apps.gradio.image_classification.conftest import CLASS_NAMES
from tests.apps.gradio.running import HOSTILE_NAMES, RunningApp


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "dark.png"
    Image.new("RGB", (40, 30), (30, 31, 32)).save(path)  # the opposite of red, a hostile name
    return path


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "<i>words {{value}}.jpg"
    path.write_text("These are no pixels.")
    return path


def test_programs_ask_it(app: RunningApp, photo: Path, words: Path, tmp_path: Path) -> None:
    client = Client(app.url, verbose=False, download_files=tmp_path / "answers")
    endpoints = client.view_api(return_format="dict")
    assert set(endpoints["named_endpoints"]) == {"/classify", "/classify_batch"}
    assert endpoints["unnamed_endpoints"] == {}
    class_name, probabilities, _ = client.predict(handle_file(photo), api_name="/classify")
    assert class_name == HOSTILE_NAMES[0]
    assert tuple(probabilities) == CLASS_NAMES
    results = client.predict([handle_file(photo), handle_file(words)], api_name="/classify_batch")
    assert ["error" in result for result in results] == [False, True]
    with pytest.raises(AppError, match="^The file is not an image that can be read: send a JPEG"):
        client.predict(handle_file(words), api_name="/classify")
    assert not app.asked_outside()


@pytest.fixture
def wide(browser: Browser, app: RunningApp, tmp_path: Path) -> Iterator[Page]:
    with open_page(browser, app, 1280, "light", tmp_path) as page:
        yield page


@pytest.fixture
def narrow(browser: Browser, app: RunningApp, tmp_path: Path) -> Iterator[Page]:
    with open_page(browser, app, 360, "dark", tmp_path) as page:
        yield page


def test_bars_show_the_most_probable_classes(wide: Page, photo: Path, words: Path) -> None:
    wide.locator(".gallery button, button.gallery-item").first.click()
    bars = wide.locator("[data-testid$='-confidence-set'], .confidence-set")
    expect(bars).to_have_count(5)
    upload(wide, photo)
    expect(bars.first).to_contain_text(HOSTILE_NAMES[0])
    upload(wide, words)
    expect(wide.get_by_text("The file is not an image that can be read")).to_have_count(1)
    expect(bars).to_have_count(0)
    upload(wide, photo)
    expect(bars.first).to_contain_text(HOSTILE_NAMES[0])
    expect(wide.get_by_text("The file is not an image that can be read")).to_have_count(0)


def test_several_images_become_a_table_and_csv(
    narrow: Page, photo: Path, words: Path, tmp_path: Path
) -> None:
    narrow.get_by_role("tab", name="Several images").click()
    upload(narrow, photo, words)
    narrow.get_by_role("button", name="Classify", exact=True).click()
    rows = narrow.locator(".findings tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0)).to_contain_text("dark.png")
    expect(rows.nth(0)).to_contain_text(HOSTILE_NAMES[0])
    expect(rows.nth(1)).to_contain_text("The file is not an image that can be read")
    with narrow.expect_download() as saved:
        narrow.get_by_role("link", name="Download as CSV").click()
    assert saved.value.suggested_filename == "classes.csv"
    lines = Path(saved.value.path()).read_text().splitlines()
    assert lines[0] == "file,class,probability,error"
    assert lines[1].startswith("dark.png,")
    assert len(lines) == 3
