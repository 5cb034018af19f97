"""Which versions of a model are served, and how one takes another's place.

A new version is loaded and asked before anybody else asks it; then it takes over in one step. Who
was being answered by the old one still is, and it goes when the last one is. A version that does
not load changes nothing.
"""

import gc
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from serving import config
from serving.errors import ServingError
from serving.gateway.asked import Asked
from serving.gateway.limits import Refusal
from serving.gateway.servable import MODEL_FILE, Servable
from serving.gateway.version import Version

STABLE = "stable"
_LITE = ".tflite"


@dataclass(frozen=True)
class Wanted:
    """What a folder asks for.

    Attributes:
        folders: of versions, by number, the most wanted first.
        labels: the version that each names; None where whichever is served first is stable.
    """

    folders: dict[int, Path]
    labels: dict[str, int] | None


@dataclass(frozen=True)
class Served:
    """What is served at one moment."""

    versions: Mapping[int, Version] = field(default_factory=dict)
    labels: Mapping[str, int] = field(default_factory=dict)


class Status(NamedTuple):
    """What TensorFlow Serving tells of a version.

    Attributes:
        version: its number.
        state: by TensorFlow Serving's name.
        failure: why it is not served, a sentence; empty where it is.
    """

    version: int
    state: str
    failure: str


def find_wanted(name: str, folder: Path) -> Wanted:
    """Read what is to be served.

    Args:
        name: of the model.
        folder: a SavedModel, a LiteRT file, or a folder of versions as the Pusher leaves it, whose
            models.config says which are served; without it, the newest is.

    Raises:
        ServingError: there is none, or it cannot be read.
    """
    try:
        if folder.suffix == _LITE and folder.is_file():
            return Wanted({1: folder}, None)
        if (folder / MODEL_FILE).is_file():
            number = int(folder.name) if folder.name.isdecimal() else 1
            return Wanted({number: folder}, None)
        if folder.exists():
            next(folder.iterdir(), None)  # of what cannot be read, a pattern finds nothing
        pushed = config.pushed_versions(folder)
        present = config.read(folder, name)
    except OSError as error:
        raise ServingError(
            f"{folder} cannot be read ({error.strerror}): name a folder of models with --model, or "
            "in SERVING_DIR."
        ) from error
    if present is None or not present.model_version_policy.HasField("specific"):
        return Wanted({number: folder / str(number) for number in reversed(pushed)}, None)
    specific = present.model_version_policy.specific.versions
    if not specific:
        raise ServingError(
            f"No version in {folder} is in production yet: choose one with `visionpipe produce`, "
            "or with `visionpipe serving config`."
        )
    numbers = [number for number in sorted(specific, reverse=True) if number in pushed]
    return Wanted({one: folder / str(one) for one in numbers}, dict(present.version_labels))


class ServedModel:
    """A model and its versions; `refresh` is called by one thread, the rest by any.

    Args:
        name: of the model.
        folder: as `find_wanted` takes it.
        tell: is told in a sentence what is served now, or what could not be.
        task: which the model must be of; by default the one that is served first.
    """

    def __init__(
        self, name: str, folder: Path, tell: Callable[[str], None], task: str | None = None
    ) -> None:
        self.name = name
        self.served = Served()
        self._folder = folder
        self._tell = tell
        self._task = task
        self._told = ""
        self._loading: int | None = None
        self._failed: dict[int, tuple[int, str]] = {}

    def refresh(self) -> None:
        """Load what is new, and drop what is no longer wanted."""
        try:
            wanted = find_wanted(self.name, self._folder)
        except ServingError as error:
            self._tell_once(str(error))
            return
        before = self.served
        loaded: dict[int, Version] = {}
        for number, folder in wanted.folders.items():
            one = before.versions.get(number) or self._load(number, folder)
            if one:
                loaded[number] = one
                if wanted.labels is None:
                    break
        if not loaded:
            return
        labels = {STABLE: max(loaded)} if wanted.labels is None else wanted.labels
        moved = {label: number for label, number in labels.items() if number in loaded}
        # A label whose version is not there yet stays where it is.
        for label in labels.keys() - moved.keys():
            if label in before.labels:
                moved[label] = before.labels[label]
                loaded[moved[label]] = before.versions[moved[label]]
        self.served = Served(loaded, moved)
        if before.versions.keys() != loaded.keys() or before.labels != moved:
            named = {number: label for label, number in moved.items()}
            listed = [f"{one} ({named[one]})" if one in named else str(one) for one in loaded]
            self._tell(f"{self.name}: serves version {', '.join(listed)}.")
        if before.versions.keys() - loaded.keys():
            del before
            gc.collect()  # a SavedModel's functions refer to each other

    def find(self, asked: Asked) -> Version:
        """Return the version that is asked for, by default the newest.

        Raises:
            Refusal: it is not served.
        """
        served, number = self.served, asked.version
        if not served.versions:  # at the start alone: later something always is
            raise Refusal(503, f"Model {self.name} is being loaded: ask again later.")
        if asked.label is not None:
            if asked.label not in served.labels:
                raise Refusal(400, f"Unrecognized servable version label: {asked.label[:100]}")
            number = served.labels[asked.label]
        if number is None:
            number = max(served.versions, default=None)
        if number is None or number not in served.versions:
            what = f"Latest({self.name})" if number is None else f"Specific({self.name}, {number})"
            raise Refusal(404, f"Servable not found for request: {what}")
        return served.versions[number]

    def statuses(self, asked: Asked) -> list[Status]:
        """Return the versions that are known, newest first.

        Raises:
            Refusal: there is none.
        """
        if asked.label is not None:
            asked = asked._replace(version=self.find(asked).number)
        states = {number: ("END", said) for number, (_, said) in self._failed.items()}
        states |= {number: ("AVAILABLE", "") for number in self.served.versions}
        if self._loading is not None:
            states[self._loading] = ("LOADING", "")
        listed = [
            Status(number, state, said)
            for number, (state, said) in sorted(states.items(), reverse=True)
            if asked.version in (None, number)
        ]
        if not listed:
            raise Refusal(404, f"Could not find any versions of model {self.name}")
        return listed

    def find_failure(self) -> str:
        """Why nothing is served, in a sentence."""
        return self._told

    def _load(self, number: int, folder: Path) -> Version | None:
        """None where it does not load, which is tried again when its file has changed."""
        try:
            file = folder if folder.suffix == _LITE else folder / MODEL_FILE
            changed = file.stat().st_mtime_ns
        except OSError:  # it was removed since
            return None
        if self._failed.get(number, (None, ""))[0] == changed:
            return None
        self._loading = number
        try:
            servable = _open(folder, number, self._task)
        except ServingError as error:
            self._failed[number] = (changed, str(error))
            serves = ", ".join(map(str, self.served.versions)) or "none"
            self._tell_once(
                f"{self.name}: version {number} in {folder} cannot be served: {error}; push "
                f"another one. Served are: {serves}."
            )
            return None
        finally:
            self._loading = None
        self._failed.pop(number, None)
        self._task = self._task or servable.task
        return servable

    def _tell_once(self, said: str) -> None:
        if said != self._told:
            self._told = said
            self._tell(said)


def _open(folder: Path, number: int, task: str | None) -> Version:
    if folder.suffix == _LITE:
        from serving.gateway.lite import LiteServable  # LiteRT, which few serve

        return LiteServable(folder, number, task)
    return Servable(folder, number, task)
