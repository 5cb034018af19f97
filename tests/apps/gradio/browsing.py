"""The app in a real browser, in which nothing may go wrong unseen."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page

from tests.apps.gradio.running import RunningApp


@contextlib.contextmanager
def open_page(
    browser: Browser, app: RunningApp, width: int, scheme: Literal["light", "dark"], folder: Path
) -> Iterator[Page]:
    """Opens the app; what the page asks of other hosts, or says in dialogs, is a failure.

    Args:
        browser: in which.
        app: that serves it.
        width: of the window, in pixels, which the page may not exceed.
        scheme: the colours that the user prefers.
        folder: for a picture of the page as it is in the end.
    """
    viewport = {"width": width, "height": 900}
    with browser.new_context(color_scheme=scheme, viewport=viewport) as context:
        page = context.new_page()
        hosts: set[str] = set()
        said: list[str] = []
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append(dialog.message))
        page.goto(app.url)
        yield page
        page.screenshot(path=folder / f"{width}.png", full_page=True)
        assert hosts <= {urlsplit(app.url).netloc, ""}  # none: data and blobs
        assert said == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def upload(page: Page, *paths: Path) -> None:
    page.locator("[role=tabpanel]:visible input[type=file]").set_input_files(list(paths))
