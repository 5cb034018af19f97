"""Shows a published classification model at work, on one image or on several.

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

from answers import Answers
from classification import Model
from frame import ask_for_several, begin_page, image_file, offer_examples, serve
from hub import Origin
from page import CSS, INVITATION, heading

TITLE = "Image classification"
_SHOWN_CLASSES = 5


def build(model: Model, origin: Origin, examples: list[Path]) -> gr.Blocks:
    """Make the page and the endpoints `/classify` and `/classify_batch`."""
    answers = Answers(model)
    with begin_page(TITLE) as page:
        title = heading(TITLE, model.description, origin.name, origin.url, origin.card)
        gr.HTML(title, apply_default_css=False)
        with gr.Tab("One image"), gr.Row():
            _one_image(answers, examples)
        with gr.Tab("Several images"):
            ask_for_several("Classify", answers.show_all)
        gr.on(
            [],
            answers.classify,
            image_file(visible=False),
            [
                gr.Textbox(label="class_name", visible=False),
                gr.JSON(label="probabilities", visible=False),
                gr.Number(label="milliseconds", visible=False),
            ],
            api_name="classify",
        )
        gr.on(
            [],
            answers.classify_batch,
            gr.File(file_count="multiple", visible=False),
            gr.JSON(label="results", visible=False),
            api_name="classify_batch",
        )
    return page


def _one_image(answers: Answers, examples: list[Path]) -> None:
    with gr.Column():
        image = image_file(label="Image", sources=["upload", "webcam", "clipboard"], height=360)
        shown_below = gr.Column()
    with gr.Column():
        invitation = gr.HTML(INVITATION, apply_default_css=False)
        with gr.Column(visible=False) as details:
            bars = gr.Label(num_top_classes=_SHOWN_CLASSES, label="Class", buttons=[])
            remarks = gr.HTML(apply_default_css=False)
    result = [invitation, details, bars, remarks]
    gr.on(
        [image.input],
        answers.show,
        image,
        result,
        show_progress_on=image,
        trigger_mode="always_last",  # an image chosen while another is at work is not left out
        api_visibility="private",
    )
    with shown_below:
        offer_examples(examples, image, answers.show, result)


if __name__ == "__main__":
    sys.exit(serve(HERE, Model, build, CSS))
