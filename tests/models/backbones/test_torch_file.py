"""Files of PyTorch's, and others that are given in their place."""

import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from models.backbones.torch_file import read_tensors
from tests.models.backbones import torch_files
from tests.models.backbones.torch_files import (
    MACHINE,
    MAGIC_NUMBER,
    file_of,
    plain,
    state,
    stored,
    tensor,
    whole,
    write,
)
from tfrecords.restricted_pickle import PickleFault

SIX = np.arange(6, dtype=np.float32)
KERNEL = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
GOOD = write({"kernel": KERNEL, "count": np.array(7)})
HEAD = [whole(plain(value)) for value in (MAGIC_NUMBER, 1001, MACHINE)]


def read(folder: Path, content: bytes) -> dict[str, np.ndarray]:
    path = folder / "weights.pth"
    path.write_bytes(content)
    return read_tensors(str(path))


def test_tensors_are_read_as_their_strides_say(tmp_path: Path) -> None:
    turned = KERNEL.transpose(2, 0, 1)
    found = read(tmp_path, write({"a": KERNEL, "b": turned, "count": np.array(7)}))
    assert list(found) == ["a", "b", "count"]
    np.testing.assert_array_equal(found["a"], KERNEL)
    np.testing.assert_array_equal(found["b"], turned)
    assert found["count"].shape == () and found["count"] == 7


def test_tensors_may_share_a_storage(tmp_path: Path) -> None:
    entries = {"x": tensor("0", 6, 1, (2,), (3,)), "y": tensor("0", 6, 0, (3, 2), (1, 3))}
    found = read(tmp_path, file_of(entries, {"0": SIX}))
    np.testing.assert_array_equal(found["x"], [1, 4])
    np.testing.assert_array_equal(found["y"], SIX.reshape(2, 3).T)


class _Command:
    def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
        return os.system, ("touch ran",)


@pytest.mark.parametrize("place", range(5))
def test_a_pickle_that_would_run_something_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: int
) -> None:
    monkeypatch.chdir(tmp_path)
    evil = pickle.dumps(_Command(), 2)
    pickles = [*HEAD, whole(state({})), whole(plain([]))]
    pickles[place] = evil
    with pytest.raises(PickleFault, match=r"^would run posix\.system, which it may not$"):
        read(tmp_path, b"".join(pickles))
    assert not (tmp_path / "ran").exists()
    pickle.loads(evil)
    assert (tmp_path / "ran").exists()  # it is a real one


OUTSIDE = "^has a tensor t that lies outside its storage$"
CUT_OFF = "^is cut off, damaged or no pickle"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", CUT_OFF),
        (b"no weights", CUT_OFF),
        (b"\x80\x02Nr\xff\xff\xff\xff.", "^numbers a value that it does not have"),
        (b"Np99999999999\n.", "^numbers a value that it does not have"),
        (b"PK\x03\x04", "newer format.*_use_new_zipfile_serialization=False"),
        (whole(plain(1)), "^is no file of tensors of PyTorch's$"),
        (whole(plain(MAGIC_NUMBER)) + whole(plain(1000)), "^is no file of tensors"),
        (b"".join(HEAD[:2]) + whole(plain({"little_endian": False})), "little-endian"),
        (b"".join(HEAD[:2]) + whole(plain(1)), "little-endian"),
        (b"".join(HEAD) + whole(plain([])), "^holds something else than tensors by name$"),
        (b"".join(HEAD) + whole(plain({1: 2})), "^holds something else than tensors by name$"),
        (file_of({"t": plain(1)}, {}), "^holds something else than a tensor as t$"),
        (file_of({"t": plain(("0", 0, (), ()))}, {}), "^holds something else than a tensor as t$"),
        (file_of({"t": tensor("0", 6, 0, (6,), (1,))}, {}), "^lists other storages"),
        (file_of({}, {"0": SIX}), "^lists other storages"),
        (
            b"".join(HEAD)
            + whole(state({"t": tensor("0", 6, 0, (6,), (1,))}))
            + whole(plain([0]))
            + stored(SIX),
            "^lists other storages",
        ),
        (file_of({"t": tensor("0", 7, 0, (6,), (1,))}, {"0": SIX}), "as many values as announced"),
        (file_of({"t": tensor("0", 2**70, 0, (6,), (1,))}, {"0": SIX}), "as announced"),
        (file_of({"t": tensor("0", -1, 0, (6,), (1,))}, {"0": SIX}), "^holds a storage of other"),
        (
            write({"t": SIX.astype(np.float64)}),
            r"^would run torch\.DoubleStorage, which it may not$",
        ),
        (
            file_of({"t": tensor("0", 6, 0, (6,), (1,)), "u": tensor("0", 5, 0, (5,), (1,))}, {}),
            "^holds a storage of other values",
        ),
        (file_of({"t": tensor("0", 6, 0, (7,), (1,))}, {"0": SIX}), OUTSIDE),
        (file_of({"t": tensor("0", 6, 1, (6,), (1,))}, {"0": SIX}), OUTSIDE),
        (file_of({"t": tensor("0", 6, 5, (2,), (-1,))}, {"0": SIX}), OUTSIDE),
        (file_of({"t": tensor("0", 6, 0, (2, 3), (1,))}, {"0": SIX}), OUTSIDE),
        (file_of({"t": tensor("0", 6, 0, (2**40,), (0,))}, {"0": SIX}), OUTSIDE),
        (file_of({"t": tensor("0", 6, 0, (0,), (1,))}, {"0": SIX}), OUTSIDE),
        (file_of({"t": tensor("0", 6, 0, (1,), (2**80,))}, {"0": SIX}), OUTSIDE),
        (file_of({"t": tensor("0", 6, 0, (1.5,), (1,))}, {"0": SIX}), OUTSIDE),
        (file_of({"t": tensor("0", 6, 0, (1,) * 99, (1,) * 99)}, {"0": SIX}), OUTSIDE),
    ],
)
def test_other_content_is_refused_in_words(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(PickleFault, match=message):
        read(tmp_path, content)


def test_a_file_cut_off_anywhere_is_refused(tmp_path: Path) -> None:
    for length in range(len(GOOD)):
        with pytest.raises(PickleFault):
            read(tmp_path, GOOD[:length])


def test_a_damaged_file_is_read_or_refused(tmp_path: Path) -> None:
    """Whatever a byte becomes, no other error comes out."""
    random = np.random.default_rng(0)
    for place in range(len(GOOD)):
        damaged = bytearray(GOOD)
        damaged[place] = random.integers(256)
        try:
            read(tmp_path, bytes(damaged))
        except PickleFault:
            continue


def test_what_a_pickle_does_to_the_stand_ins_stays_without_effect(tmp_path: Path) -> None:
    """A type, a storage and a tensor take no attributes; the notes of a dict are left out."""
    change = plain({"size": 1 << 60, "items": None}) + pickle.BUILD
    whole_tensor = tensor("0", 6, 0, (6,), (1,))
    found = read(
        tmp_path, file_of({"t": whole_tensor}, {"0": SIX}).replace(b"_metadata", b"items____")
    )
    np.testing.assert_array_equal(found["t"], SIX)
    storage = torch_files.called("torch", "FloatStorage")
    for part in (storage, whole_tensor):
        changed = whole_tensor.replace(part, part + change)
        with pytest.raises(PickleFault, match=CUT_OFF):
            read(tmp_path, file_of({"t": changed}, {"0": SIX}))
