"""What a journal keeps when a process or a disk fails, and of several who write."""

import json
import threading
from pathlib import Path

import filelock
import pytest

from tests.tracking.conftest import opened
from tracking.journal import Journal, close_killed, waiting_journals


def kinds(journal: Journal) -> list[str]:
    return [event["kind"] for event, _ in journal.events()]


def test_a_line_that_was_cut_off_takes_no_other_with_it(journal: Journal) -> None:
    events = journal.folder / "events.jsonl"
    journal.metrics({"loss": 1.0}, step=0)
    with events.open("ab") as file:
        file.write(b'\n{"kind": "metr')
    assert kinds(journal) == ["open", "metrics"]
    journal.metrics({"loss": 0.5}, step=1)
    assert kinds(journal) == ["open", "metrics", "metrics"]


def test_lines_of_threads_do_not_mix(journal: Journal) -> None:
    def write(number: int) -> None:
        for step in range(200):
            journal.metrics({f"metric {number}": 1.0}, step)

    threads = [threading.Thread(target=write, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    written = [event["metrics"][0] for event, _ in journal.events() if event["kind"] == "metrics"]
    assert len(written) == len({(name, step) for name, _, step, _ in written}) == 800


def test_what_is_no_event_is_left_out(journal: Journal) -> None:
    with (journal.folder / "events.jsonl").open("ab") as file:
        file.write(b'[1]\n{"no": "kind"}\n\xff\xfe\n')
    journal.close("FINISHED")
    assert kinds(journal) == ["open", "close"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"run": "a"}', '{"unknown": 1, "refused": []}']
)
def test_a_damaged_state_is_that_of_the_beginning(journal: Journal, content: str) -> None:
    (journal.folder / "state.json").write_text(content)
    assert journal.state.offset == 0
    assert journal.waiting == 1


def test_runs_that_were_killed_are_closed_when_they_last_wrote(
    journal: Journal, tmp_path: Path, experiment: str
) -> None:
    ended = opened(tmp_path, "2026-11-29T13-00-00", experiment)
    ended.close("FAILED")
    last = journal.last_written
    close_killed(tmp_path)
    close_killed(tmp_path)
    assert [one.folder.name for one in waiting_journals(tmp_path)] == [
        "2026-11-29T12-00-00",
        "2026-11-29T13-00-00",
    ]
    assert kinds(ended) == ["open", "close"]
    *_, (close, _) = journal.events()
    assert kinds(journal) == ["open", "close"]
    assert (close["status"], close["end"]) == ("KILLED", last)


def test_one_sends_at_a_time(journal: Journal) -> None:
    with journal.lock(), pytest.raises(filelock.Timeout):
        journal.lock().acquire()


def test_many_parameters_come_in_parts_that_mlflow_takes(journal: Journal) -> None:
    journal.params({f"p{number}": "x" * 7000 for number in range(250)})
    parts = [event["params"] for event, _ in journal.events() if event["kind"] == "params"]
    assert [len(part) for part in parts] == [100, 100, 50]
    assert max(len(value) for part in parts for value in part.values()) == 6000


def test_an_artifact_is_there_when_its_event_is(journal: Journal) -> None:
    journal.artifact("figures/curve.svg", b"<svg/>")
    assert (journal.artifacts / "figures/curve.svg").read_bytes() == b"<svg/>"
    assert (
        json.dumps({"kind": "artifact", "name": "figures/curve.svg"})
        in (journal.folder / "events.jsonl").read_text()
    )
