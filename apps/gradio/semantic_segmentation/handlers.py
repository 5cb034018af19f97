"""What the page's controls and the endpoints do."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import gradio as gr
from PIL import Image

import drawing
from images import ImageFault
from page import INVITATION, fault
from segmentation import Model
from uploads import Uploads


class Handlers:
    """Gradio's callbacks for one model; they keep nothing between calls."""

    def __init__(self, model: Model) -> None:
        self._look = drawing.Look(model.palette, model.background)
        self._uploads = Uploads(model.segment, model.max_megapixels, "Segmenting")

    def show(self, path: str | None) -> Iterator[tuple[Any, ...]]:
        """One image file to what is shown: overlay, the column of details, and legend."""
        # What belongs to the image before goes first.
        yield INVITATION, gr.Column(visible=False), None
        if path is None:
            return
        try:
            picture, found = self._uploads.answer(path)
        except gr.Error as error:
            yield fault(error.message), gr.Column(visible=False), None
            return
        yield (
            drawing.overlay(picture.pixels, found.mask, self._look, drawing.VIEW),
            gr.Column(visible=True),
            drawing.legend(Path(path).name, picture, found, self._look),
        )

    def show_all(
        self,
        paths: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # how Gradio is asked for one
    ) -> str:
        """Image files to a card each: what was found, or why nothing was."""
        try:
            return drawing.cards(self._uploads.answer_all(paths, progress), self._look)
        except gr.Error as error:
            return fault(error.message)

    def segment(self, image: str | None) -> tuple[Any, dict[str, float], float]:
        """Segments one image file.

        Args:
            image: the file.

        Returns:
            A PNG of class ids of the image's own size, each class's share of the pixels, and the
            milliseconds that the model took.
        """
        _, found = self._uploads.answer(image)
        return _own_file(Image.fromarray(found.mask)), found.shares, round(found.milliseconds, 3)

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
        for name, answer in self._uploads.answer_all(images, progress):
            if isinstance(answer, ImageFault):
                results.append({"name": name, "error": str(answer)})
                continue
            _, found = answer
            masks.append((_own_file(Image.fromarray(found.mask)), name))
            milliseconds = round(found.milliseconds, 3)
            results.append({"name": name, "shares": found.shares, "milliseconds": milliseconds})
        return masks, results


def _own_file(image: Image.Image) -> Image.Image:
    """Give an image, as PNG, a file that no other result has.

    Gradio names a file by its content and writes it again for every result: whoever fetches the
    same mask at that moment would get a part of it, or nothing.
    """
    image.info["id"] = uuid4().hex
    return image
