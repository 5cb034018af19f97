from pathlib import Path

import pytest

from pipeline.lineage.names import Name, find_run, model_name, pushed_names

NAMES = [
    Name("2026-11-21T10:57:01.396507", "first", ("2026-11-21T10-57-01.396507",)),
    Name("2026-11-21T16:30:08.484970", "second"),
    model_name("second", "/root/Trainer/model/7"),
    model_name("first", "/root/Trainer/model/7"),
    *pushed_names("first", "/root/Pusher/1", {"pushed_destination": "/serving/1795258730"}),
    *pushed_names("second", "/root/Pusher/2", {"pushed_destination": "/other/1795258730"}),
    *pushed_names("second", "/root/Pusher/3", {"pushed_destination": "/serving/1795258731"}),
    *pushed_names(
        "first",
        "/root/Hub/1",
        {"pushed_destination": "https://hub/1", "tag": "v-0c8f0b8ef5ee", "revision": "37939412c6"},
    ),
    *pushed_names(
        "second",
        "gs://root/Pusher/4",
        {"pushed_destination": "projects/1/endpoints/pets", "saved_model": "gs://root/serving/17"},
    ),
    *pushed_names("third", "/root/Pusher/5", {}),
]


@pytest.mark.parametrize(
    ("text", "run"),
    [
        ("2026-11-21T10:57:01.396507", "first"),
        ("2026-11-21T10-57-01.396507", "first"),
        ("2026-11-21T16", "second"),
        ("/root/Trainer/model/7/", "second"),  # which judged it, and is named first
        ("/root/Trainer/model/7/Format-Serving", "second"),
        ("/serving/1795258730", "first"),
        ("1795258731", "second"),
        ("v-0c8f0b8ef5ee", "first"),
        ("v-0c", "first"),
        ("3793", "first"),
        ("https://hub/1", "first"),
        ("gs://root/serving/17", "second"),
        ("17", "second"),
    ],
)
def test_a_run_is_found_by(text: str, run: str) -> None:
    assert find_run(text, NAMES) == run


def test_a_path_is_one_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    known = [Name(f"{tmp_path}/serving/1", "first")]
    for text in ("serving/1", "serving/../serving/1/", f"{tmp_path}/serving/1"):
        assert find_run(text, known) == "first"


@pytest.mark.parametrize(
    "text", ["", "v-1", "2", "/serving", "/serving/179525873", "projects/1/endpoints/pets"]
)
def test_nothing_is_found_by(text: str) -> None:
    with pytest.raises(LookupError):
        find_run(text, NAMES)


@pytest.mark.parametrize("text", ["2026-11-21", "1795258730"])
def test_what_may_be_several_is_said_with_all_of_them(text: str) -> None:
    with pytest.raises(ValueError, match="may be any of these") as refused:
        find_run(text, NAMES)
    assert "(run first)" in str(refused.value)
    assert "(run second)" in str(refused.value)
