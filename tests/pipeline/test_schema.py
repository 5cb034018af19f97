"""The schema that follows from a recipe."""

import pandas as pd
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tensorflow_transform.tf_metadata import schema_utils

from models.registry import load_task
from pipeline.pipeline import encoded_images
from pipeline.recipes import load_recipe
from pipeline.schema import examples_schema

ALWAYS = "presence { min_fraction: 1.0 min_count: 1 } shape {}"


def test_pets_have_five_features() -> None:
    written = "\n".join(
        f'feature {{ name: "{name}" type: BYTES {ALWAYS} }}'
        for name in ("image", "label", "name", "breed", "species")
    )
    pets = load_recipe("pets").slices
    assert examples_schema(pets) == text_format.Parse(written, schema_pb2.Schema())
    assert examples_schema(pets) == examples_schema(tuple(reversed(pets)))


def test_a_label_may_be_a_number_and_slices_others() -> None:
    spec = schema_utils.schema_as_feature_spec(
        examples_schema(["season"], label_type="int")
    ).feature_spec
    needed = {name: kind.dtype.name for name, kind in spec.items() if hasattr(kind, "shape")}
    assert needed == {"image": "string", "label": "int64", "name": "string", "season": "string"}


def test_what_is_written_and_not_sliced_by_is_no_anomaly() -> None:
    columns = ("image", "label", "name", "breed", "species")
    statistics = tfdv.generate_statistics_from_dataframe(
        pd.DataFrame({name: [b"\xff"] for name in columns}),
        tfdv.StatsOptions(schema=encoded_images(load_task("segmentation"))),
        n_jobs=1,
    )
    schema = examples_schema(["breed"])
    assert not tfdv.validate_statistics(statistics, schema).anomaly_info
    missing = tfdv.validate_statistics(statistics, examples_schema(["season"])).anomaly_info
    assert list(missing) == ["season"]
