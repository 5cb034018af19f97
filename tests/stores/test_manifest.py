"""Entries that cannot be files of one folder, and manifests that are none."""

import pytest

from stores.errors import StoreError
from stores.manifest import Entry, Manifest, check_entries, read_manifest


def entries(*paths: str) -> list[Entry]:
    return [Entry(path=path, size=1, etag="0" * 32) for path in paths]


def test_entries_are_sorted_and_markers_of_folders_left_out() -> None:
    marker = Entry(path="images/", size=0, etag="")
    assert [one.path for one in check_entries([marker, *entries("b", "a/c")], "x")] == ["a/c", "b"]


@pytest.mark.parametrize(
    ("paths", "message"),
    [
        ([], "There is nothing below s3://bucket/x"),
        (["a/../../b"], "leads out of its folder"),
        (["/etc/passwd"], "is absolute"),
        (["a//b"], "two slashes"),
        (["a\\b"], "a backslash"),
        (["Images/A.png", "images/a.PNG"], "another object's path but for upper and lower case"),
        (["a", "a/b"], "'a' is a folder as well"),
        (["x" * 256], "a name of over 255 bytes"),
    ],
)
def test_what_cannot_lie_in_a_folder(paths: list[str], message: str) -> None:
    with pytest.raises(StoreError, match=message):
        check_entries(entries(*paths), "s3://bucket/x")


def test_a_manifest_is_named_by_all_that_it_says() -> None:
    one = Manifest(source="s3://bucket/x", entries=tuple(entries("a")))
    other = one.model_copy(update={"entries": tuple(entries("b"))})
    assert one.id != other.id
    assert read_manifest(one.to_bytes(), "x") == one


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b'{"source": "s3://a", "entries": [{}]}'])
def test_what_is_no_manifest(content: bytes) -> None:
    with pytest.raises(StoreError, match="is no manifest of data"):
        read_manifest(content, "s3://bucket/.manifests/0.json")
