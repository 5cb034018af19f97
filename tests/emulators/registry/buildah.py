"""Where buildah keeps its images, without daemon and namespaces."""

import json
from pathlib import Path


def store(folder: Path) -> dict[str, str]:
    """Writes the settings of a store in a folder; returns the environment in which it is used."""
    folder.mkdir(parents=True, exist_ok=True)
    settings = folder / "storage.conf"
    places = {name: json.dumps(str(folder / name)) for name in ("graphroot", "runroot")}
    lines = "".join(f"{name} = {place}\n" for name, place in places.items())
    settings.write_text(f'[storage]\ndriver = "vfs"\n{lines}')
    return {"CONTAINERS_STORAGE_CONF": str(settings), "BUILDAH_ISOLATION": "chroot"}
