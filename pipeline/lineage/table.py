"""The chain as a table for the terminal."""

from collections.abc import Iterator
from pathlib import Path

from rich.table import Table
from rich.text import Text

from models.registry import FIRST_TASK, load_task
from pipeline.lineage.chain import Lineage, Origin
from pipeline.lineage.data_log import DataLog
from tfrecords.naming import show

# The settings that have rows of their own, or say what the figures are named by.
_TOLD_ELSEWHERE = {"recipe", "task", "model", "class_names", "palette", "data_version"}
_UNKNOWN = "not recorded"
_OF_LAKEFS = ".lakefs."  # begins the names of what lakeFS itself notes of a commit
_IMAGES = "images_"  # begins the name of a split's count
_STYLES = {"blessed": "green", "refused": "red"}

Rows = Iterator[tuple[str, str | Text]]


def table(asked: str, lineage: Lineage) -> Table:
    """Return the chain, from the data at its beginning to what was published.

    Args:
        asked: what it was asked for by.
        lineage: the chain.
    """
    title = Text.assemble("Lineage of ", asked)
    rows = Table(title=title, show_header=False, title_justify="left")
    rows.add_column(style="bold")
    rows.add_column(overflow="fold")
    for part in (_data, _runs, _training, _judged, _pushed):
        for name, value in part(lineage):
            rows.add_row(name, value if isinstance(value, Text) else Text(value))
        rows.add_section()
    return rows


def _data(lineage: Lineage) -> Rows:
    yield "data", _as_typed(lineage.data_root) or _UNKNOWN
    if version := lineage.examples.get("data_version"):
        yield "data version", version
        yield "to have it again", f"visionpipe data pull {version}"
        yield from _data_log(lineage.data_log)
    yield "data digest", lineage.examples.get("digest") or _UNKNOWN
    counted = {key for key in lineage.examples if key.startswith(_IMAGES)}
    others = sorted(counted - {f"{_IMAGES}train", f"{_IMAGES}eval"})
    for split in ("train", "eval", *(key.removeprefix(_IMAGES) for key in others)):
        count = lineage.examples.get(f"{_IMAGES}{split}")
        yield f"images, {split}", f"{count:.0f}" if count else _UNKNOWN


def _data_log(log: DataLog) -> Rows:
    if log.unread:
        yield "data log", log.unread
    for number, commit in enumerate(log.commits):
        line = f"{commit.date:%Y-%m-%d %H:%M:%S %z} by {commit.committer}: {commit.message}"
        if number:  # what another one is found by
            yield "before that", show(f"{line} ({commit.id})")
            continue
        yield "committed", show(line)
        given = {
            name: value
            for name, value in commit.metadata.items()
            if not name.startswith(_OF_LAKEFS)
        }
        told = ", ".join(f"{name} {value}" for name, value in given.items())
        yield "committed with", show(told) or "no metadata"


def _runs(lineage: Lineage) -> Rows:
    trained_by = lineage.trained_by
    if trained_by and trained_by.run_id != lineage.run.run_id:
        yield from _run("trained by run", trained_by)
        yield from _run("reused by run", lineage.run)
    else:
        yield from _run("trained by run" if trained_by else "run", lineage.run)


def _run(title: str, origin: Origin) -> Rows:
    yield title, origin.run_id
    yield "begun", f"{origin.begin:%Y-%m-%d %H:%M:%S %z}" if origin.begin else _UNKNOWN
    yield from ({"git commit": _UNKNOWN} | dict(origin.facts)).items()


def _training(lineage: Lineage) -> Rows:
    settings = lineage.told.get("training", {})
    yield "recipe", settings.get("recipe", _UNKNOWN)
    yield "architecture", settings.get("model", _UNKNOWN)
    told = (f"{key} {value}" for key, value in settings.items() if key not in _TOLD_ELSEWHERE)
    yield "settings", ", ".join(told) or _UNKNOWN
    if lineage.hyperparameters:
        yield "hyperparameters", lineage.hyperparameters
    yield "learning code", lineage.told.get("code_digest", _UNKNOWN)
    yield "model", _as_typed(lineage.model) or "none was trained"


def _judged(lineage: Lineage) -> Rows:
    training = lineage.told.get("training", {})
    task = load_task(training.get("task", FIRST_TASK))
    for key, figure in task.key_figures(training.get("class_names", [])).items():
        if key in lineage.figures:
            yield figure.row, f"{lineage.figures[key]:.3f}"
    verdict = Text(lineage.verdict, style=_STYLES.get(lineage.verdict, ""))
    if lineage.reasons:
        verdict = Text.assemble(verdict, f": {'; '.join(lineage.reasons)}")
    yield "verdict", verdict
    if lineage.unread:
        yield "not read", lineage.unread
    if lineage.edge:
        yield "edge model", lineage.edge


def _pushed(lineage: Lineage) -> Rows:
    yield "pushed to", _as_typed(lineage.pushed) or "nowhere"
    if lineage.served:
        yield "served by", lineage.served
    titles = {"url": "published", "tag": "tag", "revision": "revision", "space_url": "demo"}
    for key, title in titles.items():
        if key in lineage.publication:
            yield title, lineage.publication[key]


def _as_typed(path: str) -> str:
    """Return a path as the user would type it."""
    return path.removeprefix(f"{Path.cwd()}/")
