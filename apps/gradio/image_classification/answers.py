"""What the page's controls and the endpoints do."""

from collections.abc import Iterator
from typing import Any

import gradio as gr

from classification import Model
from images import ImageFault
from page import INVITATION, fault, remarks
from table import table
from uploads import Uploads


class Answers:
    """Gradio's callbacks for one model; they keep nothing between calls."""

    def __init__(self, model: Model) -> None:
        self._uploads = Uploads(model.classify, model.max_megapixels, "Classifying")

    def show(self, path: str | None) -> Iterator[tuple[Any, ...]]:
        """One image file to what is shown: invitation, the column of details, bars and remarks."""
        # What belongs to the image before goes first: should this one fail, nothing is shown.
        yield gr.HTML(INVITATION, visible=True), gr.Column(visible=False), None, None
        if path is None:
            return
        try:
            picture, found = self._uploads.answer(path)
        except gr.Error as error:
            yield gr.HTML(fault(error.message)), gr.Column(visible=False), None, None
            return
        height, width = picture.pixels.shape[:2]
        told = [f"{width} x {height} pixels in {found.milliseconds:.1f} ms."]
        if found.decision:
            told.insert(0, f"Decision: {found.decision}.")
        yield (
            gr.HTML(visible=False),
            gr.Column(visible=True),
            found.probabilities,
            remarks((*told, *picture.notices)),
        )

    def show_all(
        self,
        paths: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008  # how Gradio is asked for one
    ) -> str:
        """Image files to a table: what was found in each, or why nothing was."""
        try:
            return table(self._uploads.answer_all(paths, progress))
        except gr.Error as error:
            return fault(error.message)

    def classify(self, image: str | None) -> tuple[str, dict[str, float], float]:
        """Classifies one image file.

        Args:
            image: the file.

        Returns:
            The class that the model decides for, each class's probability, and the milliseconds
            that the model took.
        """
        _, found = self._uploads.answer(image)
        return found.class_name, found.probabilities, round(found.milliseconds, 3)

    def classify_batch(
        self,
        images: list[str] | None,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> list[dict[str, Any]]:
        """Classifies several image files; one that cannot be used keeps none of the others back.

        Args:
            images: the files.
            progress: where it is told how far this is.

        Returns:
            For every file, in the order sent, its name with its class, probabilities, milliseconds
            and decision, or with the error.
        """
        results: list[dict[str, Any]] = []
        for name, answer in self._uploads.answer_all(images, progress):
            if isinstance(answer, ImageFault):
                results.append({"name": name, "error": str(answer)})
                continue
            _, found = answer
            results.append(
                {
                    "name": name,
                    "class_name": found.class_name,
                    "probabilities": found.probabilities,
                    "milliseconds": round(found.milliseconds, 3),
                    "decision": found.decision,
                }
            )
        return results
