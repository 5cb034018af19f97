"""What lakeFS, S3, MLflow and Alertmanager announce, and what is to be done for it.

lakeFS: https://docs.lakefs.io/howto/hooks/webhooks.html, S3:
https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html,
MLflow: https://mlflow.org/docs/latest/ml/webhooks/, Alertmanager:
https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Literal, TypeVar
from urllib.parse import unquote_plus

from pydantic import AwareDatetime, BaseModel, Field, StringConstraints, ValidationError

from pipeline.hooks.errors import HookError
from stores.address import MANIFESTS, Address, LakeFSAddress, S3Address
from tracking.names import CHAMPION

_FRESH = timedelta(minutes=10)  # how far a message's time may be from now
_SIGNATURE, _TIMESTAMP, _DELIVERY = (
    f"X-MLflow-{name}" for name in ("Signature", "Timestamp", "Delivery-Id")
)
_NEW_DATA = ("post-merge", "post-commit")

# The alerts of monitoring/rules.yml that are about a model.
_INPUTS, _ANSWERS = "InputsDrifted", "AnswersDrifted"
_FIRING = "firing"

Kind = Literal["train", "label", "rollback"]
Text = Annotated[str, StringConstraints(max_length=2048)]
Message = TypeVar("Message", bound=BaseModel)


@dataclass(frozen=True)
class Work:
    """What is to be done.

    Attributes:
        events: ids of what is announced; what was announced before is not done again.
        kind: train on data, have the server's label name a model, or put the model before into
            production.
        argument: an address of data, a registered model by its alias, or the served version that
            an alert is about.
        may_grow: whether more of the same is likely to follow, so that it is done a while later,
            and once.
    """

    events: tuple[str, ...]
    kind: Kind
    argument: str
    may_grow: bool = False


class _LakeFSEvent(BaseModel):
    event_type: Text
    event_time: AwareDatetime
    repository_id: Text
    branch_id: Text = ""
    commit_id: Text = ""


class _Named(BaseModel):
    name: Text


class _Object(BaseModel):
    key: Text
    etag: Text = Field("", alias="eTag")
    version: Text = Field("", alias="versionId")
    sequencer: Text = ""


class _Stored(BaseModel):
    bucket: _Named
    object: _Object


class _Record(BaseModel):
    event: Text = Field(alias="eventName")
    time: AwareDatetime = Field(alias="eventTime")
    s3: _Stored


class _S3Event(BaseModel):
    records: list[_Record] = Field([], alias="Records", max_length=1000)


class _Aliased(BaseModel):
    name: Text = ""
    alias: Text = ""


class _MLflowEvent(BaseModel):
    entity: Text
    action: Text
    data: _Aliased


class _Labels(BaseModel):
    alertname: Text = ""
    model: Text = ""
    version: Text = ""


class _Alert(BaseModel):
    status: Text
    labels: _Labels
    begin: AwareDatetime = Field(alias="startsAt")
    fingerprint: Text


class _Notification(BaseModel):
    alerts: list[_Alert] = Field(max_length=1000)


def read_lakefs(body: bytes, watched: LakeFSAddress, now: datetime) -> Work | None:
    """Read a post-merge or post-commit webhook.

    Args:
        body: of the request.
        watched: the branch, and the path in it, whose commits are trained on.
        now: with a time zone.

    Returns:
        None where it is about something else.

    Raises:
        HookError: it is no such message, or an old one.
    """
    event = _parse(_LakeFSEvent, body)
    _require_fresh(event.event_time, now)
    place = (event.repository_id, event.branch_id)
    if event.event_type not in _NEW_DATA or place != (watched.repository, watched.ref):
        return None
    address = watched.at(event.commit_id)
    if not address.fixed:
        raise HookError("The message names no commit: `commit_id` is to be 64 hexadecimal digits.")
    return Work((f"{event.repository_id}@{event.commit_id}",), "train", str(address))


def read_s3(body: bytes, watched: S3Address, now: datetime) -> Work | None:
    """Read a notification of created objects.

    Args:
        body: of the request.
        watched: the prefix whose objects are trained on.
        now: with a time zone.

    Returns:
        None where it is about something else.

    Raises:
        HookError: it is no such message, or an old one.
    """
    events = []
    for record in _parse(_S3Event, body).records:
        _require_fresh(record.time, now)
        bucket, found = record.s3.bucket.name, record.s3.object
        key = unquote_plus(found.key)  # as S3 encodes it
        of_the_data = key.startswith(watched.prefix) and not key.startswith(f"{MANIFESTS}/")
        created = record.event.removeprefix("s3:").startswith("ObjectCreated")
        if created and bucket == watched.bucket and of_the_data:
            told = (bucket, key, found.version, found.etag, found.sequencer, str(record.time))
            events.append(hashlib.sha256("\0".join(told).encode()).hexdigest())
    return Work(tuple(events), "train", str(watched), may_grow=True) if events else None


def read_mlflow(
    body: bytes, headers: Mapping[str, str], secret: str, recipe: str, now: datetime
) -> Work | None:
    """Read the webhook of an alias that was set.

    Args:
        body: of the request.
        headers: likewise; MLflow signs its messages.
        secret: that it signs them with.
        recipe: name of the registered model.
        now: with a time zone.

    Returns:
        None where it is about something else.

    Raises:
        HookError: it is not signed by who knows the secret, no such message, or an old one.
    """
    delivery, timestamp = headers.get(_DELIVERY, ""), headers.get(_TIMESTAMP, "")
    signed = f"{delivery}.{timestamp}.".encode() + body
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    expected = f"v1,{base64.b64encode(digest).decode()}"
    if not hmac.compare_digest(expected.encode(), headers.get(_SIGNATURE, "").encode()):
        raise HookError("The signature is not of this secret.", HTTPStatus.UNAUTHORIZED)
    if not timestamp.isdecimal() or len(timestamp) > 12:
        raise HookError("The message says no time.")
    _require_fresh(datetime.fromtimestamp(int(timestamp), UTC), now)
    event = _parse(_MLflowEvent, body)
    named = (event.entity, event.action, event.data.name, event.data.alias)
    if named != ("model_version_alias", "created", recipe, CHAMPION):
        return None
    return Work((delivery,), "label", f"{recipe}@{CHAMPION}")


def read_alerts(
    body: bytes,
    action: Literal["nothing", "rollback", "train"],
    recipe: str,
    watched: Address | None,
) -> Work | None:
    """Read a notification of Alertmanager, which sends it again as long as an alert fires.

    Args:
        body: of the request.
        action: what the recipe wants to follow.
        recipe: name of the model.
        watched: data that are trained on; None for none.

    Returns:
        None where nothing follows.

    Raises:
        HookError: it is no such message.
    """
    firing = [
        alert
        for alert in _parse(_Notification, body).alerts
        if alert.status == _FIRING and alert.labels.model == recipe
    ]
    drifted = {alert.labels.alertname: alert for alert in firing}
    inputs, answers = drifted.get(_INPUTS), drifted.get(_ANSWERS)
    alert = answers or inputs
    if alert is None:
        return None
    event = f"{alert.fingerprint}@{alert.begin.isoformat()}"
    if action == "train" and watched:
        return Work((event,), "train", str(watched))
    # Of other images an older model knows no more.
    if action == "rollback" and answers and not inputs:
        return Work((event,), "rollback", answers.labels.version)
    return None


def _parse(kind: type[Message], body: bytes) -> Message:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        place = ".".join(map(str, error.errors()[0]["loc"]))
        raise HookError(
            f"The message is none that is known here{place and f': {place} is missing or wrong'}."
        ) from None


def _require_fresh(time: datetime, now: datetime) -> None:
    if abs(now - time) > _FRESH:
        raise HookError(
            "The message is from another time than now: it is an old one, or a clock is wrong."
        )
