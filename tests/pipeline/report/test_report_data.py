from pathlib import Path

import pandas as pd
import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.types import artifact_utils, standard_artifacts

from models.registry import load_task
from pipeline.pipeline import encoded_images
from pipeline.recipes import load_recipe
from pipeline.report import data
from pipeline.schema import examples_schema

BREEDS = [f"breed_{number}" for number in range(60)]


@pytest.fixture(scope="module")
def by_split() -> dict[str, statistics_pb2.DatasetFeatureStatisticsList]:
    frames = {
        "train": pd.DataFrame(
            {"breed": BREEDS * 3 + BREEDS[:1] * 20, "name": [str(n) for n in range(200)]}
        ),
        "eval": pd.DataFrame({"breed": ["breed_0", "new"] * 5, "name": list("abcdefghij")}),
    }
    return {
        split: tfdv.generate_statistics_from_dataframe(frame, n_jobs=1)
        for split, frame in frames.items()
    }


def artifact(kind, folder: Path, file: str, protos: dict):
    """An artifact as TFX's components write it: a folder for each split, with one file."""
    made = kind()
    made.uri = str(folder)
    made.split_names = artifact_utils.encode_split_names(list(protos))
    made.set_string_custom_property("tfx_version", "1.21.0")
    for split, proto in protos.items():
        (folder / f"Split-{split}").mkdir()
        (folder / f"Split-{split}" / file).write_bytes(proto.SerializeToString())
    return made


def test_frequent_values_have_shares_and_the_rest_is_counted(by_split, tmp_path: Path) -> None:
    statistics = artifact(
        standard_artifacts.ExampleStatistics, tmp_path, "FeatureStats.pb", by_split
    )
    breed, name = data.features(statistics)
    assert (breed.name, name.name) == ("breed", "name")
    assert breed.distinct == {"train": 60, "eval": 2}
    assert list(breed.shares)[:3] == ["breed_0", "breed_1", "breed_10"]
    assert len(breed.shares) == 40
    assert breed.more == 61 - 40
    assert breed.shares["breed_0"] == {"train": pytest.approx(23 / 200), "eval": 0.5}
    assert name.shares == {}
    assert name.distinct == {"train": 200, "eval": 10}


def test_of_encoded_images_the_mean_size_is_known_and_no_value_kept(tmp_path: Path) -> None:
    frame = pd.DataFrame({"image": [b"\xff" * 100, b"\xfe" * 300], "breed": ["a", "b"]})
    options = tfdv.StatsOptions(schema=encoded_images(load_task("segmentation")))
    protos = {"train": tfdv.generate_statistics_from_dataframe(frame, options, n_jobs=1)}
    made = artifact(standard_artifacts.ExampleStatistics, tmp_path, "FeatureStats.pb", protos)
    breed, image = data.features(made)
    assert (breed.distinct, image.distinct) == ({"train": 2}, {})
    assert (image.missing, image.mean_length) == ({"train": 0}, {"train": 200})
    assert image.shares == {}
    assert (tmp_path / "Split-train" / "FeatureStats.pb").stat().st_size < 2000


def test_encoded_images_fit_the_schema() -> None:
    frame = pd.DataFrame({name: [b"\xff"] for name in ("image", "label", "name", "breed")})
    frame["species"] = "cat"
    statistics = tfdv.generate_statistics_from_dataframe(
        frame, tfdv.StatsOptions(schema=encoded_images(load_task("segmentation"))), n_jobs=1
    )
    schema = examples_schema(load_recipe("pets").slices)
    assert not tfdv.validate_statistics(statistics, schema).anomaly_info
    schema.feature.add(name="mask", type=schema_pb2.BYTES).presence.min_fraction = 1.0
    assert list(tfdv.validate_statistics(statistics, schema).anomaly_info) == ["mask"]


def test_anomalies_are_listed_by_split(by_split, tmp_path: Path) -> None:
    schema = text_format.Parse(
        """
        feature { name: "name" type: BYTES }
        feature { name: "breed" type: BYTES domain: "breeds" }
        feature { name: "species" type: BYTES presence { min_fraction: 1.0 } }
        string_domain { name: "breeds" }
        """,
        schema_pb2.Schema(),
    )
    schema.string_domain[0].value.extend(BREEDS)
    protos = {
        split: tfdv.validate_statistics(statistics, schema)
        for split, statistics in by_split.items()
    }
    found = data.anomalies(
        artifact(standard_artifacts.ExampleAnomalies, tmp_path, "SchemaDiff.pb", protos)
    )
    assert {(one.split, one.feature, one.severity) for one in found} == {
        ("train", "species", "error"),
        ("eval", "species", "error"),
        ("eval", "breed", "error"),
    }
    [unexpected] = [one for one in found if one.feature == "breed"]
    assert "new" in unexpected.description
