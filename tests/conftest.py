"""What the whole suite shares: one data set, one trained pipeline run."""

import os

# huggingface_hub reads these when it is first imported, which is why they come before any other
# import: large files go by LFS, which the Hub's emulator speaks, and nothing is told to the Hub.
os.environ.setdefault("HF_HUB_DISABLE_XET", "1")
os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
# Likewise, to MLflow's makers.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
# Beam parses options in every step, and argparse looks each word up in catalogues of the language.
os.environ.setdefault("LANGUAGE", "C")
# A user's `make` is no part of the one that runs the tests, which it would announce.
os.environ.pop("MAKEFLAGS", None)
os.environ.pop("MAKELEVEL", None)
os.environ.pop("MFLAGS", None)
if "PYTEST_XDIST_WORKER" in os.environ:  # each worker has a processor of its own
    os.environ.setdefault("TF_NUM_INTRAOP_THREADS", "1")
    os.environ.setdefault("TF_NUM_INTEROP_THREADS", "1")

import gc
import json
import shutil
import subprocess
import sysconfig
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import filelock
import pytest

from tests.emulators.hub import HubEmulator
from tests.notices import notices
from tests.small_runs import REFUSED, SMOKE
from tests.warm.commands import commands, python
from tests.warm.server import GARBAGE

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from pipeline.recipe import Recipe

pytest_plugins = [
    "tests.budget.plugin",
    "tests.emulators.fixtures",
    "tests.models.fixtures",
    "tests.order",
    "tests.services.fixtures",
    "tests.warm.plugin",
]

REPOSITORY = Path(__file__).parents[1]
PIPELINE_NAME = "segformer-training-pipeline"
TFX_COMMANDS = (
    "tfx pipeline create --pipeline-path=local_runner.py --engine=local",
    "tfx pipeline compile --pipeline-path=local_runner.py --engine=local",
    f"tfx run create --pipeline-name={PIPELINE_NAME} --engine=local",
)
# What a published run is given beside its data. The values of both secrets are to be found nowhere.
PUBLISHING = {
    "HF_REPO_ID": "demo/pets",
    "HF_TOKEN": "hf_value_of_the_token",
    "HF_SPACE_SECRETS": '{"GREETING": "SECRET_GREETING"}',
    "SECRET_GREETING": "value_of_the_greeting",
}


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """Looks for garbage less often, and never in what is imported: it takes long and finds none."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        gc.enable()


@dataclass(frozen=True)
class Workplace:
    """A folder in which a user works with the repository: settings point into it."""

    folder: Path

    @property
    def pipeline_root(self) -> Path:
        return self.folder / "pipeline"

    @property
    def serving_dir(self) -> Path:
        return self.folder / "serving"

    def environment(self, *, warm: bool = True, **settings: object) -> dict[str, str]:
        """The machine's environment, the project's tools in front, and settings.

        Args:
            warm: whether `python` and `tfx` are spared the time of their imports.
            **settings: variables.
        """
        tools = [str(commands())] if warm else []
        return {
            **os.environ,
            "PATH": ":".join([*tools, sysconfig.get_path("scripts"), os.environ["PATH"]]),
            "HOME": str(self.folder),  # tfx keeps what it knows of pipelines there
            "COLUMNS": "200",
            "PYTHONIOENCODING": "utf-8",
            "PIPELINE_ROOT": str(self.pipeline_root),
            "SERVING_DIR": str(self.serving_dir),
            **{name: str(value) for name, value in settings.items()},
        }

    def run(
        self, command: str, *, warm: bool = True, **settings: object
    ) -> subprocess.CompletedProcess[str]:
        """Runs a command line as a user would, from the repository's folder."""
        return subprocess.run(
            command,
            shell=True,
            cwd=REPOSITORY,
            env=self.environment(warm=warm, **settings),
            capture_output=True,
            encoding="utf-8",
            timeout=800,
        )

    def pushed(self) -> list[Path]:
        """The pushed SavedModels, oldest first."""
        return sorted(path.parent for path in self.serving_dir.glob("*/saved_model.pb"))


