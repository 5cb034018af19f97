"""The order in which data sets were announced, and whose turn it is: one object in the bucket.

Only what is decided when a run begins is decided at all: `submit` refuses a second active job, so
no other run publishes between a run's beginning and its end.
"""

import contextlib
import datetime
import re
from collections.abc import Callable, Sequence
from enum import StrEnum

import tenacity
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage
from pydantic import BaseModel, ConfigDict, ValidationError

from components.google_cloud import CloudError, explained, retrying
from pipeline.configs import Settings
from tfrecords.dataset import INFO_FILE

NAME = "announcements.json"
_ROLES = "roles/storage.objectUser on this object, and roles/storage.objectViewer on the bucket"
_ATTEMPTS = 20  # each of them lost to another writer
_DATA_ROOT = re.compile(r"gs://[a-z0-9][a-z0-9._-]+(/[A-Za-z0-9._-]+)*")


class State(StrEnum):
    """What has become of an announced data set.

    Attributes:
        WAITING: it has had no turn yet, or its turn goes on.
        FAILED: its turn ended without a model.
        TRAINED: its model was refused, or there was nowhere to publish it.
        PUBLISHED: its model was pushed or published.
    """

    WAITING = "waiting"
    FAILED = "failed"
    TRAINED = "trained"
    PUBLISHED = "published"


class Announcement(BaseModel):
    """A data set in its order.

    Attributes:
        data_root: folder of its shards, gs://BUCKET/FOLDER.
        announced: when its description was written, which says that it is whole.
        state: what has become of it.
    """

    model_config = ConfigDict(frozen=True)

    data_root: str
    announced: datetime.datetime
    state: State = State.WAITING


class _Content(BaseModel):
    announcements: tuple[Announcement, ...] = ()


class HeldBack(Exception):
    """A data set announced later has published; one sentence that says so."""


