"""Stages of a registered model: versions that are staged, and the one that is in production.

The alias `champion` says what is in production; it is moved, and never unset. MLflow keeps no
history of an alias. So every move is a tag of the registered model, which no other overwrites.
"""

from __future__ import annotations

import contextlib
import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import tenacity
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from tracking import names
from tracking.client import Connection
from tracking.entries import cut
from tracking.errors import TrackingError
from tracking.runs import TrackedRun
from tracking.versions import Version, read_version, set_tags

_WHY = 1000  # characters kept of a reason


def _was_first_elsewhere(error: BaseException) -> bool:
    """Tell whether MLflow refuses a first alias since another client sets it at that moment."""
    return isinstance(error, TrackingError) and error.code == "BAD_REQUEST"


_again = tenacity.retry(
    retry=tenacity.retry_if_exception(_was_first_elsewhere),
    stop=tenacity.stop_after_attempt(5),
    wait=tenacity.wait_random(0, 0.5),
    reraise=True,
)


class Move(BaseModel):
    """A move of the alias.

    Attributes:
        when: it was made.
        who: did it.
        origin: number of the version that was in production; None where none was.
        target: number of the version that is in production since.
        why: in words.
    """

    model_config = ConfigDict(frozen=True)

    when: AwareDatetime
    who: str
    origin: int | None
    target: int
    why: str


@dataclass(frozen=True)
class Production:
    """What is in production.

    Attributes:
        champion: the version; None where there is none.
        moves: how it came, the newest first.
    """

    champion: Version | None
    moves: tuple[Move, ...]

    @property
    def since(self) -> Move | None:
        """The move that it came by; None where something else has set the alias."""
        number = self.champion.number if self.champion else None
        return next((move for move in self.moves if move.target == number), None)


def stage(server: Connection, version: Version, by: str, why: str) -> bool:
    """Mark a version as staged.

    Args:
        server: where it is registered.
        version: of the stage `registered` or `staging`.
        by: who does it.
        why: in words.

    Returns:
        Whether it was not staged yet; what was told of one that was stays.

    Raises:
        TrackingError: the server refuses it.
    """
    if version.tags.get(names.STAGE) == names.STAGING:
        return False
    told = {names.STAGED_BY: by, names.STAGED_FOR: why}
    set_tags(server, version, {**told, names.STAGE: names.STAGING})
    return True


def produce(server: Connection, version: Version, by: str, why: str) -> Move | None:
    """Put a version into production. Of two at once the last one wins, and both are told of.

    Args:
        server: where it is registered.
        version: which one.
        by: who does it.
        why: in words.

    Returns:
        The move; None where the version is in production already.

    Raises:
        TrackingError: the server refuses it.
    """
    champion = read_production(server, version.model).champion
    if champion and champion.number == version.number:
        return None
    origin = champion.number if champion else None
    when = datetime.now(UTC)
    move = Move(when=when, who=by, origin=origin, target=version.number, why=cut(why, _WHY))
    key = f"{names.MOVE}{when:%Y%m%dT%H%M%S.%f}.{secrets.token_hex(4)}"
    client, what = server.client, f"put version {version.number} of {version.model} in production"
    # Before the alias: so no move is without its entry, whenever this process ends.
    server.ask(what, client.set_registered_model_tag, version.model, key, move.model_dump_json())
    number = str(version.number)
    _again(server.ask)(
        what, client.set_registered_model_alias, version.model, names.CHAMPION, number
    )
    return move


def read_production(server: Connection, model: str) -> Production:
    """Read what is in production of a registered model; nothing is where there is no such model.

    Raises:
        TrackingError: the server cannot be asked.
    """
    try:
        found = server.ask(f"read {model}", server.client.get_registered_model, model)
    except TrackingError as error:
        if error.code != "RESOURCE_DOES_NOT_EXIST":
            raise
        return Production(None, ())
    number = found.aliases.get(names.CHAMPION)
    return Production(
        read_version(server, model, int(number)) if number else None, _read_moves(found.tags)
    )


def read_loss(server: Connection, run: TrackedRun) -> float:
    """Return the validation loss of the epoch of the run's model; NaN where it is not recorded.

    Raises:
        TrackingError: the server cannot be asked.
    """
    best, losses = (
        server.ask(f"give {key} of run {run.name}", server.client.get_metric_history, run.id, key)
        for key in (names.BEST_EPOCH, names.VALIDATION_LOSS)
    )
    epoch = best[-1].value if best else -1
    return next((point.value for point in losses if point.step == epoch), math.nan)


def _read_moves(tags: Mapping[str, str]) -> tuple[Move, ...]:
    """Those of a model's tags that are moves; one that somebody has spoilt is none."""
    moves = []
    for name, text in tags.items():
        if name.startswith(names.MOVE):
            with contextlib.suppress(ValidationError):
                moves.append(Move.model_validate_json(text))
    return tuple(sorted(moves, key=lambda move: move.when, reverse=True))
