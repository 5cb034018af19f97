"""What a model was made with, also a model of an earlier or a later version."""

import json
from pathlib import Path

import pytest
import tensorflow as tf

from models.provenance import Provenance, read_provenance, write_provenance
from tests.models.small_model import CONFIG

# What the first version wrote.
FIRST = {
    "recipe": "pets",
    "model": "unet",
    "encoder_weights": "none",
    "class_names": ["pet", "background", "border"],
    "palette": [[230, 97, 1], [94, 60, 153], [253, 184, 99]],
    "image_size": 96,
    "batch_size": 8,
    "epochs": 6,
    "learning_rate": 0.004,
    "seed": 0,
    "training": {"steps": 450},
}


def test_what_is_written_is_read(tmp_path: Path) -> None:
    told = Provenance(**CONFIG.model_dump(), training={"steps": 3})
    write_provenance(str(tmp_path), told)
    assert read_provenance(str(tmp_path)) == told
    assert told.config == CONFIG.model_dump(mode="json")


@pytest.mark.parametrize("more", [{}, {"of_a_later_version": 1}])
def test_models_of_other_versions_are_read(tmp_path: Path, more: dict) -> None:
    (tmp_path / "assets.extra").mkdir()
    (tmp_path / "assets.extra" / "provenance.json").write_text(json.dumps({**FIRST, **more}))
    found = read_provenance(str(tmp_path))
    assert (found.task, found.model, found.class_names[2]) == ("segmentation", "unet", "border")
    assert (found.max_megapixels, found.training) == (50, {"steps": 450})


def test_a_model_without_any_is_named(tmp_path: Path) -> None:
    with pytest.raises(tf.errors.NotFoundError, match=r"provenance\.json"):
        read_provenance(str(tmp_path))
