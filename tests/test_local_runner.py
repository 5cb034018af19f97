"""The main path: TFX's own command line, on the embedded data, to a blessed and pushed model."""

import json
import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from benchmarks.bench_evaluator import evaluate
from pipeline.recipes import load_recipe
from pipeline.results.verdict import words
from pipeline.runs import history, store
from tests.conftest import REPOSITORY, TFX_COMMANDS, Walk, Workplace
from tfrecords.example import LabelledImage


def row(output: str, name: str) -> str:
    """A row of the table at the end of a run."""
    match = re.search(rf"│ {re.escape(name)} +│ (.*?) +│", output)
    assert match, f"no row {name} in:\n{output}"
    return match[1]


@pytest.mark.slow
def test_tfx_commands_train_bless_and_push(trained: Workplace) -> None:
    created, compiled, output = (
        (trained.folder / f"tfx-{number}.txt").read_text() for number in range(len(TFX_COMMANDS))
    )
    assert "created successfully" in created
    assert "compiled successfully" in compiled
    assert (row(output, "images, train"), row(output, "images, eval")) == ("600", "120")
    assert float(row(output, "mean IoU")) > 0.75
    assert row(output, "verdict") == "blessed"
    [model] = trained.pushed()
    assert (REPOSITORY / row(output, "model")).resolve() == model
    assert set(tf.saved_model.load(str(model)).signatures) == {
        "serving_default",
        "from_examples",
        "transform_features",
        "network",
    }


@pytest.mark.slow
def test_a_second_run_trains_nothing(trained: Workplace, drawn_pets: Path) -> None:
    before = trained.pushed()
    done = trained.run("python local_runner.py", DATA_ROOT=drawn_pets)
    assert done.returncode == 0, done.stderr
    assert row(done.stdout, "training").endswith("(reused)")
    assert "Epoch" not in done.stdout
    assert trained.pushed() == before
    again = history.load_run(trained.pipeline_root / "metadata.sqlite")
    executed = {step.name for step in again.steps.values() if not step.cached}
    assert executed <= {"Resolver", "ImportSchemaGen"}, "the verdict is reused, too"


@pytest.mark.slow
def test_shuffled_labels_are_refused(trained: Workplace, tmp_path: Path) -> None:
    """The same model that was blessed, judged by the same gate."""
    [examples] = trained.pipeline_root.glob("ImportExampleGen/examples/*")
    [model] = trained.pipeline_root.glob("Trainer/model/*")
    sabotaged = Path(shutil.copytree(examples, tmp_path / "examples"))
    for shard in sabotaged.glob("Split-eval/*"):
        shuffle_labels(shard)
    judged = evaluate(load_recipe("pets"), sabotaged, tmp_path / "judged", model)
    assert not (judged / "blessing" / "BLESSED").exists()
    reasons = words(str(judged / "evaluation"))
    assert re.fullmatch(r"mean IoU 0\.\d+ is below 0\.\d+", reasons[0])
    same = evaluate(load_recipe("pets"), examples, tmp_path / "same", model)
    assert (same / "blessing" / "BLESSED").exists()


def shuffle_labels(shard: Path) -> None:
    """Gives every image of a shard another one's mask, resized to fit."""
    examples = [
        tf.train.Example.FromString(record)
        for record in tf.data.TFRecordDataset(str(shard), "GZIP").as_numpy_iterator()
    ]
    masks = [example.features.feature["label"].bytes_list.value[0] for example in examples]
    random.Random(0).shuffle(masks)
    with tf.io.TFRecordWriter(str(shard), "GZIP") as writer:
        for example, mask in zip(examples, masks, strict=True):
            feature = example.features.feature
            size = tf.io.decode_jpeg(feature["image"].bytes_list.value[0]).shape[:2]
            fitted = tf.image.resize(tf.io.decode_png(mask), size, method="nearest")
            feature["label"].bytes_list.value[0] = tf.io.encode_png(fitted).numpy()
            writer.write(example.SerializeToString())


