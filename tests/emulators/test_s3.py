"""The S3 server: what of S3 the other tests stand on."""

from pathlib import Path

import psutil
import pytest
from botocore.exceptions import ClientError

from tests.emulators.s3 import ACCESS_KEY, S3Server


def test_a_versioned_bucket_keeps_what_was_overwritten(s3: S3Server) -> None:
    s3.make_bucket("versioned", versioned=True)
    first = s3.client.put_object(Bucket="versioned", Key="a", Body=b"1")["VersionId"]
    s3.put("versioned", "a", b"2")
    old = s3.client.get_object(Bucket="versioned", Key="a", VersionId=first)["Body"].read()
    assert (old, s3.read("versioned", "a")) == (b"1", b"2")


def test_other_content_is_refused_where_a_digest_is_named(s3: S3Server, s3_bucket: str) -> None:
    tag = s3.client.put_object(Bucket=s3_bucket, Key="a", Body=b"1")["ETag"]
    assert s3.client.get_object(Bucket=s3_bucket, Key="a", IfMatch=tag)["ETag"] == tag
    s3.put(s3_bucket, "a", b"2")
    with pytest.raises(ClientError, match="PreconditionFailed|412"):
        s3.client.get_object(Bucket=s3_bucket, Key="a", IfMatch=tag)


def test_lists_have_pages(s3: S3Server, s3_bucket: str) -> None:
    for number in range(5):
        s3.put(s3_bucket, f"x/{number}", b"")
    page = s3.client.list_objects_v2(Bucket=s3_bucket, Prefix="x/", MaxKeys=2)
    assert (page["IsTruncated"], page["KeyCount"]) == (True, 2)
    assert s3.keys(s3_bucket, "x/") == [f"x/{number}" for number in range(5)]


def test_what_is_refused(s3: S3Server, s3_bucket: str) -> None:
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        s3.connect(ACCESS_KEY, "wrong").list_objects_v2(Bucket=s3_bucket)
    with pytest.raises(ClientError, match="InvalidAccessKeyId"):
        s3.connect("nobody").list_objects_v2(Bucket=s3_bucket)
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.put("no-such-bucket", "a", b"")
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.read(s3_bucket, "a")


def test_nothing_is_left_beside_its_folder(tmp_path: Path) -> None:
    with S3Server(tmp_path) as server:
        server.make_bucket("bucket")
        server.put("bucket", "a", b"1")
        [process] = [
            child
            for child in psutil.Process().children()
            if any(str(tmp_path) in word for word in child.cmdline())
        ]
        opened = {Path(file.path) for file in process.open_files()}
        sockets = {Path(one.laddr) for one in process.net_connections("unix") if one.laddr}
    assert len(sockets) == 6
    left = {path for path in opened | sockets if path.exists() and path.parts[1] != "sys"}
    assert left <= set(tmp_path.rglob("*"))
