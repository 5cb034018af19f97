"""Work is done once, in its order, and outlives the process."""

from pathlib import Path

import pytest

from pipeline.hooks.messages import Work
from pipeline.hooks.queue import Queue


def commit(number: int) -> Work:
    return Work((f"pets@{number}",), "train", f"lakefs://pets/{number}")


def objects(*events: str) -> Work:
    return Work(events, "train", "s3://tires/split_1", may_grow=True)


@pytest.fixture
def queue(tmp_path: Path) -> Queue:
    return Queue(tmp_path / "state" / "queue.sqlite", settle=60)


def arguments(queue: Queue, now: float) -> list[str]:
    """Of all that is due, taken and finished."""
    taken = []
    while entry := queue.take(now):
        taken.append(entry.argument)
        queue.finish(entry.number, "done")
    return taken


def test_a_commit_that_is_announced_ten_times_is_done_once(queue: Queue) -> None:
    assert [queue.add(commit(1), now=n) for n in range(10)] == [True] + 9 * [False]
    assert arguments(queue, 100) == ["lakefs://pets/1"]
    assert not queue.add(commit(1), now=200)
    assert arguments(queue, 300) == []


def test_commits_are_done_in_the_order_in_which_they_came(queue: Queue) -> None:
    for number in (3, 1, 2):
        queue.add(commit(number), now=0)
    assert arguments(queue, 0) == [f"lakefs://pets/{number}" for number in (3, 1, 2)]


def test_objects_of_one_upload_are_done_once_and_after_the_last(queue: Queue) -> None:
    for second in range(0, 300, 30):
        assert queue.add(objects(f"object {second}"), now=second)
        assert queue.take(second) is None
    assert arguments(queue, 270 + 59) == []
    assert arguments(queue, 270 + 60) == ["s3://tires/split_1"]
    assert not queue.add(objects("object 30"), now=400)


def test_objects_that_come_while_it_is_done_are_done_afterwards(queue: Queue) -> None:
    queue.add(objects("a"), now=0)
    running = queue.take(60)
    queue.add(objects("b"), now=61)
    assert running is not None
    queue.finish(running.number, "done")
    assert arguments(queue, 121) == ["s3://tires/split_1"]


def test_what_a_killed_process_was_at_is_begun_again(tmp_path: Path) -> None:
    first = Queue(tmp_path / "queue.sqlite", settle=0)
    for number in (1, 2):
        first.add(commit(number), now=0)
    assert first.take(0) is not None
    again = Queue(tmp_path / "queue.sqlite", settle=0)
    assert arguments(again, 0) == ["lakefs://pets/1", "lakefs://pets/2"]
    assert [entry.state for entry in again.newest(5)] == ["done", "done"]
    assert not again.add(commit(1), now=1)
