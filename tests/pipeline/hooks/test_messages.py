"""What is announced becomes work; what is forged, stale or about something else does not."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any

import pytest

from pipeline.hooks.errors import HookError
from pipeline.hooks.messages import Work, read_alerts, read_lakefs, read_mlflow, read_s3
from stores.address import LakeFSAddress, S3Address

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
BRANCH = LakeFSAddress("pets", "main", "data/tfrecords")
PREFIX = S3Address("tires", "split_1")
COMMIT = "5" * 64
SECRET = "a secret"


def lakefs(**changed: Any) -> bytes:
    told = {
        "event_type": "post-merge",
        "event_time": "2026-11-30T11:59:58Z",
        "action_name": "train",
        "hook_id": "train",
        "repository_id": "pets",
        "branch_id": "main",
        "source_ref": COMMIT,
        "commit_id": COMMIT,
        "commit_message": "more pets",
        "committer": "ann",
        "commit_metadata": {"key": "value"},
    }
    return json.dumps(told | changed).encode()


def s3(*keys: str, event: str = "s3:ObjectCreated:Put", bucket: str = "tires") -> bytes:
    records = [
        {
            "eventVersion": "2.0",
            "eventName": event,
            "eventTime": "2026-11-30T11:59:58.000Z",
            "s3": {
                "bucket": {"name": bucket, "arn": f"arn:aws:s3:::{bucket}"},
                "object": {"key": key, "size": 7, "eTag": "e", "sequencer": f"00{number}"},
            },
        }
        for number, key in enumerate(keys)
    ]
    return json.dumps({"EventName": event, "Records": records}).encode()


def test_a_merge_is_trained_on_by_its_commit() -> None:
    expected = Work((f"pets@{COMMIT}",), "train", f"lakefs://pets/{COMMIT}/data/tfrecords")
    assert read_lakefs(lakefs(), BRANCH, NOW) == expected
    assert read_lakefs(lakefs(event_type="post-commit"), BRANCH, NOW) == expected


@pytest.mark.parametrize(
    "changed",
    [{"branch_id": "draft"}, {"repository_id": "cats"}, {"event_type": "pre-merge"}],
)
def test_what_is_not_the_branch_is_nobodys_business(changed: dict[str, str]) -> None:
    assert read_lakefs(lakefs(**changed), BRANCH, NOW) is None


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"commit_id": ""}, "names no commit"),
        ({"commit_id": "../../secrets"}, "names no commit"),
        ({"event_time": "2026-11-30T11:40:00Z"}, "an old one"),
        ({"event_time": "2026-11-30T12:20:00Z"}, "a clock is wrong"),
        ({"event_time": "2026-11-30T11:59:58"}, "event_time is missing or wrong"),
        ({"repository_id": ["pets"]}, "repository_id is missing or wrong"),
        ({"branch_id": "m" * 5000}, "branch_id is missing or wrong"),
    ],
)
def test_a_merge_that_cannot_be_is_refused(changed: dict[str, Any], why: str) -> None:
    with pytest.raises(HookError, match=why):
        read_lakefs(lakefs(**changed), BRANCH, NOW)


def test_objects_below_the_prefix_are_one_piece_of_work() -> None:
    found = read_s3(s3("split_1/train/good/a+b.jpg", "split_1/x", "other/y"), PREFIX, NOW)
    assert found is not None and found.may_grow
    assert (found.kind, found.argument) == ("train", "s3://tires/split_1")
    assert len(set(found.events)) == 2
    again = read_s3(s3("split_1/train/good/a+b.jpg"), PREFIX, NOW)
    assert again is not None and again.events[0] == found.events[0]


def test_other_objects_are_nobodys_business() -> None:
    assert read_s3(s3("split_10/x"), PREFIX, NOW) is None
    assert read_s3(s3("split_1/x", event="s3:ObjectRemoved:Delete"), PREFIX, NOW) is None
    assert read_s3(s3("split_1/x", bucket="cats"), PREFIX, NOW) is None
    assert read_s3(b'{"Service": "Amazon S3", "Event": "s3:TestEvent"}', PREFIX, NOW) is None
    # A manifest is written by whoever pulls.
    assert read_s3(s3(".manifests/1.json"), S3Address("tires"), NOW) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"Records": [{}]}', b"[" * 100_000])
def test_what_is_no_message_is_refused(body: bytes) -> None:
    for read, watched in ((read_lakefs, BRANCH), (read_s3, PREFIX)):
        with pytest.raises(HookError, match="none that is known here"):
            read(body, watched, NOW)


def signed(body: bytes, time: datetime = NOW, secret: str = SECRET) -> dict[str, str]:
    """MLflow's headers of a message."""
    stamp = str(int(time.timestamp()))
    digest = hmac.new(secret.encode(), b"id-1." + stamp.encode() + b"." + body, hashlib.sha256)
    return {
        "X-MLflow-Signature": f"v1,{base64.b64encode(digest.digest()).decode()}",
        "X-MLflow-Timestamp": stamp,
        "X-MLflow-Delivery-Id": "id-1",
    }


