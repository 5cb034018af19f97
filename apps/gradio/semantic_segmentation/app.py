"""Shows a published segmentation model at work, on one image or on several.

    python app.py --model FOLDER

serves a model folder; without the option, the model that `model.json` beside this file names.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from surroundings import RoomForUploads, prepare

prepare()  # before Gradio is imported

import gradio as gr
from starlette.middleware import Middleware

import drawing
from handlers import Handlers
from hub import Origin, download
from scenes import draw_scenes
from segmentation import Model

HERE = Path(__file__).parent
# What users may have the app keep.
MAX_FILE_SIZE = "100mb"
MAX_KEPT = 2 * 10**9  # bytes
DELETED_AFTER = 20 * 60  # seconds
MAX_WAITING = 64  # requests

# The mask lies over the image in the browser: to move the slider asks the server nothing.
SET_OPACITY = "value => document.documentElement.style.setProperty('--mask-opacity', value / 100)"


def image_file(**settings: Any) -> gr.Image:
    """A gr.Image that hands on the very file; of itself it opens the file, and may fail to."""
    component = gr.Image(type="filepath", **settings)

    def path(payload: Any) -> str | None:
        return payload and payload.path

    component.preprocess = path  # type: ignore[method-assign]
    return component


def build(model: Model, origin: Origin, examples: list[Path]) -> gr.Blocks:
    """Makes the page and the endpoints `/segment` and `/segment_batch`."""
    handlers = Handlers(model)
    with gr.Blocks(
        title="Semantic segmentation", analytics_enabled=False, delete_cache=(60, DELETED_AFTER)
    ) as page:
        title = drawing.heading(model.description, origin.name, origin.url)
        gr.HTML(title, apply_default_css=False)
        with gr.Tab("One image"), gr.Row():
            _one_image(handlers, examples)
        with gr.Tab("Several images"):
            _several_images(handlers)
        gr.on(
            [],
            handlers.segment,
            image_file(visible=False),
            [
                gr.Image(label="mask", format="png", visible=False),
                gr.JSON(label="shares", visible=False),
                gr.Number(label="milliseconds", visible=False),
            ],
            api_name="segment",
        )
        gr.on(
            [],
            handlers.segment_batch,
            gr.File(file_count="multiple", visible=False),
            [
                gr.Gallery(label="masks", format="png", visible=False),
                gr.JSON(label="results", visible=False),
            ],
            api_name="segment_batch",
        )
    # One user's batch does not keep the others waiting.
    return page.queue(default_concurrency_limit=4, max_size=MAX_WAITING)


def _one_image(handlers: Handlers, examples: list[Path]) -> None:
    with gr.Column():
        image = image_file(label="Image", sources=["upload", "clipboard"], height=360)
        shown_below = gr.Column()
    with gr.Column():
        view = gr.HTML(drawing.INVITATION, apply_default_css=False)
        with gr.Column(visible=False) as details:
            opacity = gr.Slider(0, 100, 50, step=1, label="Mask opacity, %", buttons=[])
            legend = gr.HTML(apply_default_css=False)
            mask = gr.Image(label="Mask", format="png", buttons=["download", "fullscreen"])
    opacity.input(None, opacity, js=SET_OPACITY)
    result = [view, details, legend, mask]
    gr.on(
        [image.input],
        handlers.show,
        image,
        result,
        show_progress_on=view,
        api_visibility="private",
    )
    with shown_below:
        gr.Examples(
            [[str(path)] for path in examples],
            image,
            result,
            handlers.show,
            run_on_click=True,
            cache_examples=False,
            api_visibility="private",
        )


def _several_images(handlers: Handlers) -> None:
    files = gr.File(label="Images", file_count="multiple", file_types=["image"], height=200)
    start = gr.Button("Segment", variant="primary")
    cards = gr.HTML(apply_default_css=False)
    start.click(
        handlers.show_all,
        files,
        cards,
        show_progress_on=files,
        api_visibility="private",
    )


def main() -> str | None:
    """Serves until it is stopped; returns why it cannot, where it cannot."""
    parser = argparse.ArgumentParser(description="Shows a segmentation model at work.")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="default: as in model.json")
    arguments = parser.parse_args()
    try:
        if arguments.model:
            folder, origin = arguments.model, Origin(str(arguments.model))
        elif (HERE / "model.json").exists():
            folder, origin = download(HERE / "model.json")
        else:
            parser.error("there is no model.json beside app.py: name a model folder with --model")
        model = Model(folder)
    except ValueError as error:
        return str(error)
    kept = Path(os.environ["GRADIO_TEMP_DIR"])
    room = Middleware(RoomForUploads, folder=kept, most=MAX_KEPT)
    with tempfile.TemporaryDirectory() as drawn:
        examples = sorted((HERE / "examples").glob("*.*")) or draw_scenes(Path(drawn))
        build(model, origin, examples).launch(
            max_file_size=MAX_FILE_SIZE,
            app_kwargs={"middleware": [room]},
            footer_links=["api"],
            run_history=False,
            ssr_mode=False,
            theme=gr.themes.Soft(font=("system-ui", "sans-serif")),
            css=drawing.CSS,
        )
    return None


if __name__ == "__main__":
    sys.exit(main())
