"""What the page's controls and the endpoints do."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr
from PIL import Image

import drawing
from images import ImageFault, Picture, read_image
from segmentation import Model, Segmentation

MAX_FILES = 100
# Images at work at once, of all users: the largest allowed takes nearly 1 GB.
_AT_ONCE = 2


class Handlers:
    """Gradio's callbacks for one model; they keep nothing between calls."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._slots = threading.Semaphore(_AT_ONCE)

    def show(self, path: str | None) -> Iterator[tuple[Any, ...]]:
        """One image file to what is shown: overlay, the column of details, legend and mask."""
        # What belongs to the image before goes first: should this one fail, nothing is shown.
        yield drawing.INVITATION, gr.Column(visible=False), None, None
        if path is None:
            return
        picture, found = self._run_or_tell(path)
        palette = self._model.palette
        yield (
            drawing.overlay(picture.pixels, found.mask, palette, drawing.VIEW),
            gr.Column(visible=True),
            drawing.legend(picture, found, palette),
            _own_file(drawing.colour(found.mask, palette)),
        )

    def show_all(
        self,
        paths: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # how Gradio is asked for one
    ) -> str:
        """Image files to a card each: what was found, or why nothing was."""
        palette = self._model.palette
        cards = [drawing.card(*result, palette) for result in self._run_all(paths, progress)]
        return f'<div class="cards">{"".join(cards)}</div>'

    def segment(self, image: str | None) -> tuple[Any, dict[str, float], float]:
        """Segments one image file.

        Args:
            image: the file.

        Returns:
            A PNG of class ids of the image's own size, each class's share of the pixels, and the
            milliseconds that the model took.
        """
        if image is None:
            raise gr.Error("There is no image: send one.", print_exception=False)
        _, found = self._run_or_tell(image)
        return _own_file(Image.fromarray(found.mask)), found.shares, round(found.milliseconds, 1)

    def segment_batch(
        self,
        images: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> tuple[list[Any], list[dict[str, Any]]]:
        """Segments several image files; one that cannot be used keeps none of the others back.

        Args:
            images: the files.
            progress: where it is told how far this is.

        Returns:
            PNGs of class ids with their files' names as captions; and for every file, in the order
            sent, its name with its shares and milliseconds, or with the error.
        """
        masks, results = [], []
        for name, answer in self._run_all(images, progress):
            if isinstance(answer, ImageFault):
                results.append({"name": name, "error": str(answer)})
                continue
            _, found = answer
            masks.append((_own_file(Image.fromarray(found.mask)), name))
            milliseconds = round(found.milliseconds, 1)
            results.append({"name": name, "shares": found.shares, "milliseconds": milliseconds})
        return masks, results

    def _run(self, path: str) -> tuple[Picture, Segmentation]:
        with self._slots:
            picture = read_image(Path(path).read_bytes(), self._model.max_megapixels)
            return picture, self._model.segment(picture.pixels)

    def _run_or_tell(self, path: str) -> tuple[Picture, Segmentation]:
        try:
            return self._run(path)
        except ImageFault as fault:
            raise gr.Error(str(fault), print_exception=False) from None

    def _run_all(
        self, paths: list[str] | None, progress: gr.Progress
    ) -> Iterator[tuple[str, tuple[Picture, Segmentation] | ImageFault]]:
        count = len(paths or ())
        if not 1 <= count <= MAX_FILES:
            message = f"{count} files were chosen: choose 1 to {MAX_FILES} images."
            raise gr.Error(message, print_exception=False)
        for path in progress.tqdm(paths, desc="Segmenting", unit="images"):
            try:
                yield Path(path).name, self._run(path)
            except ImageFault as fault:
                yield Path(path).name, fault


def _own_file(image: Image.Image) -> Image.Image:
    """Gives an image, as PNG, a file that no other result has.

    Gradio names a file by its content and writes it anew for every result: whoever fetches the
    same mask at that moment would get a part of it, or nothing.
    """
    image.info["id"] = uuid4().hex
    return image
