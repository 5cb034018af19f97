"""What a monitor has to say, in words and by features."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from models.task import CONFIDENCE
from monitoring.routes import Side, compare, estimate_side
from monitoring.state import Judged, State, Version
from monitoring.watched import Watched

# Seconds without a request after which there is none any more.
SILENCE = 3600.0


@dataclass(frozen=True)
class Verdict:
    """How it goes.

    Attributes:
        word: `As in training`, `Drifted`, `Too few requests` or `No traffic`.
        reasons: why, a sentence each.
    """

    word: str
    reasons: list[str]

    @property
    def healthy(self) -> bool:
        """Whether requests came, and are as in training."""
        return self.word == "As in training"


def find_active(state: State, watched: Mapping[int, Watched]) -> Iterator[tuple[Watched, Version]]:
    """Versions that answered of late, the newest first."""
    for number in sorted(state.versions.keys() & watched.keys(), reverse=True):
        if state.versions[number].seen > state.seen - SILENCE:
            yield watched[number], state.versions[number]


def find_verdict(state: State, watched: Mapping[int, Watched], now: float) -> Verdict:
    """Sum it up; no traffic is not health."""
    drifted = []
    judged = 0
    for model, version in find_active(state, watched):
        if version.closed:
            judged += 1
            drifted += _tell_drift(model, version)
    if not state.seen:
        return Verdict("No traffic", ["The log has no request yet."])
    if now - state.seen > SILENCE:
        quiet = f"No request has come since {show_time(state.seen)}."
        return Verdict("No traffic", [quiet, *drifted])
    if drifted:
        return Verdict("Drifted", drifted)
    if not judged:
        return Verdict("Too few requests", ["No window is full yet."])
    return Verdict("As in training", ["No feature of the newest window is out of the ordinary."])


def _tell_drift(model: Watched, version: Version) -> list[str]:
    newest = version.closed[-1]
    inputs = [name for name in newest.alarms if name in model.reference.inputs]
    answers = [name for name in newest.alarms if name in model.reference.answers]
    said = []
    if inputs:
        said.append(
            f"Version {model.number} is asked about other images than it knows: by "
            f"{', '.join(inputs)}."
        )
    if answers:
        because = ", as its images do" if inputs else ", while its images do not"
        said.append(
            f"The answers of version {model.number} differ{because}: by {', '.join(answers)}."
        )
    return said


def estimate(model: Watched, judged: Judged) -> float | None:
    """Return the accuracy of a window, without labels; None of a task that has none to estimate.

    Of calibrated probabilities, the mean of those that the answers had is the share of right ones
    (CBPE; Guillory et al., "Predicting with confidence on unseen distributions", ICCV 2021).
    """
    return judged.means.get(CONFIDENCE) if model.task.calibrates else None


def find_doubt(model: Watched, judged: Judged) -> str:
    """Why an estimate cannot be trusted; empty where it can."""
    if not model.estimates:
        return "the model's probabilities were not calibrated"
    drifted = [name for name in judged.alarms if name in model.reference.inputs]
    if drifted:
        return f"the images drifted, by {', '.join(drifted)}"
    return ""


def compare_routes(state: State, watched: Mapping[int, Watched]) -> list[str]:
    """Compare the labels that share the traffic, without true labels."""
    sides: dict[str, Side] = {}
    for name, route in state.routes.items():
        model = watched.get(route.version)
        if model and model.estimates and route.images:
            sides[name] = estimate_side(
                name, route.version, route.images, route.confidences, route.squares
            )
    return compare(sides, "as their probabilities estimate")


def tell_troubles(state: State, faults: Mapping[int, str]) -> list[str]:
    """Return what of the log could not be used, a sentence each."""
    said = [
        f"{faults.get(number, f'Version {number} cannot be watched.')} It answered {count} times."
        for number, count in sorted(state.unknown.items())
    ]
    said += [f"{count} records are of the model {name}." for name, count in state.others.items()]
    if state.unreadable:
        said.append(f"{state.unreadable} images could not be measured.")
    if state.backwards:
        said.append(f"{state.backwards} times the server's clock ran backwards.")
    return said


def show_time(seconds: float) -> str:
    """Return a moment, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
