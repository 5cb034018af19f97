"""This pipeline's own job, before it is rehearsed."""

from pathlib import Path

import pytest

from pipeline.configs import load_settings
from pipeline.vertex.rehearsed import rehearsed_job


def test_data_of_another_recipe_are_told(few_pets: Path, tmp_path: Path) -> None:
    settings = load_settings(env_file="none", recipe="pets", data_root=str(few_pets))
    with pytest.raises(ValueError, match="holds data for recipe scenes, not for pets"):
        rehearsed_job(settings, tmp_path)
