"""Addresses of versions: what is one, what is fixed, and what is refused without being repeated."""

import pytest

from stores.address import LakeFSAddress, S3Address, parse
from stores.errors import StoreError

COMMIT = "0123456789abcdef" * 4


def test_addresses_are_read_as_they_are_written() -> None:
    assert parse("lakefs://image-data/main/data/images/") == LakeFSAddress(
        "image-data", "main", "data/images"
    )
    assert parse("s3://bucket") == S3Address("bucket", "")
    for text in ("lakefs://image-data/main", "s3://bucket/a/b", f"lakefs://image-data/{COMMIT}/x"):
        assert str(parse(text)) == text


def test_only_a_whole_commit_and_a_manifest_are_fixed() -> None:
    assert parse(f"lakefs://image-data/{COMMIT}/data").fixed
    assert parse(f"s3://bucket/.manifests/{COMMIT}.json").fixed
    for text in (
        f"lakefs://image-data/{COMMIT[:12]}/data",
        "lakefs://image-data/v1",
        "s3://bucket/x",
    ):
        assert not parse(text).fixed


def test_copies_of_different_versions_never_share_a_folder() -> None:
    names = {
        parse(f"{text}").folder_name
        for text in (
            f"lakefs://image-data/{COMMIT}",
            f"lakefs://image-data/{COMMIT}/data",
            f"lakefs://image-data/{COMMIT[::-1]}/data",
            f"lakefs://other-data/{COMMIT}/data",
            f"s3://image-data/.manifests/{COMMIT}.json",
        )
    }
    assert len(names) == 5


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("data/pets", "data/pets is not of the form lakefs://REPOSITORY/REF/PATH"),
        ("gs://bucket/data", "is not of the form"),
        ("lakefs://image-data", "names no branch, tag or commit"),
        ("lakefs://Image_Data/main", "'Image_Data' .* is no name of a lakeFS repository"),
        ("s3://B/x", "'B' .* is no name of a bucket"),
        ("s3://bucket/a/../b", "leads out of its folder"),
        ("lakefs://image-data/main//etc", "is absolute"),
        ("s3://bucket/a//b", "two slashes in a row"),
        ("s3://bucket/a\nb", "a control character"),
    ],
)
def test_what_is_no_address(text: str, message: str) -> None:
    with pytest.raises(StoreError, match=message):
        parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "s3://AKIA:hunter2@bucket/data",
        "lakefs://hunter2@image-data/main",
        "s3://bucket/data?X-Amz-Signature=hunter2",
        "https://user:hunter2@example.org/data",
        "lakefs://image-data/main/x#hunter2",
    ],
)
def test_a_secret_in_an_address_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(StoreError) as refused:
        parse(text)
    assert "hunter2" not in str(refused.value) and "AKIA" not in str(refused.value)
