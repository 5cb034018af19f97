"""What int8 costs on real photos, with a network that has learned something of them."""

import json

import pytest

from tests.conftest import REPOSITORY, Workplace

PETS = REPOSITORY.parent / "shared" / "data" / "pets"


@pytest.mark.slow
@pytest.mark.skipif(not PETS.is_dir(), reason=f"there are no photos in {PETS}")
def test_int8_costs_a_hundredth_at_most(workplace: Workplace) -> None:
    data = workplace.folder / "data"
    lists = {}
    for split in ("train", "test"):
        names = (PETS / f"{split}.txt").read_text().splitlines()
        lists[split] = workplace.folder / f"{split}.txt"
        lists[split].write_text("\n".join(names[::3]))
    converted = workplace.run(
        f"python -m tfrecords.create_tfrecords_pets --images {PETS}/images --trimaps {PETS}/trimaps"
        f" --train-list {lists['train']} --val-list {lists['test']} --output {data}"
    )
    assert converted.returncode == 0, converted.stderr
    done = workplace.run(
        "python -m benchmarks.stages EdgeExporter",
        DATA_ROOT=data,
        MODEL="unet_light",
        IMAGE_SIZE=64,
        EPOCHS=6,
    )
    assert done.returncode == 0, done.stderr
    [made] = workplace.pipeline_root.glob("EdgeExporter/edge_model/*/Format-Serving/edge.json")
    report = json.loads(made.read_text())
    assert report["float_mean_iou"] > 0.35, "a network that knows nothing loses nothing"
    for variant, figures in report["variants"].items():
        assert figures["mean_iou"] >= report["float_mean_iou"] - 0.01, (variant, report)
    assert report["passed"], report["reason"]