def aliased(alias: str = "champion", action: str = "created", name: str = "tires") -> bytes:
    told = {
        "entity": "model_version_alias",
        "action": action,
        "timestamp": NOW.isoformat(),
        "data": {"name": name, "alias": alias, "version": "3"},
    }
    return json.dumps(told).encode()


def test_a_new_champion_moves_the_label() -> None:
    body = aliased()
    found = read_mlflow(body, signed(body), SECRET, "tires", NOW)
    assert found == Work(("id-1",), "label", "tires@champion")
    for other in (aliased("staging"), aliased(action="deleted"), aliased(name="pets")):
        assert read_mlflow(other, signed(other), SECRET, "tires", NOW) is None


def test_a_forged_or_stale_message_is_refused() -> None:
    body = aliased()
    for headers in (signed(body, secret="another"), signed(body + b" "), {}):
        with pytest.raises(HookError) as caught:
            read_mlflow(body, headers, SECRET, "tires", NOW)
        assert caught.value.status is HTTPStatus.UNAUTHORIZED
    with pytest.raises(HookError, match="an old one"):
        read_mlflow(body, signed(body, NOW - timedelta(hours=1)), SECRET, "tires", NOW)


def alerts(*names: str, model: str = "tires", status: str = "firing") -> bytes:
    """As Alertmanager notifies a webhook."""
    told = [
        {
            "status": status,
            "labels": {"alertname": name, "model": model, "version": "17", "severity": "warning"},
            "annotations": {"summary": "a sentence"},
            "startsAt": "2026-11-30T11:00:00Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://127.0.0.1:9090/graph",
            "fingerprint": f"of-{name}",
        }
        for name in names
    ]
    return json.dumps(
        {"version": "4", "groupKey": "{}", "status": status, "receiver": "hooks", "alerts": told}
    ).encode()


@pytest.mark.parametrize(
    ("action", "body", "kind", "argument"),
    [
        ("rollback", alerts("AnswersDrifted"), "rollback", "17"),
        ("rollback", alerts("AnswersDrifted", "InputsDrifted"), None, None),
        ("rollback", alerts("InputsDrifted"), None, None),
        ("train", alerts("InputsDrifted"), "train", str(BRANCH)),
        ("train", alerts("AnswersDrifted", "NoRequests"), "train", str(BRANCH)),
        ("train", alerts("ServerDown"), None, None),
        ("train", alerts("InputsDrifted", status="resolved"), None, None),
        ("rollback", alerts("AnswersDrifted", model="pets"), None, None),
        ("nothing", alerts("AnswersDrifted"), None, None),
    ],
)
def test_what_follows_an_alert(
    action: Any, body: bytes, kind: str | None, argument: str | None
) -> None:
    work = read_alerts(body, action, "tires", BRANCH)
    assert (work and work.kind, work and work.argument) == (kind, argument)
    # It is sent again as long as it fires, and is the same.
    assert work == read_alerts(body, action, "tires", BRANCH)


def test_an_alert_trains_on_nothing_where_nothing_is_watched() -> None:
    assert read_alerts(alerts("InputsDrifted"), "train", "tires", None) is None
    with pytest.raises(HookError, match="none that is known here: alerts is missing"):
        read_alerts(b"{}", "train", "tires", None)
