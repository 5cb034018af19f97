import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from tfrecords.errors import DataError
from tfrecords.sources.listing import Pair, find_pairs, read_names, split_by_lists, split_by_name


def touch(folder: Path, *names: str) -> str:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).touch()
    return str(folder)


def pairs(*names: str) -> list[Pair]:
    return [Pair(name, f"{name}.jpg", f"{name}.png") for name in names]


def names(found: Iterable[Pair]) -> list[str]:
    return sorted(pair.name for pair in found)


@pytest.mark.parametrize(
    ("name", "breed", "species"),
    [
        ("Abyssinian_12", "Abyssinian", "cat"),
        ("german_shorthaired_104", "german_shorthaired", "dog"),
        ("Maine_Coon_7", "Maine_Coon", "cat"),
        ("holiday", "other", "other"),
        ("cat_1", "cat", "other"),
        ("IMG_0001", "IMG", "other"),
        ("my_dog", "other", "other"),
        ("_12", "other", "other"),
    ],
)
def test_breed_and_species_come_from_the_name(name: str, breed: str, species: str) -> None:
    [pair] = pairs(name)
    assert (pair.breed, pair.species) == (breed, species)


@pytest.fixture(params=["", "bucket://"])
def scheme(request: pytest.FixtureRequest) -> str:
    """Stands before a path, which is then local or remote."""
    return request.param


def test_find_pairs_counts_hidden_and_foreign_files(tmp_path: Path, scheme: str) -> None:
    images = touch(
        tmp_path / "i", "a.jpg", "b.JPEG", "st.bernard.png", "._a.jpg", "a.mat", "README"
    )
    masks = touch(tmp_path / "m", "a.png", "b.png", "st.bernard.png", "._a.png", "x.TXT", "y.txt")
    touch(tmp_path / "i" / ".cache", "c.jpg")
    found, faults, passed_over = find_pairs(scheme + images, scheme + masks)
    assert names(found) == ["a", "b", "st.bernard"]
    assert faults == []
    assert passed_over == {"hidden": 3, ".mat": 1, "no ending": 1, ".txt": 2}


def test_find_pairs_looks_into_every_folder_below(tmp_path: Path, scheme: str) -> None:
    images = touch(tmp_path / "i", "a.jpg", "twice.jpg", "mask_twice.jpg")
    touch(tmp_path / "i" / "more", "b.webp", "twice.jpg")
    touch(tmp_path / "i" / "more" / "still [1]*", "c.tif")
    masks = touch(tmp_path / "m", "c.png", "b.png", "twice.png", "mask_twice.png")
    touch(tmp_path / "m" / "less", "a.png", "mask_twice.PNG")
    found, faults, _ = find_pairs(scheme + images, scheme + masks)
    assert [(pair.name, pair.image.removeprefix(scheme + images)) for pair in found] == [
        ("a", "/a.jpg"),
        ("b", "/more/b.webp"),
        ("c", "/more/still [1]*/c.tif"),
    ]
    assert {fault.name: fault.reason for fault in faults} == {
        "mask_twice": "two masks share this name: less/mask_twice.PNG and mask_twice.png",
        "twice": "two images share this name: more/twice.jpg and twice.jpg",
    }


@pytest.mark.parametrize("ending", ["", "/"])
def test_of_nested_folders_each_has_its_own_files(tmp_path: Path, scheme: str, ending: str) -> None:
    outer = touch(tmp_path / "set", "a.jpg") + ending
    inner = touch(tmp_path / "set" / "masks", "a.png") + ending
    [pair], faults, passed_over = find_pairs(scheme + outer, scheme + inner)
    assert (pair.name, faults, passed_over) == ("a", [], {})
    touch(tmp_path / "set", "b.png")
    touch(tmp_path / "set" / "masks", "b.png")
    found, faults, _ = find_pairs(scheme + inner, scheme + outer)
    assert names(found) == ["b"]
    assert [fault.name for fault in faults] == ["a"]


def test_links_are_followed_once_and_pipes_never(tmp_path: Path) -> None:
    images = touch(tmp_path / "i")
    (tmp_path / "i" / "linked").symlink_to(touch(tmp_path / "elsewhere", "a.jpg"))
    (tmp_path / "i" / "again").symlink_to(tmp_path / "i")
    (tmp_path / "i" / "gone.jpg").symlink_to(tmp_path / "nothing")
    os.mkfifo(tmp_path / "i" / "pipe.jpg")
    found, faults, passed_over = find_pairs(
        images, touch(tmp_path / "m", "a.png", "gone.png", "pipe.png")
    )
    assert names(found) == ["a", "gone"]
    assert [fault.name for fault in faults] == ["pipe"]
    assert passed_over == {}


def test_find_pairs_tells_of_every_file_without_partner(tmp_path: Path) -> None:
    images = touch(tmp_path / "i", "a.jpg", "a.png", "b.jpg", "c.jpg", "e.HEIC")
    masks = touch(tmp_path / "m", "a.png", "c.png", "d.png", "e.png")
    found, faults, _ = find_pairs(images, masks)
    assert names(found) == ["c"]
    assert {fault.name: fault.reason for fault in faults} == {
        "a": "two images share this name: a.jpg and a.png",
        "b": f"image has no mask b.png in {masks}",
        "d": f"mask has no image in {images}",
        "e": f"mask has no image in {images}, only e.HEIC, which cannot be read",
    }