@pytest.fixture(scope="session")
def shared(
    tmp_path_factory: pytest.TempPathFactory,
) -> Callable[[str, Callable[[Path], None]], Path]:
    """Makes a folder once for all of pytest's worker processes."""
    root = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        root = root.parent

    def once(name: str, make: Callable[[Path], None]) -> Path:
        folder = root / name
        with filelock.FileLock(root / f"{name}.lock"):
            if not (folder / ".made").exists():
                folder.mkdir(exist_ok=True)
                make(folder)
                (folder / ".made").touch()
        return folder

    return once


@pytest.fixture(scope="session")
def drawn_pets(shared) -> Path:
    """The embedded data set, as `make data` draws it."""

    def draw(folder: Path) -> None:
        command = [python(), "-m", "tfrecords.synthetic", "--output", str(folder)]
        subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)

    return shared("drawn_pets", draw)


@pytest.fixture(scope="session")
def few_pets(shared) -> Path:
    """A data set too small to learn from, for runs that are about something else."""

    def draw(folder: Path) -> None:
        command = [python(), "-m", "tfrecords.synthetic", "--output", str(folder)]
        few = ["--train", "24", "--val", "8", "--num-shards", "2"]
        subprocess.run(command + few, cwd=REPOSITORY, check=True, capture_output=True)

    return shared("few_pets", draw)


@pytest.fixture(scope="session")
def trained(shared, drawn_pets: Path) -> Workplace:
    """The pipeline run by TFX's own command line on the embedded data, with the defaults.

    It publishes on an emulated Hub, whose state is the folder `hub`. What the three commands
    printed is in `tfx-0.txt`, `tfx-1.txt` and `tfx-2.txt`. The last one, which compiles as well,
    starts as a user's does.
    """

    def train(folder: Path) -> None:
        with HubEmulator(folder / "hub", users={"demo": PUBLISHING["HF_TOKEN"]}) as hub:
            settings = {"DATA_ROOT": drawn_pets, "HF_ENDPOINT": hub.endpoint, **PUBLISHING}
            for number, command in enumerate(TFX_COMMANDS):
                done = Workplace(folder).run(command, warm=number < 2, **settings)
                (folder / f"tfx-{number}.txt").write_text(done.stdout + done.stderr)
                assert done.returncode == 0, done.stdout + done.stderr

    return Workplace(shared("trained", train))


@dataclass(frozen=True)
class Walk:
    """Runs of one folder, one after the other, of a model that is blessed.

    Attributes:
        workplace: where they ran.
        printed: what each printed: the first, the same again, one with another setting.
    """

    workplace: Workplace
    printed: tuple[str, str, str]


@pytest.fixture(scope="session")
def walk(shared, few_pets: Path) -> Walk:
    """A run, the same again, and one of another batch size whose report cannot be written."""

    def go(folder: Path) -> None:
        workplace = Workplace(folder)
        for number, settings in enumerate(({}, {}, {"BATCH_SIZE": 4})):
            if number == 2:
                (workplace.pipeline_root / "reports").rename(folder / "reports")
                (workplace.pipeline_root / "reports").touch()
            done = workplace.run(
                "python local_runner.py", DATA_ROOT=few_pets, **{**SMOKE, **settings}
            )
            (folder / f"run-{number}.txt").write_text(done.stdout)
            assert done.returncode == 0, done.stdout + done.stderr
            assert "Traceback" not in done.stdout + done.stderr
            assert notices(done.stdout + done.stderr) == []

    folder = shared("walk", go)
    first, again, changed = ((folder / f"run-{n}.txt").read_text() for n in range(3))
    return Walk(Workplace(folder), (first, again, changed))


@pytest.fixture
def begun(walk: Walk, workplace: Workplace) -> Workplace:
    """A place to work in whose runs on `few_pets` find the first steps made."""
    told = shutil.ignore_patterns("logs", "reports")
    shutil.copytree(walk.workplace.pipeline_root, workplace.pipeline_root, ignore=told)
    return workplace


