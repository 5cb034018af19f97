"""Moves labels from version to version without a moment in which one names nothing.

The server refuses a config that moves a label to a version which is not loaded yet, and loads
nothing of it; it takes labels first and unloads afterwards. So what a label moves to is loaded
beside the rest first, and only then does the label move. What counts is what the server has, not
what the file says: it may not have read it, or may have refused it.
"""

import time
from pathlib import Path

from serving import config
from serving.client import RestClient
from serving.errors import Kind, ServingError

LABELS = ("stable", "canary")
_AVAILABLE = "AVAILABLE"


def choose(folder: Path, model: str, stable: int | None, canary: int | None) -> dict[str, int]:
    """Return what each label is to name: by default the newest version is stable.

    Args:
        folder: the Pusher's folder.
        model: name of the model.
        stable: a version; None for the default, and beside a canary for what is stable already.
        canary: a version, or None for no canary.

    Raises:
        ServingError: a version was not pushed, or only a part of it is there.
    """
    pushed = config.pushed_versions(folder)
    if stable is None and canary is not None and (present := config.read(folder, model)):
        stable = present.version_labels.get("stable")
    labels = {"stable": stable or pushed[-1]} | ({"canary": canary} if canary else {})
    for label, version in labels.items():
        if version not in pushed:
            raise ServingError(
                f"{label.capitalize()} cannot be {version}: {folder / str(version)} holds no whole "
                f"model; pushed are {', '.join(map(str, pushed))}."
            )
    return labels


def roll_out(
    folder: Path, model: str, labels: dict[str, int], server: RestClient, wait: float
) -> bool:
    """Has the labels name versions, in the server too if it runs.

    Args:
        folder: the Pusher's folder, which the config goes to.
        model: name of the model.
        labels: the version that each label is to name.
        server: the server that reads the config.
        wait: seconds that it may take to load a version.

    Returns:
        Whether a server runs.

    Raises:
        ServingError: the server did not load a version; everything is as before.
    """
    states = _states(server)
    wanted = set(labels.values())
    if states is not None and not _loaded(wanted, states):
        loaded = {version for version, state in states.items() if state == _AVAILABLE}
        present = {label: found for label in LABELS if (found := server.version_of(label))}
        config.write(folder, config.build(folder, model, wanted | loaded, present))
        try:
            _await_loaded(wanted, server, wait)
        except ServingError:
            if loaded:
                config.write(folder, config.build(folder, model, loaded, present))
            raise
    config.write(folder, config.build(folder, model, wanted, labels))
    return states is not None


def _await_loaded(wanted: set[int], server: RestClient, wait: float) -> None:
    deadline = time.monotonic() + wait
    while not _loaded(wanted, states := _states(server) or {}):
        if time.monotonic() > deadline:
            missing = sorted(version for version in wanted if states.get(version) != _AVAILABLE)
            raise ServingError(
                f"The server did not load {missing[0]} in {wait:.0f} s (it says "
                f"{states.get(missing[0], 'nothing of it')}); its log tells why, and the labels "
                "are as before. Allow more time with --wait."
            )
        time.sleep(0.2)


def _loaded(wanted: set[int], states: dict[int, str]) -> bool:
    return all(states.get(version) == _AVAILABLE for version in wanted)


def _states(server: RestClient) -> dict[int, str] | None:
    """Return the server's versions; None when none runs."""
    try:
        return server.versions()
    except ServingError as error:
        if error.kind is Kind.UNREACHABLE:
            return None
        if error.kind is Kind.MISSING:
            return {}
        raise
