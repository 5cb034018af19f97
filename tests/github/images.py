"""Base images like those that the Dockerfile names, made on this machine, and buildah's store."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.github.machines import AUTHORITIES, authorities
from tests.github.repositories import commit

NEEDED = ("buildah", "debootstrap", "skopeo", "docker-registry")
PYTHON = "localhost/python"
BEAM = "localhost/beam"
_RELEASE = "bookworm"
_BOOT = Path(__file__).with_name("beam_boot.py")
_FROM = {"docker.io/apache/beam_python3.11_sdk": BEAM, "docker.io/library/python": PYTHON}


def missing() -> str:
    """Why no image can be built on this machine; empty when one can."""
    absent = [name for name in NEEDED if not shutil.which(name)]
    if absent:
        return f"no {', '.join(absent)} on this machine"
    return "" if os.geteuid() == 0 else "a base image is made by root only"


def make_bases(folder: Path, environment: Mapping[str, str]) -> None:
    """Makes the images PYTHON, Debian with its Python 3.11, and BEAM, whose `boot` is ours."""
    root = folder / "python"
    packages = "ca-certificates,python3,python3-dev,python3-venv"
    _run("debootstrap", "--variant=minbase", f"--include={packages}", _RELEASE, str(root))
    for cached in (root / "var/cache/apt/archives").glob("*.deb"):
        cached.unlink()
    # This machine may reach the packages by an authority of its own.
    shutil.copyfile(authorities(), root / AUTHORITIES.lstrip("/"))
    (root / "usr/local/bin/python").symlink_to("/usr/bin/python3")
    boot = folder / "beam/opt/apache/beam/boot"
    boot.parent.mkdir(parents=True)
    shutil.copyfile(_BOOT, boot)
    boot.chmod(0o755)
    recipe = folder / "Dockerfile"
    recipe.write_text(
        "FROM scratch\nCOPY . /\n"
        f"ENV SSL_CERT_FILE={AUTHORITIES} PIP_CERT={AUTHORITIES} "
        "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin\n"
    )
    for name, content in ((PYTHON, root), (BEAM, folder / "beam")):
        command = ("buildah", "build", "--quiet", "--tag", name, "--file", str(recipe))
        _run(*command, str(content), environment=environment)
        shutil.rmtree(content)


def build_on_bases(repository: Path) -> None:
    """Lets a repository's Dockerfile begin with the images that were made here."""
    path = repository / "Dockerfile"
    lines = path.read_text().splitlines(keepends=True)
    for number, line in enumerate(lines):
        for image, base in _FROM.items():
            if line.startswith(f"FROM {image}:"):
                lines[number] = f"FROM {base} AS {line.split()[-1]}\n"
    path.write_text("".join(lines))
    commit(repository)


def image_tag(repository: Path) -> str:
    """What the image of a repository is called."""
    script = repository / ".github" / "scripts" / "image-tag"
    done = subprocess.run([script], cwd=repository, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _run(*command: str, environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"{command[0]}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
