"""How long a command keeps its user waiting before it does anything.

The peer of each is what every command of TFX pays, `import tfx.v1`; of the app, which needs no TFX,
the import of Gradio and TensorFlow. All are whole processes. The run that is reported on, run again
and served is of a small network, trained for one epoch on a few drawn images.
"""

import functools
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.request import urlopen

import psutil
from rich.console import Console
from rich.progress import track

from benchmarks import processes
from benchmarks.report import Figure, figure
from tests.ports import free_port

_TRAIN_IMAGES, _VAL_IMAGES = 32, 8
_TRAINING = {"MODEL": "unet_light", "IMAGE_SIZE": 32, "BATCH_SIZE": 8, "EPOCHS": 1}
_PIPELINE = "segformer-training-pipeline"
_APP = processes.ROOT / "apps/gradio/semantic_segmentation/app.py"
_LONGEST_START = 300  # s
_TFX, _GRADIO = "import tfx.v1", "import gradio, tensorflow"
_SERVED = "app.py, until it answers"

Used = tuple[float, float]  # seconds, CPU seconds


def run(rounds: int) -> list[Figure]:
    """Start each command and the peers in turn.

    Args:
        rounds: how often each is measured.

    Returns:
        Of each command its seconds and its CPU seconds.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        commands = _commands(folder)
        peers: dict[str, Callable[[], Used]] = {
            statement: functools.partial(_python, "-c", statement) for statement in (_TFX, _GRADIO)
        }
        taken: dict[str, list[Used]] = {what: [] for what in (*commands, *peers)}
        for _ in track(range(rounds), "start", console=Console(stderr=True)):
            for what, start in (*commands.items(), *peers.items()):
                taken[what].append(start())
    found = []
    for what in commands:
        peer = _GRADIO if what == _SERVED else _TFX
        for unit, index in (("s", 0), ("CPU s", 1)):
            ours, others = ([used[index] for used in taken[name]] for name in (what, peer))
            found.append(figure(f"{what}, {unit}", unit, ours, others, peer))
    return found


def _commands(folder: Path) -> dict[str, Callable[[], Used]]:
    """Return what is measured, by its name, after the run that it needs."""
    settings = {
        **_TRAINING,
        "HOME": folder,  # tfx keeps what it knows of pipelines there
        "DATA_ROOT": folder / "data",
        "PIPELINE_ROOT": folder / "pipeline",
        "SERVING_DIR": folder / "serving",
        "HF_REPO_ID": "",
    }
    images = ["--train", _TRAIN_IMAGES, "--val", _VAL_IMAGES]
    processes.python("-m", "tfrecords.synthetic", "--output", folder / "data", *images)
    local = ["--engine=local", "--pipeline-path=local_runner.py"]
    processes.measure(["tfx", "pipeline", "create", *local], **settings)
    again = ["tfx", "run", "create", "--engine=local", f"--pipeline-name={_PIPELINE}"]
    processes.measure(again, **settings)
    [model] = (folder / "pipeline/Trainer/model").glob("*/Format-Serving")

    return {
        **{
            f"python -m pipeline {verb}": functools.partial(
                _python, "-m", "pipeline", verb, **settings
            )
            for verb in ("--help", "check", "report")
        },
        "tfx run create, all cached": lambda: _used(processes.measure(again, **settings)),
        _SERVED: lambda: _serve(model, folder),
    }


def _python(*arguments: str, **settings: object) -> Used:
    return _used(processes.python(*arguments, **settings))


def _used(usage: processes.Usage) -> Used:
    return usage.seconds, usage.cpu_seconds


def _serve(model: Path, folder: Path) -> Used:
    """Start the app, wait for its page, and end it."""
    port = free_port()
    settings = processes.variables(
        GRADIO_SERVER_PORT=port, GRADIO_TEMP_DIR=folder / "cache", HF_HOME=folder / "hub"
    )
    began = time.perf_counter()
    with (folder / "app.txt").open("w") as log:
        process = subprocess.Popen(
            [processes.PYTHON, str(_APP), "--model", str(model)],
            env=settings,
            stdout=log,
            stderr=log,
        )
        try:
            while not _answers(f"http://127.0.0.1:{port}/"):
                if process.poll() is not None or time.perf_counter() > began + _LONGEST_START:
                    said = (folder / "app.txt").read_text()[-2000:]
                    raise RuntimeError(f"The app does not answer: {said}")
                time.sleep(0.05)
            used = psutil.Process(process.pid).cpu_times()
            return time.perf_counter() - began, used.user + used.system
        finally:
            process.terminate()
            process.wait(30)


def _answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False