class Announcements:
    """The record, which several runs may change at once.

    Args:
        settings: name the project, and the folder of the record: PIPELINE_ROOT.

    Raises:
        ValueError: PIPELINE_ROOT is not in Cloud Storage.
        CloudError: there are no credentials.
    """

    def __init__(self, settings: Settings) -> None:
        folder = settings.pipeline_root.rstrip("/")
        if not folder.startswith("gs://"):
            raise ValueError(
                f"PIPELINE_ROOT={folder} is not in Cloud Storage, where announcements are "
                "recorded; set gs://BUCKET/FOLDER."
            )
        self.uri = f"{folder}/{NAME}"
        with self._explained():
            self._client = storage.Client(project=settings.google_cloud_project)

    def read(self) -> tuple[Announcement, ...]:
        """Return what was announced, the oldest first.

        Raises:
            CloudError: the record cannot be read.
        """
        with self._explained():
            return self._unhindered()(self._read)[0]

    def announce(self, data_root: str) -> Announcement:
        """Record a data set, at its place in the order; once, however often it is announced.

        Of a folder that is written again before its turn, what was there has no turn any more.

        Args:
            data_root: gs://BUCKET/FOLDER.

        Raises:
            ValueError: it is no folder of Cloud Storage, or has no whole data set.
            CloudError: the record cannot be changed.
        """
        data_root = data_root.rstrip("/")
        if not _DATA_ROOT.fullmatch(data_root):
            raise ValueError(
                f"{data_root!r} is no folder that can be announced: name gs://BUCKET/FOLDER, with "
                "only letters, digits, '.', '_' and '-' between the slashes."
            )
        description = storage.Blob.from_string(f"{data_root}/{INFO_FILE}", client=self._client)
        with self._explained():
            try:
                retrying()(description.reload)
            except NotFound as error:
                raise ValueError(
                    f"{data_root} has no {INFO_FILE}, which is written last and says that the data "
                    "set is whole; write it and announce the folder again."
                ) from error
        new = Announcement(data_root=data_root, announced=description.time_created)

        def insert(known: tuple[Announcement, ...]) -> tuple[Announcement, ...]:
            if any(_same(new, other) for other in known):
                return known
            kept = [
                other
                for other in known
                if (other.data_root, other.state) != (data_root, State.WAITING)
            ]
            return tuple(sorted([*kept, new], key=lambda other: other.announced))

        self._change(insert)
        return new

    def finish(self, data_root: str, announced: datetime.datetime, state: State) -> None:
        """Record what became of a data set; one that has published stays so.

        Raises:
            CloudError: the record cannot be changed.
        """
        done = Announcement(data_root=data_root, announced=announced, state=state)
        self._change(
            lambda known: tuple(
                done if _same(done, other) and other.state is not State.PUBLISHED else other
                for other in known
            )
        )

    def _change(
        self, change: Callable[[tuple[Announcement, ...]], tuple[Announcement, ...]]
    ) -> None:
        """Write what the function makes of the record; it is called again for each lost race."""

        def attempt() -> None:
            known, generation = self._read()
            changed = change(known)
            if changed != known:
                text = _Content(announcements=changed).model_dump_json(indent=2)
                retrying()(
                    self._blob().upload_from_string,
                    f"{text}\n",
                    content_type="application/json",
                    if_generation_match=generation,
                )

        with self._explained():
            self._unhindered()(attempt)

    def _read(self) -> tuple[tuple[Announcement, ...], int]:
        """Return the announcements and the object's generation, 0 where there is no object.

        Raises:
            PreconditionFailed: another writer replaced the object meanwhile.
        """
        blob = self._blob()
        try:
            retrying()(blob.reload)
        except NotFound:
            return (), 0
        try:
            text = retrying()(blob.download_as_bytes)  # of the generation that `reload` found
        except NotFound as error:
            raise PreconditionFailed(f"{self.uri} was replaced.") from error
        try:
            return _Content.model_validate_json(text).announcements, blob.generation
        except ValidationError as error:
            raise CloudError(
                f"{self.uri} is no record of announcements: restore the object that it was, or "
                "delete it, which forgets the order of what was announced."
            ) from error

    def _blob(self) -> storage.Blob:
        return storage.Blob.from_string(self.uri, client=self._client)

    def _explained(self) -> contextlib.AbstractContextManager[None]:
        return explained(f"Cloud Storage ({self.uri})", _ROLES)

    @staticmethod
    def _unhindered() -> tenacity.Retrying:
        """Call again what another writer came before."""
        return tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(PreconditionFailed),
            wait=tenacity.wait_random_exponential(multiplier=0.1, max=10),
            stop=tenacity.stop_after_attempt(_ATTEMPTS),
            reraise=True,
        )


def longest_waiting(known: Sequence[Announcement]) -> Announcement | None:
    """Whose turn is the next; None when nothing waits that is newer than published data.

    Args:
        known: the record, the oldest first.
    """
    after = known[_newest_published(known) + 1 :]
    return next((one for one in after if one.state is State.WAITING), None)


def take_turn(known: Sequence[Announcement], own: str | None) -> Announcement | None:
    """Say what a run trains on: what waits longest, else its own data, else the newest.

    What is older than published data has no turn any more.

    Args:
        known: the record, the oldest first.
        own: the data root that began the run; None for a run that the clock began.

    Returns:
        The data set; None where the clock began the run and nothing was ever announced.

    Raises:
        ValueError: the run's own data were never announced.
        HeldBack: nothing waits, and data announced after the run's own have published.
    """
    if waiting := longest_waiting(known):
        return waiting
    if own is None:
        return known[-1] if known else None
    places = [place for place, one in enumerate(known) if one.data_root == own.rstrip("/")]
    if not places:
        raise ValueError(f"{own} was never announced: `visionpipe turn announce` first.")
    newest = _newest_published(known)
    if places[-1] < newest:
        raise HeldBack(
            f"{known[places[-1]].data_root} was announced before {known[newest].data_root}, whose "
            "model is out already: nothing was trained, and no older model replaces a newer one."
        )
    return known[places[-1]]


def _newest_published(known: Sequence[Announcement]) -> int:
    """Its place; -1 when nothing was published."""
    places = [place for place, one in enumerate(known) if one.state is State.PUBLISHED]
    return places[-1] if places else -1


def _same(one: Announcement, other: Announcement) -> bool:
    return (one.data_root, one.announced) == (other.data_root, other.announced)
