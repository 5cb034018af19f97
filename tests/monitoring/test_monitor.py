"""`visionpipe monitor`: from a server's log to a verdict, a page and gauges."""

import json
import re
import time
from pathlib import Path

import filelock
import httpx2
import numpy as np
import pytest
from PIL import Image, ImageFilter
from prometheus_client.parser import text_string_to_metric_families

from models.reference.statistics import read_reference
from monitoring.distance import find_thresholds
from monitoring.monitor import look
from monitoring.reading import Reading, add_values, judge
from monitoring.state import State, Window, load_state, save_state
from monitoring.watched import load_watched
from tests.monitoring.traffic import START, answer, ask, push, record, write_log
from tfrecords.shards import write_records

CHANGES = {
    "darkened": lambda image: image.point(lambda value: value // 2),
    "blurred": lambda image: image.filter(ImageFilter.GaussianBlur(2)),
    "foreign": lambda image: Image.effect_noise((64, 48), 90),
}


def gauges(folder: Path) -> dict[tuple[str, ...], float]:
    text = (folder / "monitor.prom").read_text()
    return {
        (
            one.name.removeprefix("visionpipe_monitor_"),
            *(one.labels[name] for name in ("version", "feature", "route") if name in one.labels),
        ): one.value
        for family in text_string_to_metric_families(text)
        for one in family.samples
    }


def test_requests_like_those_of_the_training_are_healthy(
    monitored, just_now: float, tmp_path: Path
) -> None:
    write_log(tmp_path / "log", ask(250, 1, start=just_now))
    status, page = monitored()
    assert status == 0 and "As in training" in page and len(page) < 200_000
    found = gauges(tmp_path / "output")
    assert found["images",] == 250
    assert found["last_request_timestamp_seconds",] == pytest.approx(just_now + 249)
    distances = [value for key, value in found.items() if key[0] == "distance"]
    assert len(distances) == 7 and max(distances) < 0.27
    assert not any(value for key, value in found.items() if key[0] == "alarm")
    assert (tmp_path / "output").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("change", CHANGES)
def test_other_images_alarm_within_a_window(
    monitored, just_now: float, tmp_path: Path, capsys, change: str
) -> None:
    write_log(tmp_path / "log", ask(200, 2, CHANGES[change], start=just_now))
    status, page = monitored(arguments=["--json"])
    told = json.loads(capsys.readouterr().out)
    assert status == 3 and told["verdict"] == "Drifted"
    assert "is asked about other images" in told["reasons"][0]
    assert "cannot be trusted: the images drifted, by" in page
    assert gauges(tmp_path / "output")["estimate_trusted", "1"] == 0


def test_answers_that_change_while_images_do_not_are_told_apart(
    monitored, just_now: float, tmp_path: Path, capsys
) -> None:
    write_log(tmp_path / "log", ask(200, 3, sure=1.5, start=just_now))
    status, page = monitored()
    assert status == 3
    said = "The answers of version 1 differ, while its images do not: by confidence."
    assert said in capsys.readouterr().out and "cannot be trusted" not in page


def test_a_clean_window_alarms_once_in_a_hundred_at_most(models: Path) -> None:
    folder = models / "1"
    watched, reference = load_watched(folder, 1), read_reference(str(folder))
    thresholds = find_thresholds(reference, 200)
    measured = [watched.measure(one.image, answer(one)) for one in ask(1500, 4)]
    random = np.random.default_rng(0)
    alarms = 0
    for _ in range(100):
        window = Window()
        for number in random.permutation(len(measured))[:200]:
            inputs, answers = measured[number]
            add_values(window, reference, {**inputs, **answers}, START)
        alarms += bool(judge(window, reference, thresholds).alarms)
    assert alarms <= 1


def test_a_second_run_goes_on_where_the_first_one_ended(
    monitored, just_now: float, tmp_path: Path
) -> None:
    asked = ask(400, 5, start=just_now)
    path = write_log(tmp_path / "log", asked[:150])
    assert monitored()[0] == 3  # too few
    whole = path.read_bytes()
    write_records(str(path), map(record, asked[:300]))
    grown = path.read_bytes()
    assert grown.startswith(whole)
    path.write_bytes(grown[:-20])  # the last record is being written
    assert monitored()[0] == 0
    assert gauges(tmp_path / "output")["images",] == 299
    path.write_bytes(grown)
    write_log(tmp_path / "log", asked[300:], "20260101T000500-2")
    for _ in range(2):
        monitored()
        assert gauges(tmp_path / "output")["images",] == 400
    state = State.model_validate_json((tmp_path / "output" / "state.json").read_bytes())
    assert [window.images for window in state.versions[1].closed] == [200, 200]


def test_a_clock_that_was_set_back_hides_nothing(
    monitored, just_now: float, tmp_path: Path
) -> None:
    write_log(tmp_path / "log", ask(150, 6, start=just_now), "20260101T120000-1")
    monitored()
    write_log(tmp_path / "log", ask(50, 7, start=just_now - 600), "20260101T110000-1")
    _, page = monitored()
    found = gauges(tmp_path / "output")
    assert found["images",] == 200
    assert found["last_request_timestamp_seconds",] == pytest.approx(just_now + 149)
    assert "times the server&#39;s clock ran backwards" in page


def test_a_clock_that_runs_ahead_is_no_sign_of_life(models: Path, tmp_path: Path) -> None:
    write_log(tmp_path / "log", ask(200, 8, start=START + 1e6))
    reading = Reading(tmp_path / "log", models, "", 200)
    (tmp_path / "output").mkdir()
    assert look(reading, tmp_path / "output", START).healthy
    later = look(reading, tmp_path / "output", START + 4000)
    assert (later.word, later.healthy) == ("No traffic", False)


def test_no_traffic_is_not_health(monitored, tmp_path: Path, capsys) -> None:
    (tmp_path / "log").mkdir()
    assert monitored()[0] == 3
    assert "The log has no request yet." in capsys.readouterr().out
    write_log(tmp_path / "log", ask(200, 9, start=time.time() - 10_000))
    assert monitored()[0] == 3
    assert "No request has come since" in capsys.readouterr().out


def test_what_cannot_be_used_is_counted_and_named(
    monitored, just_now: float, tmp_path: Path
) -> None:
    asked = ask(210, 10, start=just_now)
    asked[0].image = b"no image"
    asked[1].version = 7
    asked[2].model = "cats"
    write_log(tmp_path / "log", asked)
    status, page = monitored()
    assert status == 0
    assert "1 images could not be measured." in page
    assert "Version 7 answered, and is not in" in page and "It answered 1 times." in page
    assert "1 records are of the model cats." in page


def test_versions_are_compared_each_for_itself(
    monitored, just_now: float, tmp_path: Path, capsys
) -> None:
    stable = ask(400, 11, start=just_now)
    canary = ask(200, 12, sure=1.5, start=just_now, version=2, route="canary")
    shadow = ask(50, 13, start=just_now, version=2, route="shadow")
    write_log(tmp_path / "log", [*stable[:200], *canary, *shadow, *stable[200:]])
    status, page = monitored()
    assert status == 3
    assert "The answers of version 2 differ" in page and "of version 1 differ" not in page
    assert "canary (version 2) is right less often than stable (version 1), as their" in page
    assert "shadow (version 2)" not in page


@pytest.mark.parametrize("where", ["record", "outputs"])
def test_a_log_of_another_model_is_refused(monitored, tmp_path: Path, capsys, where: str) -> None:
    asked = ask(60, 14)
    for one in asked:
        if where == "record":
            one.model = "cats"
        else:
            one.outputs = {"class_fractions": np.ones(3, np.float32)}
    write_log(tmp_path / "log", asked)
    status, page = monitored()
    said = capsys.readouterr().err
    assert (status, page) == (2, "") and "Traceback" not in said
    why = {"record": "is of cats, and not of cifar10", "outputs": "are not of version 1"}
    assert why[where] in said
    if where == "record":
        assert monitored(arguments=["--name=cats"])[0] == 3
        assert monitored(arguments=["--name=dogs"])[0] == 2
        assert "is of the model cats, and dogs is to be watched" in capsys.readouterr().err


def test_what_keeps_it_from_beginning_is_told_in_a_sentence(
    monitored, tmp_path: Path, capsys
) -> None:
    def said(**keywords: Path) -> str:
        status, _ = monitored(**keywords)
        printed = capsys.readouterr().err
        assert status == 2 and printed.strip().count("\n") == 0
        return printed

    assert "There is no folder" in said()
    (tmp_path / "log").mkdir()
    model = push(tmp_path / "old", 1)
    (model / "assets.extra" / "reference.json").unlink()
    assert "has no reference statistics that can be read" in said(model=tmp_path / "old")
    (tmp_path / "log" / "requests-x-1.tfrecord").touch()
    write_records(str(tmp_path / "log" / "requests-x-1.tfrecord"), [b"\xff no log"])
    assert "is no log of this server" in said()
    (tmp_path / "output" / "state.json").write_text("{")
    assert "remove it to begin again" in said()
    with filelock.FileLock(tmp_path / "output" / "lock"):
        assert "Another monitor writes to" in said()


def test_what_is_kept_does_not_grow(models: Path, tmp_path: Path) -> None:
    output = tmp_path / "output"
    output.mkdir()
    write_log(tmp_path / "log", ask(300, 15))
    reading = Reading(tmp_path / "log", models, "", 50)
    look(reading, output, START + 300)
    state = load_state(output, reading.name)
    state.versions[1].closed *= 100
    save_state(output, state)
    for path in (tmp_path / "log").iterdir():
        path.unlink()  # as a server's rotation does
    sizes = []
    for hour in range(2):
        write_log(tmp_path / "log", ask(100, 16 + hour), f"20260102T{hour:02}0000-1")
        look(reading, output, START + 600)
        sizes.append([(output / name).stat().st_size for name in ("state.json", "monitor.html")])
    kept = load_state(output, reading.name)
    assert (len(kept.versions[1].closed), kept.versions[1].full, len(kept.files)) == (300, 10, 2)
    assert max(sizes[1]) < 400_000 and sizes[1] == pytest.approx(sizes[0], rel=0.01)


def test_with_a_port_it_goes_on_and_shows_what_is_new(
    monitored, just_now: float, tmp_path: Path, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(200, 18, start=just_now)
    write_log(tmp_path / "log", asked)
    seen: list[str] = []

    def meanwhile(seconds: float) -> None:
        printed = capsys.readouterr()
        told.append(printed.err)
        ports.extend(re.findall(r"http://127.0.0.1:(\d+)", printed.out))
        [port] = ports
        seen.append(httpx2.get(f"http://127.0.0.1:{port}/").text)
        assert httpx2.get(f"http://127.0.0.1:{port}/state.json").status_code == 404
        if len(seen) == 1:
            dark = ask(200, 19, CHANGES["darkened"], start=just_now + 300)
            write_log(tmp_path / "log", dark, "20260101T000500-2")
        elif len(seen) == 2:
            (tmp_path / "log").rename(tmp_path / "gone")
        else:
            raise KeyboardInterrupt

    ports: list[str] = []
    told: list[str] = []
    monkeypatch.setattr("pipeline.verbs.monitor.sleep", meanwhile)
    assert monitored(arguments=["--port=0"])[0] == 0
    assert ["Drifted" in page for page in seen] == [False, True, True]
    assert told[0] == "" and "Drifted. Version 1 is asked" in told[1]
    assert "There is no folder" in told[2]
