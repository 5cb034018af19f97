"""What every app does around its model: finds it, builds the page, and serves it.

`surroundings.prepare` is called before this is imported, for Gradio reads the environment then.
"""

import argparse
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import gradio as gr
from starlette.middleware import Middleware

from hub import Origin, download
from scenes import draw_scenes
from surroundings import RoomForUploads

# What users may have an app keep.
_MAX_FILE_SIZE = "100mb"
_MAX_KEPT = 2 * 10**9  # bytes
_DELETED_AFTER = 20 * 60  # seconds
_MAX_WAITING = 64  # requests
# Gradio looks for waiting ones a thousand times a second, which takes 8 % of a core of an idle app.
_POLL_SECONDS = 0.02

Model = TypeVar("Model")


def image_file(**settings: Any) -> gr.Image:
    """Return a gr.Image that hands on the very file: by itself it opens it, and may fail to."""
    component = gr.Image(type="filepath", **settings)

    def path(payload: Any) -> str | None:
        return payload and payload.path

    component.preprocess = path  # type: ignore[method-assign]
    return component


def offer_examples(
    paths: list[Path], image: gr.Image, show: Callable[..., Any], result: list[Any]
) -> None:
    """Put small pictures on the page; a click on one chooses it, as if it were uploaded.

    gr.Examples would put another component in the place of that user's `image`: one that opens
    whatever is uploaded from then on.

    Args:
        paths: the example images.
        image: made by `image_file`.
        show: what is called with the image's path.
        result: the components that its answer goes to.
    """
    examples = gr.Dataset(
        components=[image], samples=[[str(path)] for path in paths], label="Examples", type="index"
    )
    examples.click(
        lambda index: examples.samples[index][0]["path"],
        examples,
        image,
        show_progress="hidden",
        api_visibility="private",
    ).then(show, image, result, show_progress_on=image, api_visibility="private")


def ask_for_several(verb: str, show_all: Callable[..., Any]) -> None:
    """Put a field for several images on the page, and below it the answers to all of them.

    Args:
        verb: what the button says.
        show_all: what is called with the images' paths; its answer is HTML.
    """
    files = gr.File(label="Images", file_count="multiple", file_types=["image"], height=200)
    start = gr.Button(verb, variant="primary")
    answers = gr.HTML(apply_default_css=False)
    start.click(lambda: "", None, answers, show_progress="hidden", api_visibility="private").then(
        show_all, files, answers, show_progress_on=files, api_visibility="private"
    )


def begin_page(title: str) -> gr.Blocks:
    """Return an empty page, which deletes its users' files after a while."""
    return gr.Blocks(title=title, analytics_enabled=False, delete_cache=(60, _DELETED_AFTER))


def serve(
    folder: Path,
    load: Callable[[Path], Model],
    build: Callable[[Model, Origin, list[Path]], gr.Blocks],
    css: str,
) -> str | None:
    """Serve an app until it is stopped.

    Args:
        folder: the app's, which may hold `model.json` and `examples`.
        load: the model in a folder; its ValueError is told.
        build: the page of a model, where it comes from, and example images.
        css: the page's.

    Returns:
        Why it cannot serve, where it cannot.
    """
    parser = argparse.ArgumentParser(description="Shows a published model at work.")
    parser.add_argument("--model", type=Path, metavar="FOLDER", help="default: as in model.json")
    parser.add_argument(
        "--examples", type=Path, metavar="FOLDER", help="of images to try; default: beside app.py"
    )
    parser.add_argument(
        "--port", type=int, help="default: GRADIO_SERVER_PORT, or the first free one from 7860"
    )
    arguments = parser.parse_args()
    try:
        if arguments.model:
            found, origin = arguments.model, Origin(str(arguments.model))
        elif (folder / "model.json").exists():
            found, origin = download(folder / "model.json")
        else:
            parser.error("there is no model.json beside app.py: name a model folder with --model")
        model = load(found)
    except ValueError as error:
        return str(error)
    kept = Path(os.environ["GRADIO_TEMP_DIR"])
    room = Middleware(RoomForUploads, folder=kept, most=_MAX_KEPT)
    with tempfile.TemporaryDirectory() as drawn:
        given = arguments.examples or folder / "examples"
        examples = sorted(given.glob("*.*")) or draw_scenes(Path(drawn))
        page = build(model, origin, examples)
        # One user's batch does not keep the others waiting.
        page.queue(default_concurrency_limit=4, max_size=_MAX_WAITING)
        page._queue.sleep_when_free = _POLL_SECONDS
        try:
            _, url, _ = page.launch(
                quiet=True,  # Gradio would advise to share it
                prevent_thread_lock=True,
                server_port=arguments.port,
                max_file_size=_MAX_FILE_SIZE,
                app_kwargs={"middleware": [room]},
                footer_links=["api"],
                run_history=False,
                ssr_mode=False,
                theme=gr.themes.Soft(font=("system-ui", "sans-serif")),
                css=css,
            )
        except OSError:
            return (
                "The port is taken, or all from 7860 to 7959 are: give a free one with --port, or "
                "in GRADIO_SERVER_PORT."
            )
        print(f"Serving {origin.name} at {url}", flush=True)
        page.block_thread()
    return None
