"""What is installed: by hash, the same everywhere, listed and looked up."""

import json
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from tests.conftest import REPOSITORY
from tests.emulators.gcs import GcsEmulator
from tests.emulators.osv import Osv
from tests.github.machines import machine

PACKAGES = tomllib.loads((REPOSITORY / "uv.lock").read_text())["package"]
LOCKED = {package["name"]: package for package in PACKAGES}
DOCKERFILE = (REPOSITORY / "Dockerfile").read_text()
DEPENDABOT = yaml.safe_load((REPOSITORY / ".github" / "dependabot.yml").read_text())


def test_every_file_that_may_be_installed_has_a_hash() -> None:
    files = [
        file
        for package in PACKAGES
        for file in [*package.get("wheels", []), *filter(None, [package.get("sdist")])]
    ]
    assert len(files) > 1000
    assert all(file["hash"].startswith("sha256:") for file in files)


@pytest.mark.parametrize(
    "platform", ["x86_64-manylinux_2_28", "aarch64-apple-darwin"], ids=["Linux", "macOS"]
)
def test_the_lock_can_be_installed(platform: str, tmp_path: Path) -> None:
    """As far as uv can tell of another system: every package has a wheel for it, or sources."""
    uv = shutil.which("uv") or REPOSITORY / ".tools" / "bin" / "uv"
    done = subprocess.run(
        [uv, "sync", "--frozen", "--dry-run", "--python-platform", platform],
        cwd=REPOSITORY,
        env={**os.environ, "UV_PROJECT_ENVIRONMENT": str(tmp_path / "venv")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "+ tfx==" in done.stderr


def test_uv_itself_is_installed_by_hash() -> None:
    lines = (REPOSITORY / ".github" / "uv" / "requirements.txt").read_text().split()
    assert re.fullmatch(r"uv==[\d.]+", lines[0])
    assert all(line.startswith("--hash=sha256:") for line in lines[1:] if line != "\\")
    for name in ("Makefile", "Dockerfile"):
        text = (REPOSITORY / name).read_text()
        assert "--require-hashes" in text and " uv==" not in text


def test_the_image_installs_the_lock_and_the_workers_of_its_beam() -> None:
    assert "uv sync --frozen" in DOCKERFILE
    assert f"beam_python3.11_sdk:{LOCKED['apache-beam']['version']} " in DOCKERFILE
    assert re.search(r"/python:3\.11\.\d+-slim-\w+@sha256:[0-9a-f]{64} ", DOCKERFILE)


def test_what_is_made_again_waits_before_it_is_taken() -> None:
    updates = DEPENDABOT["updates"]
    assert {update["package-ecosystem"] for update in updates} == {
        "docker",
        "docker-compose",
        "github-actions",
        "pip",
        "terraform",
        "uv",
    }
    for update in updates:
        assert update["cooldown"]["default-days"] >= 7
        for folder in update.get("directories", [update.get("directory")]):
            assert (REPOSITORY / folder.strip("/")).is_dir()


def make(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", *words],
        cwd=REPOSITORY,
        env=machine(Path(environment.pop("HOME"))) | environment,
        capture_output=True,
        text=True,
    )


def test_known_vulnerabilities_are_named(osv: Osv, gcs: GcsEmulator, tmp_path: Path) -> None:
    environment = {
        **gcs.authority.environment,
        **gcs.proxy.environment,
        "HOME": str(tmp_path),
        "UV_HTTP_RETRIES": "0",  # of PyPI, which it asks for each project's status, in vain
    }
    clean = make("audit", **environment)
    assert clean.returncode == 0, clean.stderr
    assert ("tfx", LOCKED["tfx"]["version"]) in osv.asked and len(osv.asked) > 200
    osv.add("PYSEC-2026-1", "pillow")
    found = make("audit", **environment)
    assert found.returncode != 0
    assert "pillow" in found.stdout + found.stderr
    assert "PYSEC-2026-1" in found.stdout + found.stderr


def test_the_bill_of_materials_lists_the_lock(tmp_path: Path) -> None:
    done = make("sbom", HOME=str(tmp_path))
    assert done.returncode == 0, done.stderr
    bill = json.loads((REPOSITORY / "output" / "sbom.json").read_text())
    assert bill["bomFormat"] == "CycloneDX"
    listed = {one["name"]: one["version"] for one in bill["components"]}
    assert len(listed) > 200
    for name in ("tfx", "tensorflow", "kfp", "huggingface-hub", "gradio"):
        assert listed[name] == LOCKED[name]["version"]
