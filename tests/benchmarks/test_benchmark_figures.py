import json
import math
import os
from pathlib import Path

import pytest

from benchmarks import __main__ as command
from benchmarks import bench_growth, bench_tfrecords, report
from tfrecords import synthetic


def measured(name: str, ours: float) -> report.Figure:
    return report.figure(name, "s", [ours], [2.0], "a peer")


def test_a_figure_is_the_median_of_its_rounds_and_of_their_ratios() -> None:
    found = report.figure("name", "s", [1.0, 9.0, 2.0], [1.0, 3.0, 4.0], "a peer")
    assert found == {
        "name": "name",
        "unit": "s",
        "ours": 2.0,
        "peer": 3.0,
        "peer_name": "a peer",
        "ratio": 1.0,
        "rounds": 3,
    }


def test_rounds_of_one_alone_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        report.figure("name", "s", [1.0, 2.0], [1.0], "a peer")


def test_new_figures_take_the_place_of_those_of_the_same_name() -> None:
    merged = report.merge(
        [measured("a", 1), measured("b", 2)], [measured("c", 3), measured("a", 4)]
    )
    assert [(row["name"], row["ours"]) for row in merged] == [("a", 4), ("b", 2), ("c", 3)]


def test_what_cannot_be_written_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    report.write([measured("a", 1)], path)
    with pytest.raises(TypeError):
        report.write([object()], path)
    assert report.read(path) == [measured("a", 1)]
    assert os.listdir(tmp_path) == ["results.json"]


def test_there_is_nothing_to_read_before_the_first_run(tmp_path: Path) -> None:
    assert report.read(tmp_path / "results.json") is None


def test_an_unknown_benchmark_is_refused_with_the_nearest_name(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command.main(["trainr"]) == 2
    assert "there is no benchmark trainr; did you mean trainer?" in capsys.readouterr().err


def test_there_is_a_benchmark_of_every_name() -> None:
    files = {path.stem for path in command.FOLDER.glob("bench_*.py")}
    assert files == {f"bench_{name}" for name in command.NAMES}


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_exponent_of_a_power_is_found(power: float) -> None:
    sizes = (2_000, 20_000)
    taken = (3 * sizes[0] ** power, 3 * sizes[1] ** power)
    assert bench_growth.exponent(sizes, taken) == pytest.approx(power)


def stage(images: int, seconds: float, peak_mb: float) -> bench_growth.Stage:
    return {"stage": "Reader", "images": images, "seconds": seconds, "peak_mb": peak_mb}


def test_growth_is_taken_between_the_two_largest_sizes_with_and_without_start_up() -> None:
    def seconds(images: int) -> float:
        return 10 + 0.01 * images

    taken = [stage(images, seconds(images), images) for images in (200, 2_000, 20_000)]
    time, beyond, memory = bench_growth.figures(taken)
    assert (time["name"], time["unit"]) == ("Reader, growth 2,000 to 20,000 images", "exponent")
    assert (time["ours"], time["peer"]) == (pytest.approx(math.log10(210 / 30)), 1.0)
    assert (beyond["name"], beyond["ours"]) == (
        f"{time['name']}, beyond start-up",
        pytest.approx(1.0),
    )
    assert (memory["unit"], memory["ratio"]) == ("MB", pytest.approx(10))


def test_a_stage_that_does_not_grow_has_no_exponent_beyond_its_start_up() -> None:
    found = bench_growth.figures([stage(images, 3.0, 500) for images in (200, 2_000, 20_000)])
    assert [row["unit"] for row in found] == ["exponent", "MB"]
    assert found[0]["ours"] == 0


def test_there_are_as_many_photos_as_are_wanted_and_no_two_alike(tmp_path: Path) -> None:
    drawn = tmp_path / "drawn"
    for kind, ending in (("images", "jpg"), ("trimaps", "png")):
        (drawn / kind).mkdir(parents=True)
        for name in ("Bengal_1", "beagle_2"):
            (drawn / kind / f"{name}.{ending}").write_text(f"{kind} of {name}")
    bench_growth.under_names(drawn, tmp_path / "five", 5)
    photos = sorted(path.stem for path in (tmp_path / "five/images").iterdir())
    assert photos == ["Bengal_1", "Bengal_3", "Bengal_5", "beagle_2", "beagle_4"]
    contents = [path.read_text() for path in sorted((tmp_path / "five/images").iterdir())]
    assert len(set(contents)) == 5
    assert contents[4].startswith("images of beagle_2")
    assert (tmp_path / "five/trimaps/beagle_4.png").read_text() == "trimaps of beagle_2"


def test_a_benchmark_writes_its_figures_beside_those_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_tfrecords, "_SMALL", 20)
    report.write([measured("another", 1)], tmp_path / "results.json")
    photos, trimaps = tmp_path / "images", tmp_path / "trimaps"
    synthetic.write_files(str(tmp_path), count=12)
    command.run(["tfrecords"], 1, tmp_path, {"tfrecords": [photos, trimaps]})
    names = [row["name"] for row in json.loads((tmp_path / "results.json").read_text())]
    archive = "Class folders to TFRecord, 20 images of 32 px, processor time"
    assert names == ["another", "Photos to TFRecord", "TFRecord size", archive]
    facts = json.loads((tmp_path / "machine.json").read_text())
    assert list(facts) == ["tfrecords"]
    assert f"{os.cpu_count()} cores" in facts["tfrecords"]["machine"]
