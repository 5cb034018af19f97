"""`make env`: what is missing in `.env` is added, and nothing else is touched."""

import concurrent.futures
import multiprocessing
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import dotenv
import pytest

from pipeline.configs import load_settings
from stores.local_keys import KEYS, KeysError, write_keys
from tests.conftest import REPOSITORY


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / ".env"


def test_a_new_file_has_everything_and_is_its_owners_alone(file: Path) -> None:
    assert write_keys(file) == list(KEYS)
    values = dotenv.dotenv_values(file)
    assert list(values) == list(KEYS)
    assert file.stat().st_mode & 0o777 == 0o600
    # What needs no quotes anywhere, and what a password manager would not call weak.
    for name in ("MINIO_ROOT_PASSWORD", "POSTGRES_PASSWORD"):
        assert re.fullmatch(r"[0-9a-f]{40}", values[name] or "")
    assert re.fullmatch(r"AKIA[A-Z0-9]{16}", values["LAKECTL_CREDENTIALS_ACCESS_KEY_ID"] or "")


def test_no_two_passwords_are_equal(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        write_keys(tmp_path / name)
        made += [
            value
            for key, value in dotenv.dotenv_values(tmp_path / name).items()
            if key.endswith(("PASSWORD", "KEY", "KEY_ID"))
        ]
    assert len(set(made)) == len(made) == 12


def test_a_second_time_changes_nothing(file: Path) -> None:
    write_keys(file)
    before = file.read_bytes(), file.stat().st_ino
    assert write_keys(file) == []
    assert (file.read_bytes(), file.stat().st_ino) == before


def test_what_is_there_stays_as_it_is(file: Path) -> None:
    mine = "# mine\nEPOCHS=3\nexport MINIO_ROOT_PASSWORD='of mine $HOME'\nMINIO_ROOT_USER=\n\xe4=1"
    file.write_text(mine)
    file.chmod(0o644)
    added = write_keys(file)
    assert file.read_text().startswith(f"{mine}\n")
    assert "MINIO_ROOT_PASSWORD" not in added
    assert "MINIO_ROOT_USER" in added  # an empty line is no value
    values = dotenv.dotenv_values(file, interpolate=False)
    assert values["MINIO_ROOT_PASSWORD"] == "of mine $HOME"
    assert values["MINIO_ROOT_USER"] == "admin"
    assert file.stat().st_mode & 0o777 == 0o600


def test_the_settings_take_no_offence_at_the_names(file: Path) -> None:
    write_keys(file)
    assert load_settings(file).recipe == "scenes"


def test_a_link_stays_one(file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "keys").write_text("EPOCHS=3\n")
    file.symlink_to(elsewhere / "keys")
    write_keys(file)
    assert file.is_symlink()
    assert "EPOCHS=3\nMINIO_ROOT_USER=" in (elsewhere / "keys").read_text()


def test_of_several_at_once_all_find_the_same_keys(file: Path) -> None:
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(4, mp_context=context) as pool:
        added = list(pool.map(write_keys, [file] * 8))
    assert sorted(map(len, added)) == [0] * 7 + [len(KEYS)]
    assert len(file.read_text().splitlines()) == len(KEYS)
    assert os.listdir(file.parent) == [".env"]


def without_room(file: Path) -> str:
    """What is said where no file may grow, as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (20, 20))
    try:
        write_keys(file)
    except KeysError as error:
        return str(error)
    return ""


def test_a_full_disk_leaves_the_old_file(file: Path) -> None:
    file.write_text("EPOCHS=3\n")
    context = multiprocessing.get_context("spawn")
    with concurrent.futures.ProcessPoolExecutor(1, mp_context=context) as pool:
        said = pool.submit(without_room, file).result()
    assert "cannot be written (File too large)" in said
    assert file.read_text() == "EPOCHS=3\n"
    assert os.listdir(file.parent) == [".env"]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda file: file.write_bytes(b"\xff\xfe"), "is no text in UTF-8"),
        (lambda file: file.mkdir(), r"cannot be written \(Is a directory\)"),
    ],
    ids=["no text", "a folder"],
)
def test_what_cannot_be_read_is_told_in_a_sentence(file: Path, make, said: str) -> None:
    make(file)
    done = subprocess.run(
        [sys.executable, "-m", "stores.local_keys"],
        cwd=file.parent,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert re.fullmatch(rf".*\.env {said}[^\n]*\n", done.stderr)
