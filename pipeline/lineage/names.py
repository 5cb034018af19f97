"""The names by which a run is found: its own, or one of a model that it made."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_SHORTEST = 4  # characters of the beginning of a name that may stand for it
_SERVING = "Format-Serving"  # TFX's folder of the SavedModel in a Trainer's output


@dataclass(frozen=True)
class Name:
    """What a run may be asked for by.

    Attributes:
        text: the name in full.
        run_id: of the run.
        others: shorter or longer forms of the name.
    """

    text: str
    run_id: str
    others: tuple[str, ...] = ()


def model_name(run_id: str, uri: str) -> Name:
    """Return the folder of a model that a step put out."""
    return Name(uri, run_id, (f"{uri}/{_SERVING}",))


def pushed_names(run_id: str, uri: str, properties: Mapping[str, Any]) -> Iterator[Name]:
    """Yield what a model is called where it was pushed to.

    Args:
        run_id: of the run.
        uri: folder of the `pushed_model` artifact.
        properties: of that artifact.
    """
    yield Name(uri, run_id)
    pushed_to = properties.get("saved_model") or properties.get("pushed_destination", "")
    folder, _, version = pushed_to.rpartition("/")
    yield Name(pushed_to, run_id, (version,) if folder and version.isdecimal() else ())
    for name in ("tag", "revision"):
        yield Name(properties.get(name, ""), run_id)


def find_run(text: str, names: Iterable[Name]) -> str:
    """Return the run that somebody asks for.

    Args:
        text: one of the names, a path from the current folder, or the beginning of a name that is
            no path.
        names: all that are known, those of the run that is to be found first before others.

    Raises:
        LookupError: there is none.
        ValueError: there are several; the message names them.
    """
    asked = {text.rstrip("/"), str(Path(text).resolve())}
    known = [name for name in names if name.text]
    fitting = [name for name in known if asked & {name.text, *name.others}]
    fitting = fitting or [name for name in known if _begins(name, text)]
    if not fitting:
        raise LookupError(text)
    by_text = {name.text: name.run_id for name in reversed(fitting)}
    if len(set(by_text.values())) > 1:
        found = ", ".join(f"{name} (run {run})" for name, run in sorted(by_text.items()))
        raise ValueError(f"{text} may be any of these, so give more of the name: {found}.")
    return fitting[0].run_id


def _begins(name: Name, text: str) -> bool:
    forms = (form for form in (name.text, *name.others) if "/" not in form)
    return len(text) >= _SHORTEST and any(form.startswith(text) for form in forms)
