"""The app in a real browser, wide and narrow, light and dark."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.apps.gradio.browsing import open_page, upload
from tests.apps.gradio.running import HOSTILE_NAMES, RunningApp
from tfrecords.drawing import scenes

LOOKS = {"wide": (1280, "light"), "narrow": (360, "dark")}


@pytest.fixture(params=LOOKS)
def page(
    request: pytest.FixtureRequest, browser: Browser, app: RunningApp, tmp_path: Path
) -> Iterator[Page]:
    with open_page(browser, app, *LOOKS[request.param], tmp_path) as page:
        yield page


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    path.write_bytes(scenes.draw(seed=23, index=0).jpeg())
    return path


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "<i>words {{value}}.jpg"
    path.write_text("These are no pixels.")
    return path


def test_an_image_is_shown_under_its_mask(page: Page, photo: Path) -> None:
    upload(page, photo)
    mask = page.locator(".overlay .mask").first
    expect(mask).to_have_css("opacity", "0.5")
    assert page.locator(".overlay img").evaluate_all(
        "images => images.every(image => image.naturalWidth > 0)"
    )
    expect(page.locator(".findings td:first-child")).to_have_text(list(HOSTILE_NAMES))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_label("range slider").focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    expect(mask).to_have_css("opacity", "0.6")
    page.get_by_label("Before and after").fill("40")
    expect(mask).to_have_css("clip-path", "inset(0px 0px 0px 40%)")
    shown = page.locator(".overlay .mask:visible")
    before = shown.count()
    for name in HOSTILE_NAMES:
        page.get_by_label(name, exact=True).uncheck()
    expect(shown).to_have_count(0)
    for name in HOSTILE_NAMES:
        page.get_by_label(name, exact=True).check()
    expect(shown).to_have_count(before)
    assert asked == []
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download photo-mask.png").click()
    assert saved.value.suggested_filename == "photo-mask.png"
    assert Image.open(saved.value.path()).size == Image.open(photo).size
    expect(page.get_by_role("link", name="Download photo-overlay.jpg")).to_be_visible()


def test_an_example_is_a_click_away(page: Page) -> None:
    page.locator(".gallery button, button.gallery-item").first.click()
    expect(page.locator(".overlay .mask").first).to_be_visible()


def test_a_wrong_file_is_told_and_shows_nothing(page: Page, photo: Path, words: Path) -> None:
    upload(page, photo)
    expect(page.locator(".overlay")).to_be_visible()
    upload(page, words)
    expect(page.get_by_text("The file is not an image that can be read")).to_have_count(1)
    expect(page.locator(".overlay")).to_have_count(0)
    expect(page.get_by_label("range slider")).not_to_be_visible()
    upload(page, photo)
    expect(page.locator(".overlay")).to_be_visible()
    expect(page.get_by_text("The file is not an image that can be read")).to_have_count(0)


def test_several_images_are_shown_and_the_bad_one_told(
    page: Page, photo: Path, words: Path
) -> None:
    page.get_by_role("tab", name="Several images").click()
    upload(page, photo, words)
    page.get_by_role("button", name="Segment", exact=True).click()
    cards = page.locator(".card")
    expect(cards).to_have_count(2)
    expect(cards.nth(0)).to_contain_text("photo.jpg")
    expect(cards.nth(0)).to_contain_text(HOSTILE_NAMES[0])
    expect(cards.nth(0).locator(".mask").first).to_be_visible()
    with page.expect_download() as saved:
        page.get_by_role("link", name="Download as ZIP").click()
    assert saved.value.suggested_filename == "masks.zip"
    names = zipfile.ZipFile(saved.value.path()).namelist()
    assert names == ["photo-mask.png", "photo-overlay.jpg"]
    expect(cards.nth(1)).to_contain_text("The file is not an image that can be read")
    expect(cards.nth(1).locator("img")).to_have_count(0)
