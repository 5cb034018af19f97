"""The page of a job that has ended: nothing from outside can break out of its place."""

import datetime

import pytest

from pipeline.jobs.states import Outcome, State, TaskState
from pipeline.vertex import markdown
from pipeline.vertex.outcome import Verdict
from tests.pipeline.vertex.markdown_pages import HOSTILE, shown

JOB = "https://console.cloud.google.com/vertex-ai/locations/us-central1/pipelines/runs/p?project=d"
WORDS = " ".join(HOSTILE.split())
BEGIN = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)


def outcome(*tasks: TaskState, warnings: tuple[str, ...] = ()) -> Outcome:
    return Outcome("p", State.FAILED, {task.name: task for task in tasks}, warnings)


def test_texts_that_are_meant_to_break_it() -> None:
    end = BEGIN + datetime.timedelta(seconds=12)
    failed = TaskState(HOSTILE, None, State.FAILED, BEGIN, end, error=HOSTILE)
    verdict = Verdict(
        False, reasons=[HOSTILE] * 2, unread=HOSTILE, pushed=HOSTILE, url=HOSTILE, space_url=HOSTILE
    )
    page = shown(markdown.page(outcome(failed, warnings=(HOSTILE,)), verdict, JOB))
    assert page.headings == ["Failed"]
    assert page.items == [WORDS] * 2
    assert page.blocks == [HOSTILE]
    facts, steps = page.tables
    assert facts[1:-1] == [["Model", WORDS], ["Published", WORDS], ["Demo", WORDS]]
    assert steps[1:] == [[WORDS, "failed", "12.0 s"]]
    assert page.links == [JOB]


def test_a_failed_step_without_a_reason() -> None:
    page = shown(markdown.page(outcome(TaskState("Trainer", None, State.FAILED)), Verdict(), JOB))
    assert page.blocks == ["Vertex AI gives no reason."]


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://huggingface.co/demo/pets/tree/v1", "https://huggingface.co/demo/pets/tree/v1"),
        ("http://127.0.0.1:8080/spaces/demo", "http://127.0.0.1:8080/spaces/demo"),
        ('https://example.org/"|<b>`@me', "https://example.org/%22%7C%3Cb%3E%60%40me"),
        ("javascript:alert(1)", None),
        ("https://example.org/\nx", None),
        ("//example.org", None),
    ],
)
def test_links(url: str, link: str | None) -> None:
    page = shown(markdown.page(outcome(), Verdict(True, url=url), JOB))
    assert page.links == [*([link] if link else []), JOB]
    assert page.tables[0][1] == ["Published", " ".join(url.split())]


def test_a_sentence() -> None:
    page = shown(markdown.note("No longer followed", HOSTILE, JOB))
    assert (page.headings, page.links) == (["No longer followed"], [JOB])
    assert WORDS in page.text.replace("\N{ZERO WIDTH SPACE}", "")


def test_long_texts_are_cut_and_a_page_too_long_is_a_sentence() -> None:
    failed = [
        TaskState(f"step-{number}", None, State.FAILED, error="|" * 10**6) for number in range(5)
    ]
    text = markdown.page(outcome(*failed), Verdict(reasons=["@" * 10**6]), JOB)
    assert len(text.encode()) < markdown.LIMIT
    assert [block[-3:] for block in shown(text).blocks] == ["| …"] * 5
    brief = shown(markdown.page(outcome(*failed), Verdict(), JOB, room=5000))
    assert (brief.headings, brief.links, brief.tables) == (["Failed"], [JOB], [])


def test_what_cannot_be_seen_is_not_hidden() -> None:
    """Characters that turn the direction of writing, and those that move a cursor."""
    page = shown(markdown.note("Failed", "a\N{RIGHT-TO-LEFT OVERRIDE}b\x1b[31mc\0", JOB))
    assert "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}[31mc" in page.text
