"""The record of new data: its order, whose turn it is, and several writers at once."""

import datetime
import json
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.vertex.announcements import Announcement, HeldBack, State, take_turn
from tests.emulators.child import ChildProcess
from tests.emulators.gcs import GcsEmulator
from tests.emulators.vertex import VertexEmulator
from tests.pipeline.vertex.announcing import announce_at_once
from tests.pipeline.vertex.judged_steps import Steps, outputs, spec
from tests.pipeline.vertex.verbs import Done, job_file, verb

A, B, C = (f"gs://demo-bucket/data/{name}" for name in "abc")
WAITING, TRAINED, PUBLISHED = State.WAITING, State.TRAINED, State.PUBLISHED


def known(**states: State) -> list[Announcement]:
    """Data sets by the last part of their folder, one announced a day."""
    return [
        Announcement(
            data_root=f"gs://demo-bucket/data/{name}",
            announced=datetime.datetime(2026, 11, 1 + day, tzinfo=datetime.UTC),
            state=state,
        )
        for day, (name, state) in enumerate(states.items())
    ]


@pytest.mark.parametrize(
    ("states", "own", "taken"),
    [
        ({}, None, None),
        ({"a": TRAINED, "b": PUBLISHED}, None, B),
        ({"a": PUBLISHED, "b": TRAINED}, None, B),  # refused; A stays published
        ({"a": WAITING, "b": WAITING}, None, A),
        ({"a": WAITING, "b": PUBLISHED}, None, B),
        ({"a": WAITING}, A, A),
        ({"a": WAITING, "b": WAITING, "c": WAITING}, C, A),
        ({"a": PUBLISHED, "b": WAITING, "c": WAITING}, C, B),
        ({"a": PUBLISHED, "b": TRAINED, "c": WAITING}, B, C),
        ({"a": TRAINED, "b": TRAINED}, A, A),  # once more: nothing newer is out
        ({"a": TRAINED, "b": PUBLISHED}, B, B),
    ],
)
def test_whose_turn_it_is(states: dict[str, State], own: str | None, taken: str | None) -> None:
    announcement = take_turn(known(**states), own)
    assert (announcement and announcement.data_root) == taken


@pytest.mark.parametrize("state", [WAITING, TRAINED, PUBLISHED])
def test_what_is_older_than_published_data_is_held_back(state: State) -> None:
    with pytest.raises(HeldBack, match=f"^{A} was announced before {B}, whose model is out"):
        take_turn(known(a=state, b=PUBLISHED), f"{A}/")


def test_data_that_were_never_announced_have_no_turn() -> None:
    with pytest.raises(ValueError, match="was never announced"):
        take_turn(known(a=TRAINED), B)


