"""`python -m pipeline VERB`: the verbs that `tfx` lacks."""

import argparse
import os
import sys
import webbrowser
from pathlib import Path

# Before TensorFlow is imported: its C++ notices about the machine are nothing to act on.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from rich.console import Console

# The verbs import what they need: Keras, which the settings ask for models, takes seconds.
APP = Path(__file__).parents[1] / "apps/gradio/semantic_segmentation/app.py"


def main() -> int:
    """Runs a verb; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m pipeline", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("check", help="name what is wrong or missing before a run")
    reporting = verbs.add_parser("report", help="write the report of a run again")
    reporting.add_argument("--run", metavar="ID", help="default: the newest run")
    reporting.add_argument("--open", action="store_true", help="show it in the browser")
    verbs.add_parser("app", help="serve the newest pushed model to the browser")
    rehearsing = verbs.add_parser("rehearse", help="run a compiled Vertex job on this machine")
    rehearsing.add_argument(
        "--spec", type=Path, required=True, help="PipelineJob as KubeflowV2DagRunner writes it"
    )
    rehearsing.add_argument(
        "--store",
        type=Path,
        default=Path("output/rehearsal"),
        help="folder of metadata, logs, and gcs/BUCKET for gs://BUCKET; default: %(default)s",
    )
    rehearsing.add_argument(
        "--parameter",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="value of a parameter of the job; may be repeated",
    )
    rehearsing.add_argument("--no-cache", action="store_true", help="run every step anew")
    rehearsing.add_argument(
        "--parallel", type=int, metavar="N", help="steps at a time; default: one for each core"
    )
    arguments = parser.parse_args()
    if arguments.verb == "check":
        return check()
    if arguments.verb == "app":
        return app()
    if arguments.verb == "rehearse":
        from pipeline.rehearsal.command import run

        return run(arguments)
    return report(arguments.run, arguments.open)


def check() -> int:
    """Prints what a run would meet; returns 0, or 2 when something must be mended first."""
    from pipeline.check import check_local
    from pipeline.configs import load_settings

    console = Console(soft_wrap=True)
    try:
        for line in check_local(load_settings()):
            console.print(f"[green]ok[/] {line}")
    except ValueError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    return 0


def report(run_id: str | None, show: bool) -> int:
    """Writes a run's report and prints its path; returns 0, or 2 when there is no such run.

    Args:
        run_id: the newest run's when None.
        show: whether to open it in the browser.
    """
    import tensorflow as tf

    from pipeline import engines, runs
    from pipeline.configs import load_settings
    from pipeline.report import write_report

    tf.get_logger().setLevel("ERROR")  # TFMA reads its files in a way that TensorFlow deprecates

    console = Console(soft_wrap=True)
    try:
        store = engines.metadata_path(load_settings())
        run = runs.load_run(store, run_id)
    except ValueError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    try:
        path = write_report(run, store.parent)
    except (OSError, tf.errors.OpError) as error:
        message = f"What run {run.run_id} left is no longer whole, or cannot be written to: {error}"
        console.print(message, style="red", markup=False)
        return 2
    console.print(str(path), markup=False)
    if show and not webbrowser.open(path.as_uri()):
        console.print("There is no browser to show it; open the file yourself.", style="red")
    return 0


def app() -> int:
    """Becomes the demo app, serving the newest version; returns 2 when nothing was pushed."""
    from pipeline.configs import load_settings

    console = Console(soft_wrap=True)
    try:
        pushed = Path(load_settings().serving_dir)
    except ValueError as error:
        console.print(str(error), style="red", markup=False)
        return 2
    versions = [path.parent for path in pushed.glob("*/saved_model.pb")]
    numbers = [int(version.name) for version in versions if version.name.isdecimal()]
    if not numbers:
        message = (
            f"No model was pushed to {pushed} yet: run the pipeline first, as `make demo` does."
        )
        console.print(message, style="red", markup=False)
        return 2
    newest = pushed / str(max(numbers))
    # The app knows nothing of this repository, just as on the Hub.
    os.execv(sys.executable, [sys.executable, str(APP), "--model", str(newest)])


if __name__ == "__main__":
    sys.exit(main())