@pytest.fixture
def published(trained: Workplace, tmp_path: Path) -> Iterator[HubEmulator]:
    """A Hub as the `trained` run left it, which a test may change."""
    state = shutil.copytree(trained.folder / "hub", tmp_path / "hub")
    with HubEmulator(state, users={"demo": PUBLISHING["HF_TOKEN"]}) as hub:
        yield hub


@pytest.fixture(scope="session")
def hostile(shared, few_pets: Path) -> Workplace:
    """A run of few steps over names that are meant to break a page, with a feature too many."""

    from tests.hostile import spoil

    def train(folder: Path) -> None:
        data = Path(shutil.copytree(few_pets, folder / "data"))
        for shard in sorted(data.glob("*.tfrecord")):
            spoil(shard, leave_one_out=shard.name.startswith("train-00001"))
        done = Workplace(folder).run("python local_runner.py", DATA_ROOT=data, **REFUSED)
        (folder / "output.txt").write_text(done.stdout)
        assert done.returncode == 0, done.stdout + done.stderr

    return Workplace(shared("hostile", train))


@pytest.fixture(scope="session")
def answering_model(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Model artifacts: a candidate, a baseline from before there were boundary counts, and others.

    What the others were made for is told by their provenance: another recipe, and other classes.
    Of any other name there is none.
    """
    import tensorflow as tf
    from tfx.utils import path_utils

    from models.provenance import PROVENANCE
    from pipeline.recipes import load_recipe
    from tests.answering import Answering

    root = tmp_path_factory.mktemp("models")
    modules = {
        "candidate": Answering("candidate"),
        "baseline": Answering("baseline", without="boundary_counts"),
        "of another recipe": Answering("baseline"),
        "of other classes": Answering("baseline", classes=4),
    }
    pets = load_recipe("pets").training_config().model_dump(mode="json")
    provenance = {
        "candidate": pets,
        "baseline": pets,
        "of another recipe": {**pets, "recipe": "cats"},
        "of other classes": {**pets, "class_names": ["pet", "background", "border", "collar"]},
    }

    def exported(name: str) -> Path:
        path = Path(path_utils.serving_model_path(str(root / name)))
        if name in modules and not path.exists():
            module = modules[name]
            tf.saved_model.save(module, str(path), signatures={"from_examples": module.evaluate})
            (path / "assets.extra").mkdir()
            (path / "assets.extra" / PROVENANCE).write_text(json.dumps(provenance[name]))
        return root / name

    return exported


@pytest.fixture
def evaluated(answering_model: Callable[[str], Path], tmp_path: Path) -> Callable[..., Path]:
    """Runs the Evaluator on examples; returns the folder of its `evaluation` and `blessing`."""

    import tensorflow as tf

    from benchmarks.bench_evaluator import evaluate

    def output(gated: "Recipe", examples: list[bytes], baseline: str | None = None) -> Path:
        shards = tmp_path / "examples" / "Split-eval"
        shards.mkdir(parents=True)
        with tf.io.TFRecordWriter(str(shards / "data-00000-of-00001.gz"), "GZIP") as writer:
            for record in examples:
                writer.write(record)
        last_blessed = answering_model(baseline) if baseline else None
        return evaluate(
            gated, shards.parent, tmp_path / "output", answering_model("candidate"), last_blessed
        )

    return output


@pytest.fixture(scope="session")
def browser() -> Iterator["Browser"]:
    """The system's Chromium."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed; `make test` installs it where it may")
    with sync_playwright() as playwright:
        root = ["--no-sandbox"] if os.geteuid() == 0 else []
        yield playwright.chromium.launch(executable_path=chromium, args=["--disable-gpu", *root])


@pytest.fixture(scope="session")
def without_keras_hub(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a `python -S` that finds all packages but keras-hub."""
    packages = tmp_path_factory.mktemp("packages")
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith("keras_hub"):
            (packages / entry.name).symlink_to(entry)
    return {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{packages}"}


@pytest.fixture
def workplace(tmp_path: Path) -> Iterator[Workplace]:
    """An empty place to work in."""
    yield Workplace(tmp_path)
