"""Shows a published segmentation model at work, on one image or on several.

    python app.py --model FOLDER

serves a model folder; without the option, the model that `model.json` beside this file names.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
# What all apps share; in a Space it is in the app's own folder.
sys.path.append(str(HERE.parent / "shared"))

from surroundings import prepare

prepare()  # before Gradio is imported

import gradio as gr

from drawing import CSS
from frame import ask_for_several, begin_page, image_file, offer_examples, serve
from handlers import Handlers
from hub import Origin
from page import INVITATION, heading
from segmentation import Model

TITLE = "Semantic segmentation"
# The masks lie over the image in the browser: to move the slider asks the server nothing.
SET_OPACITY = "value => document.documentElement.style.setProperty('--mask-opacity', value / 100)"
# So does each class, of which there may be 256.
SET_CLASSES = """shown => {
  const style = document.documentElement.style;
  for (let id = 0; id < 256; id++)
    style.setProperty(`--class-${id}`, shown.includes(id) ? "block" : "none");
}"""


def build(model: Model, origin: Origin, examples: list[Path]) -> gr.Blocks:
    """Make the page and the endpoints `/segment` and `/segment_batch`."""
    handlers = Handlers(model)
    with begin_page(TITLE) as page:
        title = heading(TITLE, model.description, origin.name, origin.url, origin.card)
        gr.HTML(title, apply_default_css=False)
        with gr.Tab("One image"), gr.Row():
            _one_image(model, handlers, examples)
        with gr.Tab("Several images"):
            ask_for_several("Segment", handlers.show_all)
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
    return page


def _one_image(model: Model, handlers: Handlers, examples: list[Path]) -> None:
    with gr.Column():
        image = image_file(label="Image", sources=["upload", "webcam", "clipboard"], height=360)
        shown_below = gr.Column()
    with gr.Column():
        view = gr.HTML(INVITATION, apply_default_css=False)
        with gr.Column(visible=False) as details:
            opacity = gr.Slider(0, 100, 50, step=1, label="Mask opacity, %", buttons=[])
            classes = gr.CheckboxGroup(
                [(name, number) for number, name in enumerate(model.class_names)],
                value=[
                    number
                    for number in range(len(model.class_names))
                    if number not in model.background
                ],
                label="Classes shown",
            )
            legend = gr.HTML(apply_default_css=False)
    opacity.input(None, opacity, js=SET_OPACITY)
    classes.input(None, classes, js=SET_CLASSES)
    result = [view, details, legend]
    gr.on(
        [image.input],
        handlers.show,
        image,
        result,
        show_progress_on=view,
        trigger_mode="always_last",  # an image chosen while another is at work is not left out
        api_visibility="private",
    )
    with shown_below:
        offer_examples(examples, image, handlers.show, result)


if __name__ == "__main__":
    sys.exit(serve(HERE, Model, build, CSS))
