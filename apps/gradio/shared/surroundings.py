"""What Gradio finds around it: where it keeps files, how many, and how it reaches itself."""

import atexit
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from urllib.request import getproxies_environment

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from notices import hide_notices

_HERE = ("127.0.0.1", "localhost")


def prepare() -> None:
    """Give the app a folder of its own, a way to itself past all proxies, and a quiet terminal.

    To be called before Gradio is imported, which reads the environment then. `GRADIO_TEMP_DIR` may
    name another folder; the app's own one is removed when it ends.
    """
    if not os.environ.get("GRADIO_TEMP_DIR"):
        # Gradio's default, /tmp/gradio, is another user's where that one began with it.
        folder = tempfile.mkdtemp(prefix="gradio-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        os.environ["GRADIO_TEMP_DIR"] = folder
    hide_notices()
    # Gradio asks itself whether it answers.
    others = getproxies_environment().get("no", "")
    if others != "*":
        for name in ("no_proxy", "NO_PROXY"):
            os.environ[name] = ",".join(filter(None, (others, *_HERE)))


class RoomForUploads:
    """Refuses uploads while the files that are kept take too much of the disk.

    Args:
        app: what answers otherwise.
        folder: where the files are.
        most: bytes that they may take.
    """

    def __init__(self, app: ASGIApp, folder: Path, most: int) -> None:
        self._app = app
        self._folder = folder
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        answer = self._app
        if scope["type"] == "http" and scope["path"].endswith("/upload") and self._is_full():
            text = "The app keeps as many files as it may: retry in some minutes."
            answer = PlainTextResponse(text, status_code=507)
        await answer(scope, receive, send)

    def _is_full(self) -> bool:
        taken = 0
        for folder, _, names in os.walk(self._folder):
            for name in names:
                try:
                    taken += os.stat(os.path.join(folder, name)).st_size
                except FileNotFoundError:  # deleted just now
                    continue
        return taken >= self._most