@pytest.mark.slow
def test_what_is_the_same_is_reused_and_a_changed_setting_trains_again(walk: Walk) -> None:
    first, again, changed = walk.printed
    assert row(again, "training") == f"{row(first, 'training')} (reused)"
    assert not row(changed, "training").endswith("(reused)")
    assert [row(output, "verdict") for output in walk.printed] == ["blessed"] * 3
    begun, ended = (
        re.search(f"^step 6 of 1. · Trainer{rest}", text, re.M)
        for rest, text in (("$", first), (" · done in .* s$", changed))
    )
    assert begun and ended, "nothing is known of the time before the first run has ended"
    assert re.search("^step 6 of 1. · Trainer · reused$", again, re.M)
    assert re.search("^step 6 of 1. · Trainer · (about|less than) .* left$", changed, re.M)
    metadata = walk.workplace.pipeline_root / "metadata.sqlite"
    runs = [history.load_run(metadata, run_id) for run_id in store.run_ids(metadata)]
    assert [run.baseline_run for run in runs] == ["", "", runs[0].run_id]


@pytest.mark.slow
def test_a_report_that_cannot_be_written_leaves_the_run_good(walk: Walk) -> None:
    *_, output = walk.printed
    assert "report" in output
    assert "not written: [Errno 17] File exists" in output
    newest = max((walk.workplace.pipeline_root / "logs").iterdir())
    assert "The report failed" in newest.read_text()


@pytest.mark.slow
def test_another_architecture_serves_masks_of_each_images_size(walk: Walk, few_pets: Path) -> None:
    path = walk.workplace.pushed()[0]
    provenance = json.loads((path / "assets.extra" / "provenance.json").read_text())
    assert provenance["model"] == "unet_light"
    images = [
        tf.train.Example.FromString(record).features.feature["image"].bytes_list.value[0]
        for shard in sorted(few_pets.glob("val-*"))
        for record in tf.data.TFRecordDataset(str(shard)).as_numpy_iterator()
    ]
    serve = tf.saved_model.load(str(path)).signatures["serving_default"]
    masks = serve(image_bytes=tf.constant(images))["mask_png_bytes"].numpy()
    sizes = [tf.io.decode_jpeg(image).shape[:2] for image in images]
    assert [tf.io.decode_png(mask).shape[:2] for mask in masks] == sizes
    assert len(set(map(tuple, sizes))) > 1


def test_compiling_runs_nothing(workplace: Workplace) -> None:
    done = workplace.run(TFX_COMMANDS[1].replace("compile", "create"))
    assert done.returncode == 0, done.stdout + done.stderr
    stored = workplace.folder / "tfx" / "local" / "segformer-training-pipeline"
    arguments = json.loads((stored / "pipeline_args.json").read_text())
    assert (REPOSITORY / arguments["pipeline_dsl_path"]).samefile(REPOSITORY / "local_runner.py")
    assert not (workplace.pipeline_root / "logs").exists()
    assert not (workplace.pipeline_root / "ImportExampleGen").exists()


@pytest.mark.slow
def test_one_tiny_image_is_enough_to_train_and_to_be_refused(workplace: Workplace) -> None:
    """A split of a single image, smaller than any crop of it, goes through every step."""
    rng = np.random.default_rng(0)
    mask = np.arange(35, dtype=np.uint8).reshape(5, 7) % 3
    example = LabelledImage(
        image=tf.io.encode_png(rng.integers(0, 255, (5, 7, 3), np.uint8)).numpy(),
        label=tf.io.encode_png(mask[..., np.newaxis]).numpy(),
        name="Tabby_1",
        breed="Tabby",
        species="cat",
    )
    data = workplace.folder / "data"
    data.mkdir()
    for split in ("train", "val"):
        with tf.io.TFRecordWriter(str(data / f"{split}-00000-of-00001.tfrecord")) as writer:
            writer.write(example.serialize())
    flags = f"--data-root {data} --model unet_light --epochs 1 --image-size 32"
    done = workplace.run(f"visionpipe train --json --fail-on-refused {flags}", EPOCHS=7)
    assert done.returncode == 3, done.stdout + done.stderr
    assert (row(done.stderr, "images, train"), row(done.stderr, "images, eval")) == ("1", "1")
    assert row(done.stderr, "verdict").startswith("refused: ")
    told = json.loads(done.stdout)
    assert told["run"] == told["trained_by"]
    assert f"Run {told['run']}" in done.stderr
    assert (told["blessed"], told["model"], told["published"]) == (False, "", {})
    assert told["refusals"][0].startswith("mean IoU ")
    assert f"{told['metrics']['mean_iou']:.3f}" == row(done.stderr, "mean IoU")
    assert (told["steps"]["Trainer"], told["steps"]["Evaluator"]) == ("COMPLETE", "COMPLETE")
