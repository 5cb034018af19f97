"""Runs a model on the files that users upload, one or many."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Generic, TypeVar

import gradio as gr

from images import ImageFault, Picture, read_image
from runtime import Pixels

MAX_FILES = 100
# Images at work at once, of all users: the largest allowed takes nearly 1 GB.
_AT_ONCE = 2

Answer = TypeVar("Answer")


class Uploads(Generic[Answer]):
    """What a model answers to image files; nothing is kept between calls.

    Args:
        run: the model; from uint8 [height, width, 3], RGB.
        max_megapixels: the largest image that is decoded, in millions of pixels.
        doing: what the progress bar says of many files.
    """

    def __init__(self, run: Callable[[Pixels], Answer], max_megapixels: float, doing: str) -> None:
        self._run = run
        self._max_megapixels = max_megapixels
        self._doing = doing
        self._slots = threading.Semaphore(_AT_ONCE)

    def answer(self, path: str | None) -> tuple[Picture, Answer]:
        """Answer one file.

        Raises:
            gr.Error: there is none, or it cannot be used; the message is for the user.
        """
        if path is None:
            raise gr.Error("There is no image: send one.", print_exception=False)
        try:
            return self._answer(path)
        except ImageFault as fault:
            raise gr.Error(str(fault), print_exception=False) from None

    def answer_all(
        self, paths: list[str] | None, progress: gr.Progress
    ) -> Iterator[tuple[str, tuple[Picture, Answer] | ImageFault]]:
        """Answer several files; one that cannot be used keeps none of the others back.

        Returns:
            Each file's name with its answer, or with why there is none.

        Raises:
            gr.Error: there are too few files or too many.
        """
        count = len(paths or ())
        if not 1 <= count <= MAX_FILES:
            message = f"{count} files were chosen: choose 1 to {MAX_FILES} images."
            raise gr.Error(message, print_exception=False)
        for path in progress.tqdm(paths, desc=self._doing, unit="images"):
            try:
                yield Path(path).name, self._answer(path)
            except ImageFault as fault:
                yield Path(path).name, fault

    def _answer(self, path: str) -> tuple[Picture, Answer]:
        with self._slots:
            picture = read_image(Path(path).read_bytes(), self._max_megapixels)
            return picture, self._run(picture.pixels)
