"""DATA_VERSION: what a run trains on, resolved before it begins, and brought to where it runs."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from components.data_stores import StoresConfig, connect
from pipeline.configs import Settings
from pipeline.recipe import Recipe
from stores.address import Address, parse
from stores.errors import StoreError
from tfrecords.dataset import INFO_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from stores.versions import Version

VERSIONS = Path("output/versions")
_SHARDS = "shards"  # folder, within, of what a recipe's converter made


def with_data(settings: Settings) -> Settings:
    """Resolve DATA_VERSION, copy it and convert it, as far as that is not done yet.

    Returns:
        The settings with the fixed address in DATA_VERSION's place, and the folder of its shards in
        DATA_ROOT's; those that were given where DATA_VERSION is not set.

    Raises:
        ValueError: it cannot be had, or there is nothing in it that the recipe can train on.
    """
    if not settings.data_version:
        return settings
    version = bring(settings, parse(settings.data_version))
    root = shards_of(version, settings.load_recipe())
    return _placed(settings, version.address, str(root))


def bring(settings: StoresConfig, address: Address) -> Version:
    """Copy what an address means into this machine's folder of versions.

    Raises:
        StoreError: it cannot be had.
    """
    from stores.versions import find, pull

    if address.fixed and (found := find(address, VERSIONS)):
        return found
    store = connect(settings, address)
    try:
        with shown() as (say, progress):
            return pull(store, address, VERSIONS, say, progress)
    except KeyboardInterrupt:
        raise StoreError(
            f"The copy of {address} was interrupted; do the same again, and it goes on."
        ) from None


def fixed_data(settings: Settings) -> Settings:
    """Return the settings of a job for Vertex AI, which is compiled without asking a store.

    Raises:
        ValueError: DATA_VERSION names something that may change.
    """
    if not settings.data_version:
        return settings
    address = parse(settings.data_version)
    if not address.fixed:
        raise ValueError(
            f"DATA_VERSION={address} may change, and a job is compiled with what cannot: resolve "
            f"it with `visionpipe data pull {address}`, and set what that prints."
        )
    return _placed(settings, address, remote_root(settings, address))


def remote_root(settings: Settings, address: Address) -> str:
    """Where the shards of a version lie for a job on Vertex AI."""
    root = settings.pipeline_root.rstrip("/")
    return f"{root}/versions/{_name(address, settings.load_recipe())}"


def shards_of(version: Version, recipe: Recipe) -> Path:
    """Return the folder of a version's shards; where it holds none, a recipe makes them once.

    Raises:
        ValueError: the recipe cannot make any of it.
    """
    if (version.folder / INFO_FILE).exists():
        return version.folder
    if recipe.convert is None:
        raise StoreError(
            f"DATA_VERSION={version.address} has no {INFO_FILE}, so it holds no shards, and recipe "
            f"{recipe.name} does not say how to make some: name a path with shards, or add a table "
            "[convert] to a recipe of your own."
        )
    shards = VERSIONS / _SHARDS / _name(version.address, recipe)
    shards.parent.mkdir(parents=True, exist_ok=True)
    with filelock.FileLock(shards.with_name(f"{shards.name}.lock")):
        if not (shards / INFO_FILE).exists():
            print(f"Converting {version.address} for recipe {recipe.name}.", file=sys.stderr)
            recipe.convert.run(str(version.folder), str(shards))
    return shards


@contextmanager
def shown() -> Iterator[tuple[Callable[[str], None], Callable[[int], None]]]:
    """Give what tells a user what is done, and what shows how much of it came."""
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    console = Console(stderr=True, soft_wrap=True)
    columns = (DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("Copying", total=None)

        def say(text: str) -> None:
            bar.console.print(text, markup=False, highlight=False)

        yield say, lambda size: bar.advance(task, size)


def _placed(settings: Settings, address: Address, root: str) -> Settings:
    return settings.model_copy(update={"data_version": str(address), "data_root": root})


def _name(address: Address, recipe: Recipe) -> str:
    """Of the shards that a recipe makes of a version: others convert it otherwise."""
    made_by = f"-{recipe.convert.digest}" if recipe.convert else ""
    return f"{address.folder_name}{made_by}"
