from pathlib import Path

import pytest
import tensorflow as tf

from tfrecords.errors import DataError
from tfrecords.example import LabelledImage
from tfrecords.shards import first_example, read_records, shard_name, verify_shards, write_records

RECORDS = [LabelledImage(str(n), "other", "other", b"i" * n, b"l").serialize() for n in range(5)]


@pytest.fixture
def shards(tmp_path: Path) -> Path:
    for index in range(3):
        write_records(str(tmp_path / shard_name("train", index, 3)), RECORDS)
    return tmp_path


def test_tensorflow_reads_what_is_written_and_the_reverse(tmp_path: Path) -> None:
    ours, theirs = str(tmp_path / "ours"), str(tmp_path / "theirs")
    write_records(ours, RECORDS)
    with tf.io.TFRecordWriter(theirs) as writer:
        for record in RECORDS:
            writer.write(record)
    assert Path(ours).read_bytes() == Path(theirs).read_bytes()
    assert list(read_records(theirs)) == RECORDS


def test_whole_shards_are_counted(shards: Path) -> None:
    assert verify_shards(f"{shards}/train-*") == 15
    assert first_example(f"{shards}/train-*").features.feature["name"].bytes_list.value == [b"0"]


@pytest.mark.parametrize("cut", [1, 4, 20, 60])
def test_a_truncated_shard_is_named(shards: Path, cut: int) -> None:
    bad = shards / shard_name("train", 1, 3)
    bad.write_bytes(bad.read_bytes()[:-cut])
    with pytest.raises(
        DataError, match=f"{bad} is truncated: it ends within record [34]"
    ) as caught:
        verify_shards(f"{shards}/train-*")
    assert len(str(caught.value).splitlines()) == 2  # the sentence and the one bad shard


def test_empty_garbage_and_truncated_shards_are_all_named(shards: Path) -> None:
    empty, garbage, cut = (shards / shard_name("train", index, 3) for index in range(3))
    empty.write_bytes(b"")
    garbage.write_bytes(b"this is no TFRecord file at all")
    cut.write_bytes(cut.read_bytes()[:7])
    with pytest.raises(DataError) as caught:
        verify_shards(f"{shards}/train-*")
    message = str(caught.value)
    assert f"{empty} is empty." in message
    assert f"{garbage} is no TFRecord file or is damaged at record 0." in message
    assert f"{cut} is truncated: it ends within record 0." in message


def test_missing_and_mixed_shards_are_named(shards: Path) -> None:
    (shards / shard_name("train", 1, 3)).unlink()
    with pytest.raises(DataError, match=r"train-\* lacks shard 00001 of 3"):
        verify_shards(f"{shards}/*.tfrecord")
    write_records(str(shards / shard_name("train", 0, 2)), RECORDS)
    with pytest.raises(DataError, match="mixes sets of 2 and 3 shards"):
        verify_shards(f"{shards}/*.tfrecord")


def test_a_pattern_that_matches_nothing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"No file matches .*/train-"):
        verify_shards(f"{tmp_path}/train-*")
    with pytest.raises(DataError, match="No record found"):
        first_example(f"{tmp_path}/train-*")


def test_a_flipped_bit_and_a_foreign_record(tmp_path: Path) -> None:
    path = tmp_path / "shard"
    write_records(str(path), [b"not an example at all", b"second"])
    with pytest.raises(DataError, match=r"is not a tf\.train\.Example"):
        first_example(str(path))
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="checksum of record 0 is wrong"):
        list(read_records(str(path)))
