"""Lineage goes on from a version's id into the log of lakeFS."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from components.data_stores import StoresConfig
from pipeline.lineage.chain import Lineage, Origin
from pipeline.lineage.data_log import DataLog, read_data_log
from pipeline.lineage.table import table
from stores.address import LakeFSAddress
from stores.imports import import_to_lakefs
from stores.lakefs import LakeFS
from tests.emulators.lakefs import LakeFSEmulator
from tests.pipeline.lineage.rows import row, rows
from tests.stores.conftest import write


@pytest.fixture
def config(lakefs: LakeFSEmulator, monkeypatch: pytest.MonkeyPatch) -> StoresConfig:
    for name, value in lakefs.environment.items():
        monkeypatch.setenv(name, value)
    return StoresConfig(lakefs_endpoint=lakefs.endpoint)


def shown(version: str, log: DataLog) -> str:
    """The table of a run of which nothing else is known."""
    lineage = Lineage(
        run=Origin("run", None, {}),
        trained_by=None,
        data_root="",
        examples={"data_version": version},
        told={},
        hyperparameters="",
        model="",
        figures={},
        verdict="not judged",
        reasons=[],
        edge="",
        pushed="",
        served="",
        publication={},
        unread="",
        data_log=log,
    )
    printed = io.StringIO()
    Console(width=300, file=printed).print(table("run", lineage))
    return printed.getvalue()


def test_the_commit_of_a_version_and_those_before_it_that_changed_its_path(
    store: LakeFS,
    put: Callable[..., None],
    data: LakeFSAddress,
    files: Path,
    config: StoresConfig,
) -> None:
    import_to_lakefs(store, files, data, "First images", lambda size: None)
    elsewhere = LakeFSAddress(data.repository, "main", "other")
    import_to_lakefs(store, files, elsewhere, "Others", lambda size: None)
    put({"note.txt": b"new"})
    write(files, {"images/c.png": b"c"})
    version = import_to_lakefs(store, files, data, "More\x1b[31m images", lambda size: None)
    put({"note.txt": b"newer"})
    log = read_data_log(config, str(version))
    own, *earlier = log.commits
    assert (own.id, own.committer, own.metadata["objects"]) == (version.ref, "tests", "5")
    # The import's own branch, and those before it; neither merges nor what came later.
    assert [commit.message for commit in earlier] == [own.message, "Files", "First images"]

    output = shown(str(version), log)
    date = f"{own.date:%Y-%m-%d %H:%M:%S +0000}"
    assert row(output, "committed") == rf"{date} by tests: More\x1b[31m images"
    assert row(output, "committed with").startswith("source files, objects 5, digest ")
    assert [value for name, value in rows(output) if name == "before that"][-1].endswith(
        f"by tests: First images ({earlier[-1].id})"
    )


def test_without_a_server_or_keys_it_says_so_and_shows_the_rest(
    data: LakeFSAddress,
    config: StoresConfig,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    version = str(data.at("0" * 64))
    gone = config.model_copy(update={"lakefs_endpoint": "http://127.0.0.1:9"})
    log = read_data_log(gone, version)
    assert "Retrying" not in caplog.text  # as urllib3 says of each wait
    assert log.unread.startswith("lakeFS at http://127.0.0.1:9 cannot be reached")
    output = shown(version, log)
    assert (row(output, "data log"), row(output, "data version")) == (log.unread, version)
    assert "not found (404)" in read_data_log(config, version).unread
    monkeypatch.delenv("LAKECTL_CREDENTIALS_ACCESS_KEY_ID")
    assert "lakeFS's keys cannot be read" in read_data_log(config, version).unread


@pytest.mark.parametrize("version", ["", f"s3://bucket/.manifests/{'0' * 64}.json"])
def test_what_has_no_log(config: StoresConfig, version: str) -> None:
    assert read_data_log(config, version) == DataLog()
