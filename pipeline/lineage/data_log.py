"""What lakeFS tells of a version of data: its commit, and those before it that changed its path."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from components.data_stores import StoresConfig, connect_lakefs
from stores.address import LakeFSAddress, parse
from stores.errors import StoreError

if TYPE_CHECKING:
    from stores.lakefs import LakeFS

_EARLIER = 3  # commits that are told of beside the version's own


@dataclass(frozen=True)
class DataCommit:
    """A commit of lakeFS.

    Attributes:
        id: in full.
        message: whoever committed wrote.
        committer: by lakeFS's name.
        date: when.
        metadata: that was committed with it.
    """

    id: str
    message: str
    committer: str
    date: datetime
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class DataLog:
    """What is known of a version.

    Attributes:
        commits: the version's own, and then the newest of those before it that changed its path;
            empty where the version is none of lakeFS.
        unread: why there are none, in a sentence.
    """

    commits: tuple[DataCommit, ...] = ()
    unread: str = ""


def read_data_log(config: StoresConfig, version: str) -> DataLog:
    """Ask lakeFS for what it knows of a version.

    Args:
        config: where lakeFS is, and by which keys.
        version: the fixed address of the data; empty where they have none.
    """
    try:
        address = parse(version) if version else None
        if not isinstance(address, LakeFSAddress):
            return DataLog()
        # Whoever reads a lineage waits for no server to start: the rest is shown without it.
        store = connect_lakefs(config, reconnections=0)
        return DataLog(commits=_commits(store, address))
    except StoreError as error:
        return DataLog(unread=str(error))


def _commits(store: "LakeFS", address: LakeFSAddress) -> tuple[DataCommit, ...]:
    own = _told(store.commit(address))
    before = (_told(found) for found in store.log(address, _EARLIER + 1))
    earlier = (commit for commit in before if commit.id != own.id)
    return own, *itertools.islice(earlier, _EARLIER)


def _told(found: Any) -> DataCommit:
    date = datetime.fromtimestamp(found.creation_date, UTC)
    return DataCommit(found.id, found.message, found.committer, date, dict(found.metadata or {}))
