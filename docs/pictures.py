"""Takes the pictures that the pages show, of what `make demo` made: `make pictures`.

They are report.png, the top of the newest report, app.gif, the app at work, and those of tour/:
sections of that report, and the app with an answer. Settings such as PIPELINE_ROOT name another
run.
"""

import contextlib
import io
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

from PIL import Image
from playwright.sync_api import Locator, Page, sync_playwright

from pipeline.configs import load_settings
from tests.ports import free_port
from tfrecords.drawing import scenes

_PAGES = Path(__file__).parent
_SECTIONS = ("gate", "slices", "learning", "images", "edge", "data")
_WIDTH, _HEIGHT = 1200, 860
_LONGEST = 1000  # pixels of a section's height; the rest is cut off
_LONGEST_START = 120.0  # s
_SEED = 23
_SLID = (100, 80, 60, 40, 20, 0, 0)  # percent of the image without its mask, frame by frame
_FRAME = 600  # ms


def main() -> None:
    """Write the pictures."""
    folder = Path(sys.argv[1]) if sys.argv[1:] else _PAGES
    settings = load_settings()
    reports = sorted(Path(settings.pipeline_root, "reports").glob("[0-9]*.html"))
    chromium = shutil.which("chromium")
    if not reports or chromium is None:
        sys.exit("The pictures are those of `make demo`, taken by chromium: one is missing.")
    (folder / "tour").mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": _WIDTH, "height": _HEIGHT})
        page.goto(reports[-1].resolve().as_uri())
        _keep(page, folder / "report.png")
        for name in _SECTIONS:
            section = page.locator("section", has=page.locator(f"#{name}"))
            _keep(section, folder / "tour" / f"{name}.png")
        with _app() as url:
            _ask(page, url)
            _keep(page, folder / "tour/app.png")
            _animate(page, folder / "app.gif")


@contextlib.contextmanager
def _app() -> Iterator[str]:
    """Serve the newest pushed model; give the page's address."""
    port = free_port()
    command = [sys.executable, "-m", "pipeline", "app", "--port", str(port)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            until = time.monotonic() + _LONGEST_START
            while process.poll() is None and time.monotonic() < until:
                with contextlib.suppress(OSError), urlopen(f"http://127.0.0.1:{port}"):
                    break
                time.sleep(0.2)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _ask(page: Page, url: str) -> None:
    """Upload a drawn photo, and wait for the mask."""
    page.goto(url)
    with tempfile.NamedTemporaryFile(suffix=".jpg") as photo:
        photo.write(scenes.draw(seed=_SEED, index=0).jpeg())
        photo.flush()
        page.locator("[role=tabpanel]:visible input[type=file]").set_input_files(photo.name)
        page.locator(".overlay").wait_for()
        page.wait_for_load_state("networkidle")


def _animate(page: Page, path: Path) -> None:
    """Write what the page shows while the slider goes from before to after."""
    slider = page.locator(".overlay input")
    frames = []
    for value in _SLID:
        slider.evaluate(
            "(slider, to) => { slider.value = to; slider.dispatchEvent(new Event('input')); }",
            value,
        )
        frames.append(Image.open(io.BytesIO(page.screenshot())).convert("RGB").quantize(64))
    first, *others = frames
    first.save(path, save_all=True, append_images=others, duration=_FRAME, loop=0, optimize=True)


def _keep(shown: Page | Locator, path: Path) -> None:
    """Write a picture in few colours, which makes it a third as large."""
    picture = Image.open(io.BytesIO(shown.screenshot())).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(picture.height, _LONGEST)))
    picture.quantize(128).save(path, optimize=True)


if __name__ == "__main__":
    main()
