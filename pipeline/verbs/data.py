"""Makes versions of data, and brings them here."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from pydantic_settings import BaseSettings, SettingsConfigDict

from components.data_stores import StoresConfig, connect, connect_lakefs
from components.flags import with_settings
from components.settings import SettingsError
from pipeline.data_version import bring, shown
from pipeline.terminal import fail
from stores.address import Address, LakeFSAddress, S3Address, parse
from stores.errors import StoreError
from tfrecords.command_line import add_command, make_app
from tfrecords.naming import show

if TYPE_CHECKING:
    from stores.lakefs import LakeFS


class _Settings(BaseSettings, StoresConfig):
    """The settings of data stores alone, from the same places as a run's."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)


app = make_app(__doc__)
_verb = functools.partial(add_command, app, told={SettingsError: 2})

Place = Annotated[str, typer.Argument(metavar="ADDRESS", help="lakefs://… or s3://…")]
Message = Annotated[str | None, typer.Option("--message", "-m", help="Of the commit.")]


@_verb("import", what="Makes a place hold what SOURCE holds, as one version.")
@with_settings(_Settings)
def import_(
    settings: _Settings,
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="Folder; or s3://BUCKET/PREFIX by reference.")
    ],
    address: Place,
    *,
    by_reference: Annotated[
        bool,
        typer.Option(
            "--by-reference", help="Leave the objects where they are in S3; lakeFS notes them."
        ),
    ] = False,
    message: Message = None,
) -> int:
    """Print the fixed address; return 0, or 2 with why it could not be done."""
    return _told(lambda: _import(settings, source, parse(address), by_reference, message))


@_verb(what="Makes a version of what was written to a place.")
@with_settings(_Settings)
def commit(settings: _Settings, address: Place, *, message: Message = None) -> int:
    """Print the fixed address; return 0, or 2 with why it could not be done."""
    return _told(lambda: _commit(settings, parse(address), message))


@_verb(what="Names a version, in lakeFS.")
@with_settings(_Settings)
def tag(
    settings: _Settings, address: Place, name: Annotated[str, typer.Argument(metavar="NAME")]
) -> int:
    """Print the tag's address; return 0, or 2 with why it could not be done."""
    return _told(lambda: _tag(settings, address, name))


@_verb(what="Copies a version here, checks it, and prints the folder and what it was resolved to.")
@with_settings(_Settings)
def pull(settings: _Settings, address: Place) -> int:
    """Print the folder and the fixed address; return 0, or 2 with why it could not be done."""
    return _told(lambda: _pull(settings, parse(address)))


@_verb(what="Lists the commits up to a version, of a path those that changed it, in lakeFS.")
@with_settings(_Settings)
def log(
    settings: _Settings,
    address: Place,
    *,
    amount: Annotated[int, typer.Option("--amount", "-n", min=1, help="The most to list.")] = 20,
) -> int:
    """Print a line for each; return 0, or 2 with why it could not be done."""
    return _told(lambda: _log(settings, address, amount))


@_verb(what="Lists what differs between two versions, or what is not committed, in lakeFS.")
@with_settings(_Settings)
def diff(
    settings: _Settings,
    address: Place,
    other: Annotated[str | None, typer.Argument(metavar="OTHER", help="The later one.")] = None,
) -> int:
    """Print a line for each object; return 0, or 2 with why it could not be done."""
    return _told(lambda: _diff(settings, address, other))


def _told(act: Callable[[], Iterator[str]]) -> int:
    try:
        for line in act():
            print(line)
    except StoreError as error:
        return fail(str(error), 2)
    return 0


def _of_lakefs(settings: _Settings, text: str, what: str) -> tuple["LakeFS", LakeFSAddress]:
    address = parse(text)
    if not isinstance(address, LakeFSAddress):
        raise StoreError(
            f"S3 has no {what}, which lakeFS has; name lakefs://REPOSITORY/REF/PATH, or compare "
            "manifests by hand."
        )
    return connect_lakefs(settings), address


def _import(
    settings: _Settings, source: str, address: Address, by_reference: bool, message: str | None
) -> Iterator[str]:
    with _connected(settings, address) as (store, progress):
        from stores import imports

        said = message or f"Import {source}"
        if by_reference:
            origin = parse(source)
            if not (isinstance(origin, S3Address) and isinstance(address, LakeFSAddress)):
                raise StoreError(
                    "--by-reference takes s3://BUCKET/PREFIX to lakefs://REPOSITORY/BRANCH/PATH; "
                    "leave it out to copy a folder."
                )
            made: Address = imports.import_by_reference(store, origin, address, said, progress)
        elif "://" in source:
            raise StoreError(
                f"{parse(source)} is no folder of this machine; add --by-reference, or pull it "
                "first and import the folder."
            )
        elif isinstance(address, LakeFSAddress):
            made = imports.import_to_lakefs(store, Path(source), address, said, progress)
        else:
            imports.import_to_s3(store, Path(source), address, progress)
            yield from _pull(settings, address)
            return
    yield str(made)


def _commit(settings: _Settings, address: Address, message: str | None) -> Iterator[str]:
    if isinstance(address, S3Address):  # a version there is a manifest, which a pull makes
        yield from _pull(settings, address)
        return
    store = connect_lakefs(settings)
    from stores import writing

    made = writing.commit(store, address, message or "Commit")
    if made is None:
        raise StoreError(f"Nothing has changed on {address.repository}/{address.ref}.")
    yield str(address.at(made))


def _tag(settings: _Settings, text: str, name: str) -> Iterator[str]:
    store, address = _of_lakefs(settings, text, "tags")
    from stores import writing

    writing.tag(store, store.resolve(address), name)
    yield str(address.at(name))


def _pull(settings: _Settings, address: Address) -> Iterator[str]:
    version = bring(settings, address)
    yield str(version.folder)
    yield str(version.address)


def _log(settings: _Settings, text: str, amount: int) -> Iterator[str]:
    store, address = _of_lakefs(settings, text, "log")
    for found in store.log(address, amount):
        when = datetime.fromtimestamp(found.creation_date).astimezone()
        said = show(f"{found.committer}  {found.message}")
        yield f"{found.id}  {when:%Y-%m-%d %H:%M:%S %z}  {said}"


def _diff(settings: _Settings, text: str, other: str | None) -> Iterator[str]:
    store, address = _of_lakefs(settings, text, "differences")
    later = parse(other) if other else address
    if not isinstance(later, LakeFSAddress) or later.repository != address.repository:
        raise StoreError(f"{later} is not in the repository {address.repository}.")
    for found in store.changes(address, later.ref if other else None):
        yield f"{found.type:8} {found.path}"


@contextmanager
def _connected(settings: _Settings, address: Address) -> Iterator:
    store = connect(settings, address)
    with shown() as (_, progress):
        yield store, progress