def test_folders_without_files_and_without_being_there(tmp_path: Path) -> None:
    images = touch(tmp_path / "i", "a.jpg")
    empty = touch(tmp_path / "m", ".hidden.png", "a.svg", "b.svg")
    told = (
        r"No masks in .*/m; expected .* \.png: correct the path, or convert .*, 1 hidden, 2 \.svg"
    )
    with pytest.raises(DataError, match=told):
        find_pairs(images, empty)
    with pytest.raises(DataError, match=r"Cannot list .*/a\.jpg: Not a directory; correct"):
        find_pairs(f"{images}/a.jpg", empty)
    with pytest.raises(DataError, match=r"No images in .*/none; expected files that end in \.jpg"):
        find_pairs(str(tmp_path / "none"), empty)


def test_a_folder_whose_name_looks_like_a_pattern(tmp_path: Path) -> None:
    images = touch(tmp_path / "i[1]*", "a.jpg")
    assert names(find_pairs(images, touch(tmp_path / "m", "a.png"))[0]) == ["a"]


def test_lists_in_the_official_form_and_plain(tmp_path: Path) -> None:
    official = tmp_path / "trainval.txt"
    official.write_text(
        "#Image CLASS-ID SPECIES BREED ID\nAbyssinian_100 1 1 1\n\nbeagle_2 5 2 3\n"
    )
    assert read_names(str(official)) == ["Abyssinian_100", "beagle_2"]
    plain = tmp_path / "plain.txt"
    plain.write_text("b.jpg\na\nb\n")
    assert read_names(str(plain)) == ["a", "b"]


@pytest.mark.parametrize(
    "content",
    [
        b"images/my pug 0.jpg\nmy pug 1.png\n",
        b"\xef\xbb\xbfmy pug 0\r\nmy pug 1\r\n",
        "my pug 0\nmy pug 1\n".encode("utf-16"),
        b"filename,label\nmy pug 0.jpg,1\nmy pug 1.jpg,0\n",
        b'"photos\\my pug 0.jpg";1\nmy pug 1.jpg;1\n',
        b"my pug 0\t1\nmy pug 1\t1\n",
        b"my pug 0 1 1 1\nmy pug 1 5 2 3\n",
    ],
)
def test_lists_as_other_programs_write_them(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list").write_bytes(content)
    assert read_names(str(tmp_path / "list")) == ["my pug 0", "my pug 1"]


def test_a_line_that_is_a_name_as_a_whole_is_that_name(tmp_path: Path) -> None:
    listed = ["pug, left", "pug; right", "#1", "pug 1 2 3", "pug, left,0"]
    (tmp_path / "list").write_text("".join(f"images/{name}.jpg\n" for name in listed))
    (tmp_path / "table").write_text("name,fold\npug,1\n#1,2\n")
    known = {"pug", *listed[:-1]}
    assert read_names(str(tmp_path / "list"), known) == sorted([*listed[:-1], "pug"])
    assert read_names(str(tmp_path / "table"), known) == ["pug"]


def test_an_accent_is_the_same_in_both_of_its_forms(tmp_path: Path) -> None:
    images = touch(tmp_path / "i", "chie\u0301n.jpg")
    found, faults, _ = find_pairs(images, touch(tmp_path / "m", "chi\u00e9n.png"))
    (tmp_path / "list").write_text("chie\u0301n.jpg\n")
    assert names(found) == read_names(str(tmp_path / "list")) == ["chi\u00e9n"]
    assert faults == []


@pytest.mark.parametrize("content", [b"", b"# nothing\n", b"\xff\xfe\x00"])
def test_lists_that_name_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "list").write_bytes(content)
    with pytest.raises(DataError, match="list"):
        read_names(str(tmp_path / "list"))
    with pytest.raises(DataError, match="Cannot read the list"):
        read_names(str(tmp_path / "none"))


def test_split_by_lists() -> None:
    splits, faults = split_by_lists(pairs("a", "b", "c", "d"), [], ["a", "x"], ["c", "y"])
    assert {split: names(found) for split, found in splits.items()} == {
        "train": ["a"],
        "val": ["c"],
    }
    assert [fault.name for fault in faults] == ["x", "y"]
    assert "has neither image nor mask" in faults[0].reason
    with pytest.raises(
        DataError, match="2 names are in the train list and in the val list"
    ) as both:
        split_by_lists(pairs("a"), [], ["a", "b", "c"], ["b", "c"])
    assert str(both.value).splitlines()[1:] == ["  b", "  c"]


def test_split_by_name_is_stratified_and_depends_on_names_alone() -> None:
    counts = {"Abyssinian": 20, "beagle": 10, "pug": 2, "Persian": 3, "boxer": 1}
    everything = pairs(*(f"{breed}_{n}" for breed, count in counts.items() for n in range(count)))
    splits = split_by_name(everything)
    held_out = {breed: sum(pair.breed == breed for pair in splits["val"]) for breed in counts}
    assert held_out == {"Abyssinian": 4, "beagle": 2, "pug": 1, "Persian": 1, "boxer": 0}
    moved = [Pair(pair.name, f"/else/{pair.name}.png", "m") for pair in reversed(everything)]
    again = split_by_name(moved)
    assert names(again["val"]) == names(splits["val"])
    assert names(again["train"]) == names(splits["train"])
    assert not set(names(splits["val"])) & set(names(splits["train"]))
