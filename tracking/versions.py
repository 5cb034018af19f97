"""Registered models: a version is a model that stays where it is, and the run that made it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from tracking import names
from tracking.client import Connection
from tracking.errors import TrackingError
from tracking.runs import TrackedRun, check_recipe

if TYPE_CHECKING:
    from mlflow.entities.model_registry import ModelVersion

# MLflow refuses a version whose source is a path of a machine's own.
_FOLDER = "folder://"
_PAGE = 100
_ALIASED = re.compile(r"(?P<model>[^@/:']+)@(?P<alias>[A-Za-z0-9_.-]+)")


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        model: its name.
        number: of the version.
        run_id: MLflow's, of the run that it is of.
        source: where the SavedModel stays, as the run's MODEL_URI says it.
        tags: of the version.
    """

    model: str
    number: int
    run_id: str
    source: str
    tags: dict[str, str]


def register(server: Connection, run: TrackedRun, told: dict[str, str]) -> tuple[Version, bool]:
    """Make a run's model the newest registered version of its recipe's, unless it is one already.

    MLflow lets the same be registered twice. So whoever makes a version looks again: of several
    that were made at the same time the first stays, and the others are deleted by who made them.

    Args:
        server: where the run was recorded.
        run: of a recipe, with a model.
        told: further tags: by whom and why.

    Returns:
        The version; and whether it is new.

    Raises:
        TrackingError: the server refuses it.
    """
    model, client = run.tag(names.RECIPE), server.client
    _ensure_model(server, model)
    tags = {names.STAGE: names.REGISTERED, **told}
    if found := _of_run(server, run):
        return _restage(server, found[0], tags), False
    source = run.tag(names.MODEL_URI)
    made = server.ask(
        f"register {model}",
        client.create_model_version,
        model,
        source if "://" in source else f"{_FOLDER}{quote(source)}",
        run.id,
        tags=tags,
    )
    first = _of_run(server, run)[0]
    if first.number == int(made.version):
        return first, True
    what = f"delete version {made.version} of {model}"
    server.ask(what, client.delete_model_version, model, made.version)
    return first, False


def find_newest(server: Connection, model: str) -> Version | None:
    """Return the registered or staged version of the highest number; None where there is none.

    Raises:
        TrackingError: the server cannot be asked.
    """
    return next(iter(list_versions(server, model, names.REGISTERED, names.STAGING)), None)


def list_versions(server: Connection, model: str, *stages: str) -> list[Version]:
    """Return the versions at any of some stages, the newest first.

    Args:
        server: where they are registered.
        model: a recipe's name.
        *stages: values of the tag `stage`.

    Raises:
        TrackingError: that is no recipe's name, or the server cannot be asked.
    """
    check_recipe(model)
    found = [
        one for one in _search(server, f"name = '{model}'") if one.tags.get(names.STAGE) in stages
    ]
    return sorted(found, key=lambda one: one.number, reverse=True)


def read_version(server: Connection, model: str, number: int) -> Version:
    """Return a version by its number.

    Raises:
        TrackingError: there is none, or the server cannot be asked.
    """
    what, client = f"read version {number} of {model}", server.client
    return _read(server.ask(what, client.get_model_version, model, str(number)))


def set_tags(server: Connection, version: Version, tags: dict[str, str]) -> None:
    """Set tags of a version, in their order.

    Raises:
        TrackingError: the server refuses it.
    """
    what = f"mark version {version.number} of {version.model}"
    for name, value in tags.items():
        set_tag = server.client.set_model_version_tag
        server.ask(what, set_tag, version.model, str(version.number), name, value)


def find_aliased(server: Connection, name: str) -> Version:
    """Return the version that an alias stands for.

    Args:
        server: where it is registered.
        name: MODEL@ALIAS.

    Raises:
        TrackingError: it is no such name, or there is no such alias.
    """
    match = _ALIASED.fullmatch(name)
    if match is None:
        raise TrackingError(
            f"{name!r} names no version: write MODEL@ALIAS, such as scenes@champion; neither has a "
            "slash or a colon in it."
        )
    try:
        found = server.ask(
            f"find {name}", server.client.get_model_version_by_alias, match["model"], match["alias"]
        )
    except TrackingError as error:
        if not error.code:
            raise
        raise TrackingError(
            f"MLflow at {server.address} has no version {name}; its page of models lists names and "
            "aliases."
        ) from None
    return _read(found)


def _ensure_model(server: Connection, model: str) -> None:
    try:
        server.ask(f"make the model {model}", server.client.create_registered_model, model)
    except TrackingError as error:
        if error.code != "RESOURCE_ALREADY_EXISTS":
            raise


def _restage(server: Connection, version: Version, tags: dict[str, str]) -> Version:
    """Mark a version that is there as registered, where somebody has made something else of it."""
    if version.tags.get(names.STAGE) in (names.REGISTERED, names.STAGING):
        return version
    set_tags(server, version, tags)
    return replace(version, tags={**version.tags, **tags})


def _of_run(server: Connection, run: TrackedRun) -> list[Version]:
    """Return the registered versions of a run's model, the first one first."""
    model, source = run.tag(names.RECIPE), run.tag(names.MODEL_URI)
    found = _search(server, f"name = '{model}' and run_id = '{run.id}'")
    same = [one for one in found if one.source == source]
    return sorted(same, key=lambda one: one.number)


def _search(server: Connection, wanted: str) -> Iterator[Version]:
    token = None
    while True:
        page = server.ask(
            "search versions",
            server.client.search_model_versions,
            wanted,
            max_results=_PAGE,
            page_token=token,
        )
        yield from map(_read, page)
        token = page.token
        if not token:
            return


def _read(found: ModelVersion) -> Version:
    source = found.source or ""
    if source.startswith(_FOLDER):
        source = unquote(source.removeprefix(_FOLDER))
    return Version(
        model=found.name,
        number=int(found.version),
        run_id=found.run_id or "",
        source=source,
        tags=dict(found.tags),
    )