class Team:
    """A bucket, and the verb in a process whose Google Cloud is the emulators."""

    def __init__(self, child: ChildProcess, gcs: GcsEmulator, bucket: str, folder: Path) -> None:
        self.bucket = bucket
        self.record = f"{bucket}/pipeline/announcements.json"
        self._child, self._gcs, self._folder = child, gcs, folder

    def write(self, name: str) -> str:
        """Writes the description of a data set; returns its folder."""
        objects = self._gcs.client.bucket(self.bucket.removeprefix("gs://"))
        objects.blob(f"data/{name}/dataset.json").upload_from_string("{}")
        return f"{self.bucket}/data/{name}"

    def verb(self, *arguments: str, data_root: str = "") -> Done:
        settings = {
            "pipeline_root": f"{self.bucket}/pipeline",
            "data_root": data_root or f"{self.bucket}/data",
            "pipeline_name": "pets",
        }
        return self._child(verb, *arguments, **settings)

    def announce(self, name: str) -> str:
        data_root = self.write(name)
        done = self.verb("turn", "announce", data_root=data_root)
        assert (done.status, done.error) == (0, "")
        return data_root

    def take(self, event: str, data_root: str = "") -> tuple[dict[str, str], str]:
        """What a run is told: its step's outputs, and the summary."""
        output, summary = self._folder / "output", self._folder / "summary"
        for path in (output, summary):
            path.write_text("")
        words = ("turn", "take", event, "--output", str(output), "--summary", str(summary))
        done = self.verb(*words, data_root=data_root)
        assert (done.status, done.error) == (0, "")
        pairs = dict(line.split("=", 1) for line in output.read_text().splitlines())
        return pairs, summary.read_text()

    def end(self, job_id: str, told: dict[str, str]) -> tuple[str, str]:
        """What a run that took its turn says at its end, and what waits then."""
        output = self._folder / "output"
        output.write_text("")
        words = ("turn", "end", job_id, told["announced"], "--output", str(output))
        done = self.verb(*words, data_root=told["data_root"])
        assert (done.status, done.error) == (0, "")
        return done.output, output.read_text().removeprefix("waiting=").rstrip()

    def recorded(self) -> dict[str, str]:
        """States by folder, in the order of the announcements."""
        listed = json.loads(self._gcs.read(self.record))["announcements"]
        return {one["data_root"].rpartition("/")[2]: one["state"] for one in listed}


@pytest.fixture
def team(child: ChildProcess, gcs: GcsEmulator, bucket: str, tmp_path: Path) -> Team:
    return Team(child, gcs, bucket, tmp_path)


def test_data_are_recorded_once_in_the_order_in_which_they_were_written(team: Team) -> None:
    first, second = team.write("first"), team.write("second")
    for data_root in (second, first, second, f"{first}/"):  # as messages may come
        assert team.verb("turn", "announce", data_root=data_root).status == 0
    assert team.recorded() == {"first": "waiting", "second": "waiting"}


def test_a_folder_that_is_written_again_waits_at_its_new_place(team: Team) -> None:
    for name in ("first", "second", "first"):
        team.announce(name)
    assert team.recorded() == {"second": "waiting", "first": "waiting"}


@pytest.mark.parametrize(
    ("data_root", "said"),
    [
        ("gs://demo-bucket/data/none", "gs://demo-bucket/data/none has no dataset.json"),
        ("data/pets", "'data/pets' is no folder that can be announced"),
        ("gs://bucket/a\nheld_back=true", "is no folder that can be announced"),
    ],
)
def test_what_is_no_whole_data_set_is_not_announced(team: Team, data_root: str, said: str) -> None:
    done = team.verb("turn", "announce", data_root=data_root)
    assert (done.status, done.output) == (2, "")
    assert said in done.error and "Traceback" not in done.error


def test_a_record_that_cannot_be_read_is_named(team: Team, gcs: GcsEmulator) -> None:
    objects = gcs.client.bucket(team.bucket.removeprefix("gs://"))
    objects.blob("pipeline/announcements.json").upload_from_string("[1")
    done = team.verb("turn", "announce", data_root=team.write("first"))
    assert done.status == 2
    assert f"{team.record} is no record of announcements: restore" in done.error


def test_a_record_on_this_machine_is_refused(child: ChildProcess) -> None:
    done = child(verb, "turn", "announce", pipeline_root="output/pipeline", data_root=A)
    assert done.status == 2
    assert "PIPELINE_ROOT=output/pipeline is not in Cloud Storage" in done.error


def test_of_writers_at_the_same_moment_none_is_lost(
    team: Team, child: ChildProcess, gcs: GcsEmulator
) -> None:
    names = [f"set-{number}" for number in range(4)]
    data_roots = [team.write(name) for name in names]
    before = len(gcs.requests)
    assert child(announce_at_once, f"{team.bucket}/pipeline", data_roots) == []
    assert list(team.recorded()) == names
    assert 412 in {request.status for request in gcs.requests[before:]}  # they did meet


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def runner(steps: Steps) -> Steps:
    """What the emulator runs jobs by; see the fixture `vertex`."""
    return steps


