"""Canary and shadow: who answers, and who is asked as well."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from serving import config
from serving.gateway.traffic import Share, Traffic
from serving.log.reader import read_log
from tests.serving.conftest import encode
from tests.serving.own_server import MODEL, Running, wait_for

GOOD = encode(40, 60)
PLAIN = f"/v1/models/{MODEL}"
CANARY = Share("canary", 25)


@pytest.fixture
def labelled(pushed: Path) -> Path:
    """Version 1 is stable, and 2, the newest, is the canary."""
    labels = {"stable": 1, "canary": 2}
    config.write(pushed, config.build(pushed, MODEL, {1, 2}, labels))
    return pushed


def version_of(server: Running, number: int, path: str = PLAIN) -> int:
    answer = server.ask([GOOD], f"{path}:predict", headers={"X-Request-Id": f"r-{number}"})
    assert answer.status_code == 200 and answer.headers["X-Request-Id"] == f"r-{number}"
    [row] = answer.json()["predictions"]
    version = row["class_fractions"].index(1)
    assert answer.headers["X-Model-Version"] == str(version)
    return version


def test_a_canary_answers_its_part(serve: Callable[..., Running], labelled: Path) -> None:
    server = serve(labelled, traffic=Traffic(canary=CANARY))
    found = [version_of(server, number) for number in range(60)]
    assert found == [2 if CANARY.takes(f"r-{number}") else 1 for number in range(60)]
    assert 5 <= found.count(2) <= 25
    taken = found.index(2)
    assert version_of(server, taken) == 2
    assert version_of(server, taken, f"{PLAIN}/labels/stable") == 1
    assert version_of(server, taken, f"{PLAIN}/versions/1") == 1
    counted = f'visionpipe_predicted_class_total{{class="2",model="{MODEL}",route="canary"}}'
    assert server.figure(counted) == found.count(2) + 1
    # Without a canary, its part is stable's as well.
    config.write(labelled, config.build(labelled, MODEL, {1, 2}, {"stable": 1}))
    wait_for(lambda: version_of(server, taken) == 1)


def test_a_part_is_as_large_as_it_says() -> None:
    for percent in (0.5, 25, 100):
        taken = sum(Share("canary", percent).takes(f"{number}") for number in range(20_000))
        assert taken == pytest.approx(200 * percent, rel=0.2)
    # Parts for different purposes do not coincide.
    both = Counter(
        (Share("canary", 50).takes(f"{number}"), Share("log", 50).takes(f"{number}"))
        for number in range(4_000)
    )
    assert all(800 < both[pair] < 1_200 for pair in both) and len(both) == 4


def test_a_shadow_is_asked_and_nobody_sees_it(
    serve: Callable[..., Running], labelled: Path, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    half = Share("canary", 50)
    server = serve(labelled, traffic=Traffic(shadow=half, canary=Share("none", 100)), log=log)
    for number in range(12):
        assert version_of(server, number) == 1
    asked = {f"r-{number}-0" for number in range(12) if half.takes(f"r-{number}")}
    counted = f'visionpipe_predicted_class_total{{class="2",model="{MODEL}",route="shadow"}}'
    wait_for(lambda: counted in server.get("/metrics").text)
    wait_for(lambda: server.figure(counted) == len(asked))
    server.server.stop()
    wait_for(lambda: len(list(read_log(log))) == 12 + len(asked))
    shadows = [one for one in read_log(log) if one.route == "shadow"]
    assert {one.id for one in shadows} == asked and {one.version for one in shadows} == {2}
    assert {one.version for one in read_log(log) if one.route == "stable"} == {1}
