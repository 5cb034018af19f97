"""`visionpipe data`, and every command of its page, typed as a user types them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dotenv
import pytest

from stores.lakefs import LakeFS
from stores.local_keys import KEYS, write_keys
from tests.conftest import REPOSITORY as PROJECT
from tests.emulators import lakefs as lakefs_emulator
from tests.emulators import s3 as s3_server
from tests.emulators.lakefs import LakeFSEmulator
from tests.emulators.s3 import S3Server
from tests.stores.conftest import FILES, read, write

Typed = Callable[..., subprocess.CompletedProcess[str]]
# What the servers of the tests know, in the place of what was made at random.
OF_TESTS = {
    "LAKECTL_CREDENTIALS_ACCESS_KEY_ID": lakefs_emulator.ACCESS_KEY,
    "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": lakefs_emulator.SECRET_KEY,
    "MINIO_ROOT_USER": s3_server.ACCESS_KEY,
    "MINIO_ROOT_PASSWORD": s3_server.SECRET_KEY,
    "S3_ACCESS_KEY_SECRET": "MINIO_ROOT_USER",
    "S3_SECRET_KEY_SECRET": "MINIO_ROOT_PASSWORD",
}


@pytest.fixture
def typed(lakefs: LakeFSEmulator, s3: S3Server, tmp_path: Path) -> Typed:
    """Runs `visionpipe data …` in a folder of its own."""
    environment = {
        **os.environ,
        **lakefs.environment,
        **s3.environment,
        "LAKEFS_ENDPOINT": lakefs.endpoint,
        "PYTHONPATH": str(PROJECT),
        "COLUMNS": "400",
    }

    def run(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pipeline", "data", *words],
            cwd=tmp_path,
            env={**environment, **settings},
            capture_output=True,
            text=True,
            timeout=600,
        )

    return run


def test_from_a_folder_to_the_same_bytes_elsewhere(
    typed: Typed, store: LakeFS, files: Path, tmp_path: Path, lakefs: LakeFSEmulator
) -> None:
    branch = "lakefs://image-data/main/data"
    made = typed("import", "files", branch)
    assert made.returncode == 0, made.stderr
    fixed = made.stdout.strip()
    assert fixed == f"lakefs://image-data/{lakefs.branches('image-data')['main']}/data"
    assert typed("tag", branch, "v1").stdout.strip() == "lakefs://image-data/v1/data"
    write(files, {"images/c.png": b"c"})
    assert typed("import", "files", branch, "-m", "More").returncode == 0
    log = typed("log", branch, "-n", "1").stdout
    assert "More" in log and len(log.splitlines()) == 1
    changed = typed("diff", "lakefs://image-data/v1/data", branch).stdout
    assert changed.split() == ["added", "data/images/c.png"]
    folder, address = typed("pull", "lakefs://image-data/v1/data").stdout.split()
    assert address == fixed
    assert read(tmp_path / folder) == FILES
    # The store is not asked for what is here.
    gone = typed("pull", fixed, LAKEFS_ENDPOINT="http://127.0.0.1:9")
    assert gone.stdout.split() == [folder, fixed], gone.stderr


def test_what_others_wrote_is_committed(
    typed: Typed, store: LakeFS, put: Callable[..., None]
) -> None:
    put(FILES, commit=False)
    branch = "lakefs://image-data/main/data"
    assert typed("diff", branch).stdout.split()[:2] == ["added", "data/images/a.png"]
    refused = typed("pull", branch)
    assert refused.returncode == 2 and "not committed" in refused.stderr
    assert typed("commit", branch, "-m", "Others").returncode == 0
    assert typed("commit", branch).returncode == 2
    assert typed("pull", branch).returncode == 0


def test_s3_has_versions_and_no_tags(typed: Typed, s3_bucket: str, files: Path) -> None:
    place = f"s3://{s3_bucket}/pets"
    made = typed("import", "files", place)
    assert made.returncode == 0, made.stderr
    assert "keeps no versions" in made.stderr
    fixed = made.stdout.split()[1]
    assert re.fullmatch(rf"s3://{s3_bucket}/\.manifests/[0-9a-f]{{64}}\.json", fixed)
    assert typed("commit", place).stdout.split()[1] == fixed
    for words in (("tag", place, "v1"), ("log", place), ("diff", place)):
        refused = typed(*words)
        assert refused.returncode == 2 and "S3 has no" in refused.stderr
        assert "Traceback" not in refused.stderr


def test_keys_are_found_in_the_file_that_make_env_writes(
    typed: Typed, store: LakeFS, files: Path, tmp_path: Path, s3_bucket: str
) -> None:
    none = dict.fromkeys([*KEYS, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"], "")
    missing = typed("pull", "lakefs://image-data/main/data", **none)
    assert "KEY_ID is not set; set it to the secret's value, there or in .env" in missing.stderr
    write_keys(tmp_path / ".env")
    wrong = typed("import", "files", "lakefs://image-data/main/data", **none)
    assert wrong.returncode == 2 and "does not know these keys" in wrong.stderr
    told = dotenv.dotenv_values(tmp_path / ".env")
    assert not any(str(told[name]) in wrong.stdout + wrong.stderr for name in KEYS if "KEY" in name)
    with (tmp_path / ".env").open("a") as file:
        for name, value in OF_TESTS.items():
            file.write(f"{name}={value}\n")
    for address in ("lakefs://image-data/main/data", f"s3://{s3_bucket}/data"):
        done = typed("import", "files", address, **none)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "settings", "message"),
    [
        (("pull", "data/pets"), {}, "is not of the form"),
        (("pull", "s3://key:hunter2@bucket/x"), {}, "has a user name or a password"),
        (("pull", "lakefs://other-data/main/x"), {}, "repository not found"),
        (("import", "none", "lakefs://image-data/main/data"), {}, "none is no folder"),
        (("import", "s3://bucket/x", "lakefs://image-data/main/data"), {}, "add --by-reference"),
        (("import", "files", "s3://bucket/x", "--by-reference"), {}, "is not of the form|takes s3"),
        (
            ("pull", "lakefs://image-data/main/data"),
            {"LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": "hunter2"},
            "does not know these keys",
        ),
        (
            ("pull", "lakefs://image-data/main/data"),
            {"LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY": ""},
            "LAKECTL_CREDENTIALS_SECRET_ACCESS_KEY is not set",
        ),
        (
            ("pull", "lakefs://image-data/main/data"),
            {"LAKEFS_ENDPOINT": "http://key:hunter2@127.0.0.1:1"},
            "it has keys in it",
        ),
    ],
)
def test_what_a_user_gets_wrong(
    typed: Typed,
    store: LakeFS,
    files: Path,
    words: tuple[str, ...],
    settings: dict[str, str],
    message: str,
) -> None:
    refused = typed(*words, **settings)
    assert refused.returncode == 2
    assert re.search(message, refused.stderr), refused.stderr
    assert "Traceback" not in refused.stderr and "hunter2" not in refused.stdout + refused.stderr


def test_every_command_of_the_page_is_one(
    typed: Typed, store: LakeFS, files: Path, tmp_path: Path
) -> None:
    page = (PROJECT / "docs" / "data-versions.md").read_text()
    making = page.partition("## Making versions")[2]
    commands = re.findall(r"^visionpipe data (.+)$", making, re.MULTILINE)
    assert len(commands) == 5
    files.rename(tmp_path / "leaves")
    for command in commands:
        done = typed(*command.split())
        assert done.returncode == 0, f"{command}: {done.stderr}"