@pytest.fixture
def end(
    team: Team, child: ChildProcess, vertex: VertexEmulator, tmp_path: Path
) -> Callable[[str, str], str]:
    """Has a run take its turn by the message of a data set; returns what it trained on."""
    path = job_file(tmp_path, spec())

    def end(job_id: str, message: str) -> str:
        told, _ = team.take("repository_dispatch", message)
        assert child(verb, "submit", "--spec", path, "--job-id", job_id).status == 0
        vertex.wait(job_id)
        team.end(job_id, told)
        return told["data_root"]

    return end


def test_every_data_set_has_its_turn(team: Team, end: Callable[[str, str], str]) -> None:
    """Two wait; the run that the second one's message began takes the first."""
    first, second = team.announce("first"), team.announce("second")
    assert [end("pets-1", second), end("pets-2", first)] == [first, second]
    assert team.recorded() == {"first": "trained", "second": "trained"}


def test_an_older_model_does_not_replace_a_newer_one(
    team: Team, end: Callable[[str, str], str], steps: Steps
) -> None:
    first = team.announce("first")
    end("pets-1", first)  # its model is refused
    second = team.announce("second")
    steps.outputs = outputs(f"{team.bucket}/run", blessed=True)
    end("pets-2", second)
    assert team.recorded() == {"first": "trained", "second": "published"}
    told, summary = team.take("repository_dispatch", first)  # by hand, GitHub runs it once more
    assert told == {"held_back": "true"}
    assert summary.startswith(f"## Held back\n\n{first} was announced before {second}, whose")
    told, summary = team.take("schedule")
    assert told["data_root"] == second
    assert summary.startswith(f"This run trains on {second}, announced 20")
    steps.outputs = {}
    end("pets-3", second)
    assert team.recorded()["second"] == "published"  # its first model still is


def test_a_run_that_meets_an_active_job_waits_for_it(
    team: Team, child: ChildProcess, steps: Steps, vertex: VertexEmulator, tmp_path: Path
) -> None:
    """GitHub watches no longer than 6 hours; `submit` refuses what comes meanwhile."""
    first, second = team.announce("first"), team.announce("second")
    told, _ = team.take("schedule")
    ended = threading.Event()
    steps.hold = lambda stop: ended.wait(100) and None
    path = job_file(tmp_path, spec(), data_root=first)
    assert child(verb, "submit", "--spec", path, "--job-id", "pets-1").status == 0
    for job_id in ("pets-1", "pets-2"):
        printed, waiting = team.end(job_id, told)
        assert "A job is active" in printed
        assert waiting == first

    later, summary = team.take("repository_dispatch", second)
    assert later == {**told, "active": "pets-1", "held_back": "true"}
    assert summary.startswith("The job pets-1 is active: this run waits for its end")
    ended.set()
    vertex.wait("pets-1")
    assert team.end("pets-1", {**told, "data_root": second})[1] == first  # it was of other data
    assert team.end("pets-1", later)[1] == second
    assert team.recorded() == {"first": "trained", "second": "waiting"}


def test_data_that_nothing_can_be_trained_on_keep_no_others_waiting(
    team: Team, end: Callable[[str, str], str], steps: Steps
) -> None:
    broken, empty, last = (team.announce(name) for name in ("broken", "empty", "last"))
    steps.errors = {"Trainer": "broken"}
    assert end("pets-1", broken) == broken
    told, _ = team.take("repository_dispatch", empty)  # which no job is made for
    assert team.end("pets-2", told)[1] == last
    assert team.recorded() == {"broken": "failed", "empty": "failed", "last": "waiting"}
    assert team.take("repository_dispatch", broken)[0]["data_root"] == last


def test_with_nothing_announced_the_clock_trains_on_the_settings_data(team: Team) -> None:
    assert team.take("schedule") == ({}, "")
