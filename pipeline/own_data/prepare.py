"""Converts one's own images, and writes the recipe that suits them."""

import io
import json
import os
import re
import time
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from pipeline.own_data.given import OwnData
from pipeline.own_data.plan import Choice, choose
from pipeline.recipes import known_recipes
from tfrecords import storage
from tfrecords.dataset import DatasetInfo
from tfrecords.errors import DataError
from tfrecords.example import read_image
from tfrecords.options import report
from tfrecords.shards import read_records
from tfrecords.sources.archives import ENDINGS
from tfrecords.sources.class_table import IGNORED, ClassTable, read_classes
from tfrecords.sources.infer_classes import infer_classes
from tfrecords.sources.recipe_file import check_recipe_path, write_recipe

_GENERAL = {"images", "photos", "jpegimages", "train", "data", "dataset"}  # names of no data set
_MAX_SIDE, _SHARDS, _VAL_SHARE = 256, 4, 0.2


def prepare(data: OwnData, console: Console) -> Path:
    """Convert the images to `data/NAME`, and write `NAME.toml` unless it is there.

    Args:
        data: where they are.
        console: is told what was found and chosen.

    Returns:
        The recipe's file.

    Raises:
        ValueError: the flags do not go together, or the data have a fault, every bad file named.
    """
    data.check()
    name = data.name or _find_name(data.folders or data.images or "")
    if name in known_recipes():
        raise DataError(f"--name {name} is a recipe of this project; choose another name.")
    recipe = Path(f"{name}.toml")
    check_recipe_path(str(recipe))
    output = os.path.join("data", name)
    started = time.monotonic()
    table = None
    if data.folders:
        info = _convert_folders(data.folders, output)
    else:
        table = _find_table(data)
        info = _convert_masks(data, table, output)
    report(console, output, info, time.monotonic() - started)
    if recipe.exists():
        said = f"{recipe} is there already, and says what is trained; delete it to have it chosen."
        console.print(said, highlight=False, markup=False)
        return recipe
    task = "segmentation" if table else "classification"
    choices = choose(task, info.counts["train"], _find_sides(output))
    _show(choices, recipe, console)
    write_recipe(str(recipe), _recipe_text(name, task, info, table, choices))
    return recipe


def _find_name(folder: str) -> str:
    """Return a name that the folder, or one above it, has."""
    path = os.path.abspath(folder).lower()
    ending = next((ending for ending in ENDINGS if path.endswith(ending)), "")
    parts = path.removesuffix(ending).strip(os.sep).split(os.sep)
    named = [part for part in parts if part not in _GENERAL]
    slug = re.sub(r"[^a-z0-9]+", "-", (named or ["images"])[-1]).strip("-")
    if not slug or not slug[0].isalpha() or slug in known_recipes():
        slug = f"own-{slug}".rstrip("-")
    return slug[:63].rstrip("-")


def _find_table(data: OwnData) -> ClassTable:
    if data.classes:
        return read_classes(data.classes)
    return infer_classes(data.images or "", data.masks or "")


def _convert_folders(folders: str, output: str) -> DatasetInfo:
    from tfrecords.build import Options
    from tfrecords.create_tfrecords_class_folders import create_tfrecords

    options = Options(_MAX_SIDE, _SHARDS, skip_invalid=False)
    return create_tfrecords(folders, output, options, val_share=_VAL_SHARE)


def _convert_masks(data: OwnData, table: ClassTable, output: str) -> DatasetInfo:
    from tfrecords.create_tfrecords_pets import create_tfrecords
    from tfrecords.sources.masks import reading

    return create_tfrecords(
        data.images or "",
        data.masks or "",
        output,
        max_side=_MAX_SIDE,
        num_shards=_SHARDS,
        **reading(table),
    )


def _find_sides(output: str) -> list[int]:
    """Return the longer side of each training image as it is stored, pixels."""
    sides = []
    for shard in storage.glob(storage.join(storage.escape(output), "train-*")):
        for record in read_records(shard):
            with Image.open(io.BytesIO(read_image(record))) as image:
                sides.append(max(image.size))
    return sides


def _show(choices: list[Choice], recipe: Path, console: Console) -> None:
    rows = Table("field", "value", "because", title=f"{recipe}, yours to change")
    for choice in choices:
        rows.add_row(choice.field, str(choice.value), choice.why)
    console.print(rows)


def _recipe_text(
    name: str, task: str, info: DatasetInfo, table: ClassTable | None, choices: list[Choice]
) -> str:
    names = table.names if table else info.class_names
    metric = "mean_iou" if table else "accuracy"
    lines = [
        f'name = "{name}"',
        f'task = "{task}"',
        f"class_names = {json.dumps(list(names), ensure_ascii=False)}",
    ]
    if table:
        lines.append(f"palette = {json.dumps(table.palette)}")
        lines += [f"ignore_label = {IGNORED}"] if table.ignores else []
    lines += [f"{one.field} = {json.dumps(one.value)}  # {one.why}" for one in choices]
    lines += [
        "",
        "# A model is published that is no worse than the last one. The report has its figures;",
        "# what it must reach is yours to say:",
        "#",
        "#     [gate.limits]",
        f"#     {metric} = 0.8",
        "[gate]",
        "max_drop = 0.02",
    ]
    return "\n".join(lines) + "\n"
